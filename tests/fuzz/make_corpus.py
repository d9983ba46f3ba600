"""Writes the files with which the fuzz targets begin: tiny valid ones of every kind.

Usage: make_corpus.py FOLDER. The results are committed in tests/fuzz/corpus; needs Pillow, tifffile, numpy and torch.
"""

import json
import pathlib
import sys

import numpy
import tifffile
from PIL import Image

WIDTH, HEIGHT = 19, 13


def picture():
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(numpy.stack([x * 13, y * 19, (x * y) % 256], -1).astype(numpy.uint8))


def mask():
    y, x = numpy.mgrid[0:60, 0:80]
    return Image.fromarray((((x - 40) ** 2 + (y - 30) ** 2 < 400) * 255).astype(numpy.uint8))


def write_pngs(folder):
    rgb = picture()
    rgb.save(folder / "rgb.png")
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("1").save(folder / "bits1.png")
    rgb.quantize(4).save(folder / "palette2.png")
    rgb.quantize(200).save(folder / "palette8.png")
    rgb.quantize(16).save(folder / "transparent.png", transparency=bytes(range(0, 256, 16)))
    rgb.convert("RGBA").save(folder / "rgba.png")
    rgb.convert("LA").save(folder / "grey_alpha.png")
    Image.fromarray(numpy.asarray(rgb.convert("L")).astype(numpy.uint16) * 257).save(folder / "grey16.png")
    mask().save(folder / "mask.png")


def write_jpegs(folder):
    rgb = picture()
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        rgb.save(folder / f"rgb{subsampling.replace(':', '')}.jpg", quality=80, subsampling=subsampling)
    rgb.save(folder / "progressive.jpg", quality=80, progressive=True)
    rgb.save(folder / "restarts.jpg", quality=80, restart_marker_blocks=1)
    rgb.convert("L").save(folder / "grey.jpg", quality=80)
    rgb.convert("CMYK").save(folder / "cmyk.jpg", quality=80)


def write_rows(folder):
    """The kind, the width, then rows behind the number of their filter."""
    generator = numpy.random.default_rng(3)
    for kind in range(11):
        levels = generator.choice([0, 0, 0, 0, 255, 1, 90], 400).astype(numpy.uint8)
        (folder / f"kind{kind:02}").write_bytes(bytes([kind, 39 + kind]) + levels.tobytes())


VOC_OBJECT = """  <object><name>{name}</name><difficult>{difficult}</difficult>
    <bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>
"""

VOC_FILE = """<annotation><filename>a.jpg</filename>
  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>
{objects}</annotation>
"""


def voc(objects, width=64, height=48):
    return VOC_FILE.format(
        width=width,
        height=height,
        objects="".join(VOC_OBJECT.format(name=name, box=box, difficult=hard) for name, box, hard in objects),
    )


def write_vocs(folder):
    """Good boxes, and those that are put up with: without area, over the edge, exchanged, without a size."""
    (folder / "good.xml").write_text(voc([("cat", (1, 2, 30, 40), 0), ("a dog", (10.5, 2, 64, 48), 1)]))
    (folder / "odd.xml").write_text(voc([("cat", (5, 5, 5, 9), 0), ("cat", (-3, 9, 1e3, 4), 0)]))
    (folder / "no_size.xml").write_text(voc([("cat", (1, 2, 3, 4), 0)], 0, 0))
    (folder / "no_number.xml").write_text(voc([("cat", ("", 2, " ", 4), 0)]))
    (folder / "empty.xml").write_text(voc([]))
    (folder / "entities.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n'
        + voc([("&lt;&amp;&#65;&e;<![CDATA[x]]>", (1, 2, 3, 4), 0)])
    )


def coco(annotations, **others):
    return {
        "info": {"year": 2020},
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}, {"id": 2, "file_name": "b/c.png"}],
        "categories": [{"id": 0, "name": "all"}, {"id": 7, "name": "cat", "supercategory": "all"}],
        "annotations": annotations,
        **others,
    }


def coco_box(number, box, image=1, **others):
    return {"id": number, "image_id": image, "category_id": 7, "bbox": box, **others}


def write_cocos(folder):
    """The same, and what is only COCO's: outlines, crowds, ids that are used twice."""
    outline = {"area": 12.5, "segmentation": [[1, 2, 3.5, 4]], "iscrowd": 0}
    files = {
        "good": coco([coco_box(1, [1, 2, 30, 40], **outline), coco_box(2, [10.5, 2, 53.5, 46], iscrowd=1)]),
        "odd": coco([coco_box(1, [5, 5, 0, 9]), coco_box(1, [-3, 9, 1e3, -4]), coco_box(2, [1, 2, 3, 4], image=9)]),
        "nested": coco([coco_box(3, [1, 2, 3, 4], image=2)], info=[[{"a": [[]]}]]),
        "empty": coco([]),
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def write_tiffs(folder):
    z, y, x = numpy.mgrid[0:3, 0:HEIGHT, 0:WIDTH]
    grey = (z * 40 + y * 5 + x).astype(numpy.uint8)
    deep = grey.astype(numpy.uint16) * 257
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(folder / "raw.tif", grey, **options)
    tifffile.imwrite(folder / "raw16_big_endian.tif", deep, byteorder=">", rowsperstrip=5, **options)
    tifffile.imwrite(folder / "deflate.tif", grey, compression="zlib", rowsperstrip=4, **options)
    tifffile.imwrite(folder / "deflate16_tiles.tif", deep, compression="zlib", predictor=True, tile=(16, 16), **options)
    tifffile.imwrite(folder / "big.tif", deep, bigtiff=True, compression="zlib", **options)
    pages = [Image.fromarray(page) for page in grey]
    for compression in ("tiff_lzw", "packbits"):
        pages[0].save(folder / f"{compression}.tif", compression=compression, save_all=True, append_images=pages[1:])


def write_torch_archives(folder):
    import argparse

    import torch

    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    base = torch.arange(12.0).reshape(3, 4)
    torch.save(network.state_dict(), folder / "state_dict.pth")
    views = {"a": base, "b": base.t()[1:], "c": base[:, ::2].half(), "d": base > 3}
    torch.save(views, folder / "views.pth", pickle_protocol=4)
    torch.save(
        {"epoch": 3, "args": argparse.Namespace(lr=0.1), "model_ema": dict(network.named_parameters())},
        folder / "script.pth",
    )


def write_pickles(folder):
    """The pickles of such archives, and one by hand of protocol 0."""
    import tempfile
    import zipfile

    with tempfile.TemporaryDirectory() as archives:
        write_torch_archives(pathlib.Path(archives))
        for archive in pathlib.Path(archives).iterdir():
            with zipfile.ZipFile(archive) as file:
                (folder / f"{archive.stem}.pkl").write_bytes(file.read(f"{archive.stem}/data.pkl"))
    (folder / "words.pkl").write_bytes(b"(dp0\nS'a'\np1\n(lp2\nI1\naL2L\naF0.5\nasVb\ng1\ns(I00\nI01\nNtp3\n0.")


def main():
    folder = pathlib.Path(sys.argv[1])
    writers = {
        "coco": write_cocos,
        "jpeg": write_jpegs,
        "pickle": write_pickles,
        "png": write_pngs,
        "png_rows": write_rows,
        "tiff": write_tiffs,
        "torch_archive": write_torch_archives,
        "voc": write_vocs,
    }
    for name, write in writers.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        write(folder / name)


main()
