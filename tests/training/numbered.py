"""A net whose weights are all the number of the iterations done: those of two iterations show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.io.stored import read_weights
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from owlkit.training import Run

LONG = 10_000_000
PATIENCE = 60.0
LAYERS, WIDTH = 8, 16


def numbered_net() -> Any:
    """Every weight of layer `w0`, `w1`, ... is the number of the iterations done.

    The loss is minus the sum of all weights, so each gradient is -1 and each update adds the rate, 1. The
    layers have multipliers of their own, so that one kernel does not write all in one go.
    """
    layers = ['name: "numbered"']
    layers += [
        f'layer {{ name: "one" type: "DummyData" top: "one" dummy_data_param {{'
        f" shape {{ dim: 1 dim: 1 dim: {WIDTH} dim: {WIDTH} }}"
        ' data_filler { type: "constant" value: 1 } } }'
    ]
    for i in range(LAYERS):
        layers.append(
            f'layer {{ name: "w{i}" type: "Scale" bottom: "one" top: "s{i}" param {{ decay_mult: {i} }}'
            ' scale_param { axis: 0 num_axes: -1 filler { type: "constant" value: 0 } } }'
        )
        layers.append(
            f'layer {{ name: "loss{i}" type: "Reduction" bottom: "s{i}" top: "loss{i}" loss_weight: -1 }}'
        )
    return text.parse("\n".join(layers), caffe_pb2.NetParameter)


class Slow:
    """A kernel that is not soon done: most of the time some weights are new and others are not."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel

    def __call__(self, *args: Any) -> None:
        time.sleep(0.0005)
        self.kernel(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kernel, name)


def numbered(**fields: Any) -> Solver:
    usual = {"base_lr": 1.0, "max_iter": LONG, "snapshot_after_train": False, "seed": 1}
    solver = Solver(numbered_net(), **{**usual, **fields})
    assert len(solver.rule._kernels) == LAYERS
    solver.rule._kernels = [Slow(kernel) for kernel in solver.rule._kernels]
    return solver


def training(**fields: Any) -> Run:
    """A run that has begun to change its weights."""
    run, patience = Run(numbered(**fields)).start(), time.monotonic() + PATIENCE
    while run.iter < 1:
        assert time.monotonic() < patience
        time.sleep(0.001)
    return run


def iteration_of(arrays: Any) -> int:
    """What all agree on; a mixture fails."""
    numbers = {float(value) for array in arrays for value in np.unique(array)}
    assert len(numbers) == 1, f"weights of several iterations: {sorted(numbers)}"
    return int(numbers.pop())


def stored(path: Path) -> int:
    return iteration_of(b.array for blobs in read_weights(path).layers.values() for b in blobs.values())


def as_proto(net: Net, folder: Path) -> int:
    return iteration_of(np.array(b.data) for layer in net.to_proto().layer for b in layer.blobs)
