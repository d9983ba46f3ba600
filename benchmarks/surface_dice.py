"""Dice on test volumes after the same time: Lockstep, and beside it a plain loop of PyTorch and MONAI with a network of
the same scales, widths and blocks on the same patches (plain_surface.py), each on two ranks of one core, one after the
other, with a cosine fall of the rate that ends with the time. Both are scored here, by MONAI's windows and Lockstep's
with an overlap of half a window, at a threshold of 0.5. Lockstep's time is that of the whole command, that of the plain
loop the time of its steps.

usage: surface_dice.py --program LOCKSTEP --data FOLDER [--minutes M] [--seed S] [--precision fp32|bf16] [--json FILE]
"""

import argparse
import json
import math
import pathlib
import subprocess
import tempfile
import time

import numpy
import tifffile
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from monai.inferers import sliding_window_inference

from monai_patches import read_volumes
from plain_surface import BATCH, FLAGS, PATCH, RANKS, RATE, PlainTraining

PATCHES_A_VOLUME = 16  # of an epoch
WARM_UP_SHARE = 1 / 16


def dice(mask, label):
    decided = label != 2
    mask, truth = mask & decided, label == 1
    return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())


def run(command):
    start = time.time()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr}")
    return time.time() - start


def steps_a_second(log):
    """Without the first ones, in which everything is found."""
    times = []
    for line in log.read_text().splitlines():
        record = json.loads(line)
        if record["event"] == "step":
            times.append(sum(record["seconds"].values()))
    return 1 / numpy.median(times[3:])


def train_lockstep(arguments, folder, labels):
    options = ["train", "surface", "--dataset-path", arguments.data, *FLAGS, "--precision", arguments.precision,
               "--seed", arguments.seed]  # fmt: skip
    run([arguments.program, *options, "--checkpoint-dir", folder / "pilot", "--samples-per-epoch", "1000",
         "--epochs", "2", "--warmup-epochs", "0", "--evaluate-every", "2", "--max-steps", "15"])  # fmt: skip
    patches = len(list((arguments.data / "train_images").glob("*.tif"))) * PATCHES_A_VOLUME
    rate = steps_a_second(folder / "pilot" / "run.jsonl") * RANKS * BATCH
    epochs = max(2, int(arguments.minutes * 60 * rate * 0.95 / patches))
    seconds = run([arguments.program, *options, "--checkpoint-dir", folder / "run", "--epochs", epochs,
                   "--warmup-epochs", max(1, round(epochs * WARM_UP_SHARE)), "--evaluate-every", epochs])  # fmt: skip
    run([arguments.program, "predict", "surface", "--checkpoint-dir", folder / "run", "--devices", "cpu:2",
         "--input", arguments.data / "test_images", "--output", folder / "masks", "--threshold", "0.5",
         "--smallest-component", "0", "--overlap", "0.5", "--no-test-time-flip"])  # fmt: skip
    scores = [dice(tifffile.imread(folder / "masks" / name) == 1, label) for name, label in labels.items()]
    return {"dice": float(numpy.mean(scores)), "seconds": seconds, "patches": epochs * patches}


def train_plain(rank, arguments, store, answer):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=RANKS)
    training = PlainTraining(arguments.data, arguments.precision, arguments.seed)
    training.step()  # so that the workers have started
    whole, start, steps = arguments.minutes * 60, time.time(), 0
    share = torch.zeros(1, dtype=torch.float64)
    while share.item() < 1:
        done = share.item()
        training.set_rate(RATE * min(1, done / WARM_UP_SHARE + 0.01) * (1 + math.cos(math.pi * done)) / 2)
        training.step()
        steps += 1
        share[0] = (time.time() - start) / whole
        dist.broadcast(share, 0)  # all end with the same step
    if rank == 0:
        result = {"seconds": time.time() - start, "patches": steps * RANKS * BATCH}
        scores = [dice(predict(training.network, volume["image"]), volume["label"][0])
                  for volume in read_volumes(arguments.data, "test")]  # fmt: skip
        answer.put({"dice": float(numpy.mean(scores)), **result})
    dist.barrier()
    dist.destroy_process_group()


@torch.no_grad()
def predict(network, image):
    network.eval()
    normalised = torch.from_numpy((image - image.mean()) / image.std())[None]
    logits = sliding_window_inference(normalised, PATCH, 1, lambda x: network(x)[0].sigmoid(), 0.5, mode="gaussian")
    return (logits[0, 0] >= 0.5).numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    labels = {file.name: tifffile.imread(file) for file in sorted((arguments.data / "test_labels").glob("*.tif"))}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        results = {"Lockstep": train_lockstep(arguments, folder, labels)}
        answer = mp.get_context("fork").Queue()
        mp.start_processes(train_plain, (arguments, folder / "store", answer), nprocs=RANKS, start_method="fork")
        results["PyTorch and MONAI"] = answer.get()
    print("| | Dice | patches | seconds |\n| --- | ---: | ---: | ---: |")
    for side, result in results.items():
        print(f"| {side} | {result['dice']:.3f} | {result['patches']} | {result['seconds']:.0f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
