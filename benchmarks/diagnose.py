"""Plants bottlenecks, lets `lockstep diagnose camouflage` name each, makes the change that it asks for, and compares what
training then does with what was foretold. Prints a table as Markdown; --json FILE writes the figures down as well.

usage: diagnose.py --program LOCKSTEP [--folder DIR] [--seconds S] [--rounds N] [--json FILE] [NAME...]

The photographs are made here: a heavy set of 1600 x 1200 pixels, small pictures whose masks are huge, and a light one.
Each case is the options of a run, what is planted in it, what the verdict must name, and the options with which that is
mended, where no flag of the verdict does it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

SMALL = ["--devices", "cpu", "--backbone", "edgenext_xx_small", "--decoder-width", "16", "--precision", "fp32"]

CASES = {
    "one decode thread": {
        "data": "heavy",
        "options": [*SMALL, "--img-size", "64", "--batch-size", "8", "--num-workers", "1"],
        "names": "decode threads",
    },
    "slow disk": {
        "data": "heavy",
        "options": [*SMALL, "--img-size", "64", "--batch-size", "8", "--num-workers", "1"],
        "planted": ["--throttle-reads", "16"],
        "names": "disk",
        "mended": [],
    },
    "huge masks": {
        "data": "masks",
        "options": [*SMALL, "--img-size", "64", "--batch-size", "8", "--num-workers", "1"],
        "names": "masks are huge",
    },
    "tiny batch": {
        "data": "light",
        "options": [*SMALL, "--img-size", "32", "--batch-size", "1", "--num-workers", "1"],
        "names": "batch is too small",
    },
    "slow rank": {
        "data": "light",
        "options": [*SMALL, "--devices", "cpu:2", "--img-size", "96", "--batch-size", "4", "--num-workers", "1"],
        "planted": ["--slow-rank", "1", "--slow-milliseconds", "250"],
        "names": "rank 1",
        "mended": [],
    },
}


def photograph(generator, width, height):
    """Something with the detail of a photograph: smooth ground, noise over it."""
    coarse = generator.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    ground = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC), dtype=np.int16)
    return np.clip(ground + generator.normal(0, 12, ground.shape), 0, 255).astype(np.uint8)


def mask(generator, width, height, noise):
    """A disc; `noise`: how many grey levels its edge and ground vary by, which is what makes PNG slow."""
    y, x = np.mgrid[:height, :width]
    disc = ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2) * 200.0
    return np.clip(disc + generator.integers(0, noise + 1, (height, width)), 0, 255).astype(np.uint8)


def write_set(folder, names, size, quality, noise, different=4):
    """So many files, of which some are different and the others further names of these: epochs are to be long."""
    generator = np.random.default_rng(0)
    for split, number in (("train", names), ("test", 2)):
        images, masks = folder / split / "images", folder / split / "masks"
        images.mkdir(parents=True)
        masks.mkdir(parents=True)
        for i in range(min(number, different)):
            Image.fromarray(photograph(generator, *size)).save(images / f"{i:04}.jpg", quality=quality)
            Image.fromarray(mask(generator, *size, noise)).save(masks / f"{i:04}.png")
        for i in range(different, number):
            os.link(images / f"{i % different:04}.jpg", images / f"{i:04}.jpg")
            os.link(masks / f"{i % different:04}.png", masks / f"{i:04}.png")


def write_sets(folder):
    write_set(folder / "heavy", 512, (1600, 1200), 90, 0)
    write_set(folder / "masks", 512, (1600, 1200), 20, 55)
    write_set(folder / "light", 2048, (64, 64), 90, 0)


def run(arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")


def diagnose(program, data, options, seconds, folder):
    output = folder / "diagnosis.json"
    run([program, "diagnose", "camouflage", "--dataset-path", data, *options, "--seconds", seconds, "--output", output])
    return json.loads(output.read_text())


def train(program, data, options, folder, seconds):
    """Samples a second of a run of the training program, in its later half: the first steps build things."""
    dataset = len(list((data / "train" / "images").iterdir()))
    run_folder = tempfile.mkdtemp(dir=folder)
    steps = 20
    while True:
        run([program, "train", "camouflage", "--dataset-path", data, "--checkpoint-dir", run_folder, *options,
             "--epochs", 10000, "--evaluate-every", 10000, "--checkpoint-minutes", 600, "--max-steps", steps])  # fmt: skip
        events = [json.loads(line) for line in open(f"{run_folder}/run.jsonl")]
        start = next(event for event in events if event["event"] == "start")
        last = [event for event in events if event["event"] == "step"][-steps:]
        spent = [sum(v for k, v in e["seconds"].items() if k not in ("checkpoint", "evaluate")) for e in last]
        half = spent[len(spent) // 2 :]
        if sum(half) > seconds / 4:
            break
        steps += max(20, int(steps * seconds / 3 / max(sum(half), 0.01)))
    batch = start["global_batch"]
    per_epoch = -(-dataset // batch)
    return dataset / per_epoch / statistics.mean(half)


def examine(name, program, folder, seconds):
    case = CASES[name]
    data = folder / case["data"]
    planted = case.get("planted", [])
    diagnosis = diagnose(program, data, [*case["options"], *planted], seconds, folder)
    if not diagnosis["changes"]:
        return {"named": False, "words": diagnosis["words"]}
    change = diagnosis["changes"][0]
    before = train(program, data, [*case["options"], *planted], folder, seconds / 4)
    mended = case["options"] + (planted + [change["flag"], change["value"]] if change["flag"] else [])
    after = train(program, data, mended, folder, seconds / 4)
    return {
        "named": case["names"] in change["problem"],
        "words": diagnosis["words"],
        "change": " ".join([change["flag"], change["value"]]) if change["flag"] else "the fault mended",
        "loop": diagnosis["loop"]["samples_per_second"],
        "before": before,
        "foretold_gain": change["samples_per_second"] / diagnosis["loop"]["samples_per_second"],
        "foretold": change["samples_per_second"],
        "after": after,
        "gain": after / before,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, help="where the photographs are, or are to be made")
    parser.add_argument("--seconds", type=float, default=60, help="of each diagnosis")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=[])
    arguments = parser.parse_args()
    folder = arguments.folder or pathlib.Path(tempfile.mkdtemp())
    if not (folder / "light").exists():
        write_sets(folder)
    results = {}
    print("| planted | named | change | samples/s | foretold | came | foretold / came |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names or CASES:
        rounds = [examine(name, arguments.program, folder, arguments.seconds) for _ in range(arguments.rounds)]
        results[name] = rounds
        for one in rounds:
            if "after" not in one:
                print(f"| {name} | no: {one['words']} |")
                continue
            print(
                f"| {name} | {'yes' if one['named'] else 'no'} | {one['change']} | {one['before']:.1f} | "
                f"{one['foretold']:.1f} ({one['foretold_gain']:.2f} x) | {one['after']:.1f} ({one['gain']:.2f} x) | "
                f"{one['foretold'] / one['after']:.2f} |",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
