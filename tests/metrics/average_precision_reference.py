"""Random boxes with the average precisions that pycocotools' COCOeval gives them.

Usage: average_precision_reference.py OUTPUT_FOLDER. Writes for each case NAME.txt: a line for each detection ("found",
image, category, score, x0, y0, x1, y1) and for each true box ("truth", image, category, x0, y0, x1, y1, crowd,
ignored), then one for each category with boxes ("category", number, AP, AP50, AP75) and one for all of them ("all", AP,
AP50, AP75). Edges are multiples of a quarter, so that nothing is rounded on the way to COCO's widths and heights.
"""

import contextlib
import pathlib
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

TOO_LARGE = 1e12  # an area beyond that of COCO's range: how COCOeval is told to ignore a box


def quarter(value):
    return np.round(4 * value) / 4


def random_boxes(rng, count, side):
    x, y = rng.uniform(0, 0.8 * side, (2, count))
    width, height = rng.uniform(0.02 * side, 0.5 * side, (2, count))
    return quarter(np.stack([x, y, x + width + 0.25, y + height + 0.25], axis=1))


def case(rng, images, categories, most, *, crowds=0.0, ignored=0.0, noise=0.1, score_levels=None, extra=0.5):
    truth, found = [], []
    for image in range(images):
        for category in range(categories):
            boxes = random_boxes(rng, rng.integers(0, most + 1), 200)
            for box in boxes:
                draw = rng.uniform()
                truth.append((image, category, *box, int(draw < crowds), int(crowds <= draw < crowds + ignored)))
            near = boxes.repeat(2, axis=0)
            near = quarter(near + noise * rng.normal(0, 40, near.shape)) if len(near) else near
            wild = random_boxes(rng, rng.integers(0, 1 + int(most * extra)), 200)
            for box in [*near, *wild]:
                if box[2] > box[0] and box[3] > box[1]:
                    score = rng.uniform() if score_levels is None else rng.integers(score_levels) / score_levels
                    found.append((image, category, score, *box))
    order = rng.permutation(len(found))
    return [found[i] for i in order], truth


def cases():
    rng = np.random.default_rng(5)
    yield "plain", case(rng, 20, 3, 5)
    yield "exact", case(rng, 10, 2, 4, noise=0.0)
    yield "far", case(rng, 10, 2, 4, noise=0.6)
    yield "ties", case(rng, 20, 3, 5, score_levels=3)
    yield "crowds", case(rng, 25, 3, 5, crowds=0.4)
    yield "ignored", case(rng, 25, 3, 5, ignored=0.4, noise=0.05)
    yield "both", case(rng, 25, 4, 6, crowds=0.2, ignored=0.3, score_levels=10)
    yield "many", case(rng, 3, 2, 90, noise=0.02)
    yield "sparse", case(rng, 12, 6, 1, crowds=0.2)
    found, truth = case(rng, 8, 3, 4)
    yield "category without truth", (found, [box for box in truth if box[1] != 1])
    yield "category not found", ([box for box in found if box[1] != 2], truth)
    yield "images without truth", (found, [box for box in truth if box[0] % 2])
    square = (0.0, 0.0, 40.0, 40.0)
    halves = [(0, 0, 0.5, 0.0, 0.0, 40.0, 20.0), (0, 0, 0.5, 0.0, 0.0, 20.0, 40.0)]  # IoU of just 0.5
    yield "at the threshold", (halves, [(0, 0, *square, 0, 0), (0, 0, 0.0, 0.0, 20.0, 40.0, 0, 0)])


def evaluate(found, truth):
    """COCOeval over the categories 0 … 9; all with truth get numbers of their own."""
    images = sorted({box[0] for box in [*found, *truth]})
    annotations = [{"id": i + 1, "image_id": box[0], "category_id": box[1], "iscrowd": box[6],
                    "bbox": [box[2], box[3], box[4] - box[2], box[5] - box[3]],
                    "area": TOO_LARGE if box[7] else 1.0} for i, box in enumerate(truth)]  # fmt: skip
    coco = COCO()
    coco.dataset = {"images": [{"id": image} for image in images], "annotations": annotations, "info": {},
                    "categories": [{"id": i, "name": str(i)} for i in range(10)]}  # fmt: skip
    coco.createIndex()
    results = coco.loadRes([{"image_id": box[0], "category_id": box[1], "score": float(box[2]),
                             "bbox": [box[3], box[4], box[5] - box[3], box[6] - box[4]]} for box in found])  # fmt: skip
    evaluation = COCOeval(coco, results, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # (IoU, recall, category)
    rows = []
    for category in range(10):
        own = precision[:, :, category]
        if (own > -1).all():
            rows.append((category, own.mean(), own[0].mean(), own[5].mean()))
    return rows, evaluation.stats[:3]


def main():
    output = pathlib.Path(sys.argv[1])
    for name, (found, truth) in cases():
        with contextlib.redirect_stdout(sys.stderr):
            rows, all_of_them = evaluate(found, truth)
        with open(output / f"{name.replace(' ', '_')}.txt", "w") as file:
            for kind, boxes in (("found", found), ("truth", truth)):
                for box in boxes:
                    print(kind, *(f"{value:.17g}" for value in box), file=file)
            for row in rows:
                print("category", *(f"{value:.17g}" for value in row), file=file)
            print("all", *(f"{value:.17g}" for value in all_of_them), file=file)


if __name__ == "__main__":
    main()
