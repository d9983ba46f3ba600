"""Tensors of every type that files of weights are tried with."""

import torch


def known_tensors():
    numbers = torch.arange(6)
    return {
        "double": (numbers.double() / 3).reshape(2, 3),
        "float": (numbers.float() / 3).reshape(3, 2),
        "half": numbers.half(),
        "bfloat": numbers.bfloat16().reshape(1, 6),
        "long": numbers - 3,
        "int": numbers.int() - 3,
        "byte": numbers.byte(),
        "bool": numbers % 2 == 0,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }
