"""What is compared. A ratio is that of two sides in one figure; its target is what Lockstep means to reach."""


def program(name, *arguments):
    return ["{build}/benchmarks/" + name, *arguments]


def script(name, *arguments):
    return ["env", "PYTHONPATH={root}/tests/parity", "{python}", "{here}/" + name, *arguments]


def step(network, side, batch, over_ddp, over_threads, precision="fp32"):
    """`batch`: samples a rank."""
    return {
        "what": f"whole step of {network}, {side} x {side}, {batch} samples a rank, {precision}, two ranks of one thread",
        "sides": {
            "Lockstep": program("bench_step", network, side, batch, 2, precision),
            "PyTorch DDP": script("step.py", network, side, batch, "ddp", precision),
            "PyTorch, one process, 2 threads": script("step.py", network, side, batch, "threads", precision),
        },
        "ratios": [
            ("Lockstep", "PyTorch DDP", "samples_per_second", f">= {over_ddp}"),
            ("Lockstep", "PyTorch, one process, 2 threads", "samples_per_second", f">= {over_threads}"),
        ],
    }


COMPARISONS = {
    "sync": {
        "what": "what summing the gradients of 11.4 M parameters over two ranks of one thread adds to a step",
        "sides": {
            "Lockstep": program("bench_sync", 64, 2),
            "PyTorch DDP": script("sync.py", 64, 2),
            "limits": program("bench_limits"),
        },
        "ratios": [("Lockstep", "PyTorch DDP", "cost_ms", "<= 0.25")],
    },
    "sync-224": {
        "what": "the same at 224 x 224",
        "sides": {"Lockstep": program("bench_sync", 224, 2), "PyTorch DDP": script("sync.py", 224, 2)},
        "ratios": [("Lockstep", "PyTorch DDP", "cost_ms", "<= 0.25")],
    },
    "update": {
        "what": "clip, AdamW, EMA and zero of 11.4 M parameters on one thread",
        "sides": {"Lockstep": program("bench_update"), "PyTorch": script("update.py")},
        "ratios": [("Lockstep", "PyTorch", "update_ms", "<= 0.7")],
    },
    "step-xx-small": step("edgenext_xx_small", 224, 4, 1.2, 1.15),
    "step-small": step("edgenext_small", 224, 2, 1.1, 1.0),
    "step-xx-small-bf16": step("edgenext_xx_small", 224, 4, 1.2, 1.15, "bf16"),
    "scaling": {
        "what": "edgenext_xx_small at 224 x 224, 16 samples a rank: two ranks on two cores beside one on one core",
        "sides": {
            "two ranks": program("bench_step", "edgenext_xx_small", 224, 16, 2, "fp32"),
            "one rank": program("bench_step", "edgenext_xx_small", 224, 16, 1, "fp32"),
        },
        "ratios": [("two ranks", "one rank", "samples_per_second", ">= 1.9")],
    },
    "memory": {
        "what": "forward and backward of the camouflage network, edgenext_small, 4 images of 224 x 224, one thread",
        "sides": {"Lockstep": program("bench_memory", "edgenext_small", 224, 4)},
        "ratios": [],
    },
    "timer": {
        "what": "what it costs to account for where the time of a step goes",
        "sides": {"Lockstep": program("bench_timer")},
        "ratios": [],
    },
    "patches": {
        "what": "patches of 16 x 128 x 128 from volumes in memory (shared/data/vnc), cut, turned and changed by one thread",
        "sides": {
            "Lockstep": program("bench_patches", "{root}/../shared/data/vnc", 16, 128, 128),
            "MONAI": script("patches.py", "{root}/../shared/data/vnc", 16, 128, 128),
        },
        "ratios": [("Lockstep", "MONAI", "patches_per_second", ">= 2")],
    },
    "episodes": {
        "what": "episodes of 5 classes, 3 supports and 1 query each (shared/data/chess, 2048 x 1371), ready for a network, two threads",
        "sides": {
            "Lockstep": program("bench_episodes", "{root}/../shared/data/chess", 5, 3, 8),
            "PyTorch, PIL": script("episodes.py", "{root}/../shared/data/chess", 5, 3, 8),
        },
        "ratios": [("Lockstep", "PyTorch, PIL", "episodes_per_minute", ">= 2")],
    },
    "volumes": {
        "what": "scores of a predicted volume of 128 x 128 x 128 voxels, on two threads",
        "sides": {"Lockstep": program("bench_volumes", 128), "Python": script("volumes.py", 128)},
        "ratios": [
            ("Lockstep", "Python", figure, "<= 1") for figure in ("distances_ms", "surface_dice_ms", "voi_ms")
        ],
    },
    "volumes-320": {
        "what": "the same of 320 x 320 x 320 voxels",
        "sides": {"Lockstep": program("bench_volumes", 320)},
        "ratios": [],
    },
    "start": {
        "what": "start of the program to the end of the first step, two ranks",
        "sides": {
            "Lockstep": script("start.py", "lockstep", "{build}/lockstep", "{root}/data/demo"),
            "torchrun": script("start.py", "torchrun"),
        },
        "ratios": [("Lockstep", "torchrun", "first_step_s", "<= 0.125")],
    },
}
