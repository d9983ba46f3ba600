"""Writes the files with which the fuzz targets begin: tiny valid ones of every kind.

Usage: make_corpus.py FOLDER. The results are committed in tests/fuzz/corpus; needs Pillow with numpy, and torch.
"""

import pathlib
import sys

import numpy
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
    for name, write in (
        ("png", write_pngs),
        ("jpeg", write_jpegs),
        ("png_rows", write_rows),
        ("pickle", write_pickles),
        ("torch_archive", write_torch_archives),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        write(folder / name)


main()
