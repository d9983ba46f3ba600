"""Exchanges safetensors files with the reference implementation.

usage: safetensors_reference.py write FILE    writes known tensors of every type
       safetensors_reference.py check FILE    fails where FILE does not hold those tensors and the metadata
"""

import sys

import torch
from known_tensors import known_tensors
from safetensors import safe_open
from safetensors.torch import save_file

METADATA = {"made by": "a test", "größe": "1"}

mode, path = sys.argv[1:]
if mode == "write":
    save_file(known_tensors(), path, METADATA)
else:
    with safe_open(path, "pt") as file:
        assert file.metadata() == METADATA, file.metadata()
        assert set(file.keys()) == set(known_tensors()), file.keys()
        for name, expected in known_tensors().items():
            tensor = file.get_tensor(name)
            assert tensor.dtype == expected.dtype and torch.equal(tensor, expected), name
