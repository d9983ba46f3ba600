"""From the start of a program to the end of its first step.

usage: start.py lockstep PROGRAM DATASET | start.py torchrun
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from protocol import serve

HERE = pathlib.Path(__file__).parent


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def lockstep(folder):
    """The log says when a step was done."""
    run([sys.argv[2], "train", "camouflage", "--dataset-path", sys.argv[3], "--checkpoint-dir", folder,
         "--devices", "cpu:2", "--backbone", "edgenext_xx_small", "--img-size", "64", "--batch-size", "2",
         "--max-steps", "1"])  # fmt: skip
    for line in (pathlib.Path(folder) / "run.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["event"] == "step":
            return datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp()
    raise RuntimeError("no step in run.jsonl")


def torchrun(_):
    torchrun_program = pathlib.Path(sys.executable).with_name("torchrun")
    output = run([torchrun_program, "--nproc_per_node=2", "--master_addr=127.0.0.1", "--master_port=0",
                  "--rdzv_backend=c10d", "--rdzv_endpoint=127.0.0.1:0", HERE / "trivial_ddp.py"]).stdout  # fmt: skip
    return float(re.search(r"first step done at ([\d.]+)", output)[1])


def run_round():
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        first_step = {"lockstep": lockstep, "torchrun": torchrun}[sys.argv[1]](folder)
        return {"first_step_s": first_step - start, "whole_s": time.time() - start}


serve(run_round)
