"""Prints what other readers find in a dataset with boxes, a line for each image: split, file, then its boxes.

Usage: boxes_reference.py coco|voc FOLDER. COCO's JSON is read by pycocotools (train, valid, test, each with
_annotations.coco.json), VOC's XML by ElementTree (ImageSets/Main/{train,val,test}.txt). A box is class:x0:y0:x1:y1, and
left out where it has no area. Lines and boxes are sorted.
"""

import contextlib
import pathlib
import sys
import xml.etree.ElementTree

KINDS = ("xmin", "ymin", "xmax", "ymax")


def line_of(split, name, boxes):
    words = sorted(":".join([label, *(f"{edge:.3f}" for edge in edges)]) for label, edges in boxes)
    return " ".join([split, name, *words])


def read_coco(folder):
    from pycocotools.coco import COCO

    for split in ("train", "valid", "test"):
        with contextlib.redirect_stdout(sys.stderr):
            coco = COCO(folder / split / "_annotations.coco.json")
        for number, image in coco.imgs.items():
            boxes = []
            for entry in coco.loadAnns(coco.getAnnIds(imgIds=[number])):
                x, y, width, height = entry["bbox"]
                if width > 0 and height > 0:
                    boxes.append((coco.cats[entry["category_id"]]["name"], (x, y, x + width, y + height)))
            yield line_of(split, image["file_name"], boxes)


def read_voc(folder):
    for split in ("train", "val", "test"):
        for name in (folder / "ImageSets" / "Main" / f"{split}.txt").read_text().split():
            root = xml.etree.ElementTree.parse(folder / "Annotations" / f"{name}.xml").getroot()
            boxes = []
            for entry in root.findall("object"):
                edges = [float(entry.findtext(f"bndbox/{kind}")) for kind in KINDS]
                if edges[0] < edges[2] and edges[1] < edges[3]:
                    boxes.append((entry.findtext("name"), edges))
            yield line_of({"val": "valid"}.get(split, split), f"{name}.jpg", boxes)


def main():
    readers = {"coco": read_coco, "voc": read_voc}
    for line in sorted(readers[sys.argv[1]](pathlib.Path(sys.argv[2]))):
        print(line)


main()
