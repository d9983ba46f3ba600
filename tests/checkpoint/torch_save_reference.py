"""Writes files with torch.save, as scripts of all kinds do.

usage: torch_save_reference.py FOLDER

NAME.pth beside NAME.safetensors, which holds what is to be read of it; and refused/NAME.pth, which is to be refused.
"""

import argparse
import collections
import os
import pathlib
import pickle
import sys

import numpy
import torch
from known_tensors import known_tensors
from safetensors.torch import save_file

folder = pathlib.Path(sys.argv[1])
refused = folder / "refused"
refused.mkdir()


def write(name, content, expected, **options):
    torch.save(content, folder / f"{name}.pth", **options)
    copies = {key: tensor.detach().contiguous().clone() for key, tensor in expected.items()}
    save_file(copies, folder / f"{name}.safetensors")


def views():
    base = torch.arange(24.0).reshape(4, 6)
    return {
        "base": base,
        "part": base[1:3, 2:5],
        "turned": base.t(),
        "steps": base[:, ::2],
        "one": base[3, 5],
        "expanded": torch.tensor([7.0]).expand(5, 3),
        "image": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    }


network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
weights = network.state_dict()
others = {key: tensor + 1 for key, tensor in weights.items()}
optimizer = torch.optim.AdamW(network.parameters())
network(torch.ones(4, 3)).sum().backward()
optimizer.step()
with_attribute = torch.nn.Parameter(torch.ones(3))
with_attribute.note = "kept"

write("all_types", known_tensors(), known_tensors())
write("views", views(), views())
write("state_dict", weights, weights)
write("parameters", dict(network.named_parameters()), dict(network.named_parameters()))
write("parameter_with_attribute", {"a": with_attribute}, {"a": with_attribute})
of_ddp = {"module." + key: tensor for key, tensor in weights.items()}
write("distributed", of_ddp, of_ddp)
write("beside_others", {**weights, "step": 3, "names": ["a"], "nothing": None}, weights)
for name in ("state_dict", "model", "model_state_dict", "model_ema", "ema", "net"):
    write("under_" + name, {"epoch": 12, name: weights}, weights)
write("ema_before_raw", {"model": weights, "model_ema": others}, others)
write("nested", {"ema": {"state_dict": others}, "state_dict": weights}, others)
write(
    "checkpoint_of_a_script",
    {
        "epoch": 7,
        "arch": "linear",
        "best": numpy.float64(0.5),
        "args": argparse.Namespace(lr=0.1, milestones=[1, 2], where=pathlib.Path("runs"), device=torch.device("cpu")),
        "history": collections.defaultdict(list, {"loss": [0.5, 0.25]}),
        "counts": collections.Counter("aab"),
        "random": numpy.random.default_rng(3).random(4),
        "cuda": {1, 2},
        "large": 2**200,
        "dtype": torch.float32,
        "size": torch.Size([1, 2]),
        "optimizer": optimizer.state_dict(),
        "state_dict": weights,
    },
    weights,
)
for protocol in range(3, 6):
    write(f"protocol{protocol}", {"model": weights}, weights, pickle_protocol=protocol)


class Runs:
    """What a stranger's file would do: run a command where it is unpickled."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


mark = str(folder / "was_run")
hostile = {"state_dict": weights, "extra": Runs(os.system, f"touch {mark}")}
torch.save(hostile, refused / "os.pth")
hostile["extra"] = Runs(eval, f"open({mark!r}, 'w')")
torch.save(hostile, refused / "eval.pth", pickle_protocol=4)
torch.save(network, refused / "network.pth")
torch.save(weights, refused / "old.pth", _use_new_zipfile_serialization=False)
torch.save([1, 2], refused / "list.pth")
torch.save({"epoch": 3, "lr": 0.1}, refused / "no_tensors.pth")
torch.jit.script(network).save(str(refused / "program.pth"))
with open(refused / "pickle.pth", "wb") as file:
    pickle.dump(weights, file, protocol=4)
