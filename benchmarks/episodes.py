"""Episodes of few-shot detection by a plain PyTorch Dataset and a DataLoader with two workers: PIL decodes each file and
scales, torchvision flips, changes colours and normalises.

usage: episodes.py FOLDER WAYS SHOTS EPISODES
"""

import collections
import json
import pathlib
import random
import sys

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional

from protocol import milliseconds, serve

SUPPORT, QUERY, GREY = 128, 384, (114, 114, 114)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Episodes(Dataset):
    def __init__(self, folder, ways, shots, episodes):
        content = json.loads((folder / "_annotations.coco.json").read_text())
        self.files = {image["id"]: folder / image["file_name"] for image in content["images"]}
        self.boxes = collections.defaultdict(list)  # of an image
        self.showing = collections.defaultdict(lambda: collections.defaultdict(list))  # of a class: images, boxes
        for entry in content["annotations"]:
            x, y, width, height = entry["bbox"]
            box = (x, y, x + width, y + height)
            self.boxes[entry["image_id"]].append((entry["category_id"], box))
            self.showing[entry["category_id"]][entry["image_id"]].append(box)
        self.ways, self.shots, self.episodes = ways, shots, episodes

    def __len__(self):
        return self.episodes

    def __getitem__(self, index):
        draw = random.Random()
        classes = draw.sample(sorted(self.showing), self.ways)
        queries = []
        for number in classes:
            queries.append(draw.choice([image for image in self.showing[number] if image not in queries]))
        supports, support_boxes = [], []
        for number in classes:
            for image in draw.sample([image for image in self.showing[number] if image not in queries], self.shots):
                pixels, box = self.support(image, draw.choice(self.showing[number][image]), draw)
                supports.append(pixels)
                support_boxes.append(box)
        seen = [self.query(image, classes, draw) for image in queries]
        return {
            "support": torch.stack(supports),
            "support_box": torch.tensor(support_boxes),
            "query": torch.stack([pixels for pixels, _ in seen]),
            "boxes": [boxes for _, boxes in seen],
            "class": torch.tensor(classes),
        }

    def support(self, image, box, draw):
        side = round(draw.uniform(1.6, 2.4) * max(box[2] - box[0], box[3] - box[1]))
        left = round((box[0] + box[2] - side) / 2 + draw.uniform(-0.1, 0.1) * side)
        top = round((box[1] + box[3] - side) / 2 + draw.uniform(-0.1, 0.1) * side)
        picture = Image.open(self.files[image]).convert("RGB")
        square = Image.new("RGB", (side, side), GREY)
        square.paste(picture, (-left, -top))
        scale = SUPPORT / side
        corners = [(edge - origin) * scale for edge, origin in zip(box, (left, top, left, top))]
        return self.finish(square.resize((SUPPORT, SUPPORT), Image.Resampling.BILINEAR), [corners], draw)

    def query(self, image, classes, draw):
        picture = Image.open(self.files[image]).convert("RGB")
        part = draw.uniform(0.5, 1) ** 0.5
        width, height = round(part * picture.width), round(part * picture.height)
        left, top = draw.randint(0, picture.width - width), draw.randint(0, picture.height - height)
        scale = QUERY / max(width, height)
        scaled = picture.resize(
            (round(width * scale), round(height * scale)), Image.Resampling.BILINEAR,
            box=(left, top, left + width, top + height),
        )  # fmt: skip
        square = Image.new("RGB", (QUERY, QUERY), GREY)
        square.paste(scaled, (0, 0))
        boxes, ways = [], []
        for number, box in self.boxes[image]:
            corners = [(edge - origin) * scale for edge, origin in zip(box, (left, top, left, top))]
            if corners[2] > 0 and corners[3] > 0 and corners[0] < width * scale and corners[1] < height * scale:
                boxes.append(corners)
                ways.append(classes.index(number) if number in classes else -1)
        pixels, boxes = self.finish(square, boxes, draw)
        return pixels, (torch.tensor(boxes), torch.tensor(ways))

    def finish(self, picture, boxes, draw):
        if draw.random() < 0.5:
            picture = functional.hflip(picture)
            boxes = [[picture.width - box[2], box[1], picture.width - box[0], box[3]] for box in boxes]
        picture = functional.adjust_brightness(picture, draw.uniform(0.8, 1.2))
        picture = functional.adjust_contrast(picture, draw.uniform(0.8, 1.2))
        picture = functional.adjust_saturation(picture, draw.uniform(0.8, 1.2))
        return functional.normalize(functional.to_tensor(picture), MEAN, DEVIATION), boxes


def main():
    torch.set_num_threads(1)
    ways, shots, episodes = (int(number) for number in sys.argv[2:5])
    dataset = Episodes(pathlib.Path(sys.argv[1]) / "train", ways, shots, episodes)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, persistent_workers=True)

    def run():
        for _ in loader:
            pass

    serve(lambda: {"episodes_per_minute": 60e3 * episodes / milliseconds(run)})


main()
