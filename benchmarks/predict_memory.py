"""The most memory that `lockstep predict surface` takes for a large volume of 16 bits, with small components taken away,
beside that for a volume of one window a rank: the program, LibTorch, the network and what it keeps of a window. What is
above that is due to the volume; the target is that it stays below 1.5 times the volume's bytes.

usage: predict_memory.py --program LOCKSTEP [--side N] [--compression deflate]
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

import numpy
import tifffile

PATCH = (64, 128, 128)
RANKS = "cpu:2"


def write_sheets(file, shape, compression=None):
    """Wavy sheets with noise over them, written slice by slice."""
    generator = numpy.random.default_rng(0)
    y, x = numpy.mgrid[: shape[1], : shape[2]]
    with tifffile.TiffWriter(file) as writer:
        for z in range(shape[0]):
            wave = numpy.cos(0.2 * z + 2 * numpy.sin(0.03 * x) + 2 * numpy.sin(0.04 * y))
            grey = 20000 + 15000 * wave + generator.normal(0, 3000, wave.shape)
            writer.write(grey.clip(0, 65535).astype(numpy.uint16), compression=compression, contiguous=False)


def run(*command):
    """The most memory that the program took, in MiB."""
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen([str(part) for part in command], stdout=nothing, stderr=subprocess.PIPE, text=True)
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{words}")
    return usage.ru_maxrss / 1024


def train(program, folder):
    """One step: what the network answers does not matter."""
    for kind in ("train", "test"):
        (folder / f"{kind}_images").mkdir()
        (folder / f"{kind}_labels").mkdir()
        image = folder / f"{kind}_images" / "1.tif"
        write_sheets(image, PATCH)
        labels = (tifffile.imread(image, key=range(PATCH[0])) > 32000).astype(numpy.uint8)
        tifffile.imwrite(folder / f"{kind}_labels" / "1.tif", labels, photometric="minisblack")
    run(program, "train", "surface", "--dataset-path", folder, "--checkpoint-dir", folder / "run", "--devices", RANKS,
        "--patch-size", ",".join(map(str, PATCH)), "--width", 4, "--encoder-blocks", 1, "--batch-size", 1,
        "--accumulation-steps", 1, "--samples-per-epoch", 2, "--epochs", 1, "--warmup-epochs", 0,
        "--tuning-volumes", 0)  # fmt: skip


def predict(program, folder, shape, compression=None):
    write_sheets(folder / "volume.tif", shape, compression)
    return run(program, "predict", "surface", "--checkpoint-dir", folder / "run", "--input", folder / "volume.tif",
               "--output", folder / "masks", "--devices", RANKS, "--overlap", 0, "--threshold", 0.5,
               "--smallest-component", 1000)  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--compression")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        train(arguments.program, folder)
        windows = predict(arguments.program, folder, (PATCH[0], PATCH[1], 2 * PATCH[2]))
        peak = predict(arguments.program, folder, (arguments.side,) * 3, arguments.compression)
    volume = 2 * arguments.side**3 / 2**20
    print(f"volume {volume:.0f} MiB; peak {peak:.0f} MiB, of which {windows:.0f} MiB are there for one window a rank as "
          f"well: the rest is {(peak - windows) / volume:.2f} times the volume")  # fmt: skip


if __name__ == "__main__":
    main()
