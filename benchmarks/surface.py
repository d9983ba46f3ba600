"""Training of a surface network, with all that belongs to it: patches, steps, the sum over two ranks.

usage: surface.py lockstep PROGRAM FOLDER PRECISION | surface.py pytorch FOLDER PRECISION
"""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

from plain_surface import BATCH, FLAGS, RANKS, PlainTraining
from protocol import milliseconds, serve, serve_ranks

WARM_UP, STEPS = 3, 10


def lockstep(program, data, precision):
    """The log says when a step was done."""

    def run_round():
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "train", "surface", "--dataset-path", data, "--checkpoint-dir", folder, *FLAGS,
                       "--precision", precision, "--samples-per-epoch", "10000", "--epochs", "2",
                       "--warmup-epochs", "0", "--max-steps", str(WARM_UP + STEPS), "--evaluate-every", "2"]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)
            times = []
            for line in (pathlib.Path(folder) / "run.jsonl").read_text().splitlines():
                record = json.loads(line)
                if record["event"] == "step":
                    times.append(datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp())
            return rate((times[-1] - times[WARM_UP - 1]))

    serve(run_round)


def pytorch(data, precision):
    def prepare(_):
        training = PlainTraining(pathlib.Path(data), precision)
        for _ in range(WARM_UP):
            training.step()
        return lambda: rate(milliseconds(lambda: [training.step() for _ in range(STEPS)]) / 1e3)

    serve_ranks(RANKS, prepare, pinned=False)


def rate(seconds):
    return {"step_ms": 1e3 * seconds / STEPS, "samples_per_second": STEPS * RANKS * BATCH / seconds}


{"lockstep": lockstep, "pytorch": pytorch}[sys.argv[1]](*sys.argv[2:])
