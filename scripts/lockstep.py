"""Starts the program where a launcher wants to start a Python script:

    torchrun --nproc-per-node 2 scripts/lockstep.py train camouflage --dataset-path DIR

does what `torchrun --no-python --nproc-per-node 2 build/release/lockstep train camouflage --dataset-path DIR` does.
LOCKSTEP_PROGRAM names another program than the one that scripts/build.sh has built.
"""

import os
import pathlib
import sys

built = pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "lockstep"
program = os.environ.get("LOCKSTEP_PROGRAM", str(built))
try:
    os.execv(program, [program, *sys.argv[1:]])
except OSError as error:
    sys.exit(f"lockstep: error: {program} cannot be started: {error.strerror}; build it with scripts/build.sh, "
             "or name it in LOCKSTEP_PROGRAM")
