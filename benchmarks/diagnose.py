"""Plants bottlenecks, lets `lockstep diagnose camouflage` name each, makes every change that it proposes, and compares
what training then does with what was foretold. Prints a table as Markdown, with the medians of the rounds; --json FILE
writes all figures down as well.

usage: diagnose.py --program LOCKSTEP [--folder DIR] [--seconds S] [--rounds N] [--json FILE] [NAME...]

The photographs are made here: a heavy set of 3200 x 2400 pixels, small pictures whose masks are huge, and a light one.
Each case is the options of a run, what is planted in it, and what the cause must name. A change without a flag is made by
leaving out what was planted. With --cache what counts is the rate from the second epoch on.
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
        "planted": ["--throttle-reads", "64"],
        "names": "the disk",
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
    write_set(folder / "heavy", 256, (3200, 2400), 90, 0)
    write_set(folder / "masks", 256, (3200, 2400), 20, 55)
    write_set(folder / "light", 2048, (64, 64), 90, 0)


def run(arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")


def diagnose(program, data, options, seconds, folder):
    output = folder / "diagnosis.json"
    run([program, "diagnose", "camouflage", "--dataset-path", data, *options, "--seconds", seconds, "--output", output])
    return json.loads(output.read_text())


def steps_of_run(program, data, options, run_folder, steps):
    """The start of a run and its steps, all of them, after it has made so many."""
    run([program, "train", "camouflage", "--dataset-path", data, "--checkpoint-dir", run_folder, *options,
         "--epochs", 10000, "--evaluate-every", 10000, "--checkpoint-minutes", 600, "--max-steps", steps])  # fmt: skip
    events = [json.loads(line) for line in open(f"{run_folder}/run.jsonl")]
    start = next(event for event in events if event["event"] == "start")
    return start, [event for event in events if event["event"] == "step"]


def train(program, data, options, folder, seconds):
    """Samples a second of a run of the training program, in the later half of what it does from some step on: the first
    steps build things, and with a cache the whole first epoch does."""
    dataset = len(list((data / "train" / "images").iterdir()))
    steps = 20
    while True:
        # Anew each time: a cache in memory would be gone where a run is resumed.
        start, done = steps_of_run(program, data, options, tempfile.mkdtemp(dir=folder), steps)
        per_epoch = -(-dataset // start["global_batch"])
        first = per_epoch if "--cache" in options else 0
        counted = done[first:][(len(done) - first) // 2 :]
        spent = [sum(v for k, v in e["seconds"].items() if k not in ("checkpoint", "evaluate")) for e in counted]
        if len(done) > first + 10 and sum(spent) > seconds / 4:
            return dataset / per_epoch / statistics.mean(spent)
        if len(done) <= first + 10:
            steps = first + per_epoch
        else:
            steps += max(20, int((steps - first) * seconds / 3 / max(sum(spent), 0.01)))


def examine(name, program, folder, seconds):
    """The diagnosis, and the rate with each of its changes."""
    case = CASES[name]
    data = folder / case["data"]
    planted = case.get("planted", [])
    diagnosis = diagnose(program, data, [*case["options"], *planted], seconds, folder)
    before = train(program, data, [*case["options"], *planted], folder, seconds / 4)
    changes = {}
    for change in diagnosis["changes"]:
        if not change["flag"] and not planted:
            continue
        mended = case["options"] + ([*planted, change["flag"], change["value"]] if change["flag"] else [])
        changes[" ".join([change["flag"], change["value"]]) if change["flag"] else "the fault mended"] = {
            "foretold": change["samples_per_second"],
            "was_tried": change["was_tried"],
            "came": train(program, data, mended, folder, seconds / 4),
        }
    return {
        "named": case["names"] in diagnosis["cause"],
        "words": diagnosis["words"],
        "loop": diagnosis["loop"]["samples_per_second"],
        "before": before,
        "changes": changes,
    }


def rows(name, rounds):
    """One for each change that was proposed in any round, the most frequent first."""
    named = f"{sum(one['named'] for one in rounds)} of {len(rounds)}"
    proposed = [change for one in rounds for change in one["changes"]]
    if not proposed:
        yield f"| {name} | {named} | none |"
    for change in sorted(dict.fromkeys(proposed), key=proposed.count, reverse=True):
        made = [(one, one["changes"][change]) for one in rounds if change in one["changes"]]
        before = statistics.median(one["before"] for one, _ in made)
        foretold = statistics.median(figures["foretold"] for _, figures in made)
        came = statistics.median(figures["came"] for _, figures in made)
        ratios = [figures["foretold"] / figures["came"] for _, figures in made]
        gain_foretold = statistics.median(figures["foretold"] / one["loop"] for one, figures in made)
        gain = statistics.median(figures["came"] / one["before"] for one, figures in made)
        yield (
            f"| {name} | {named} | {change} | {before:.1f} | {foretold:.1f} ({gain_foretold:.2f} x) | "
            f"{came:.1f} ({gain:.2f} x) | {statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f}) |"
        )


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
        print("\n".join(rows(name, rounds)), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
