"""A residual net of 58 layers on the digits that need no download: a deep net that trains in a minute."""

from __future__ import annotations

from typing import Any

import owlkit as owl
from owlkit import L, NetSpec, P

BLOCKS = 9
WIDTHS = {2: 16, 3: 32, 4: 64}


def _convolved(n: NetSpec, name: str, bottom: Any, width: int, size: int, stride: int) -> Any:
    shape = {"num_output": width, "kernel_size": size, "pad": size // 2, "stride": stride}
    n[name] = L.Convolution(bottom, bias_term=False, weight_filler={"type": "msra"}, **shape)
    n[f"{name}n"] = L.BatchNorm(n[name], moving_average_fraction=0.9, in_place=True)
    n[f"{name}s"] = L.Scale(n[f"{name}n"], bias_term=True, in_place=True)
    return n[f"{name}s"]


def deep(phase: str) -> NetSpec:
    """Three stages of nine blocks of two convolutions, as He et al. train on CIFAR-10 (depth 56)."""
    n = NetSpec("ResNet-56")
    transform = {"scale": 1 / 128, "mean_value": [33]}
    source = owl.datasets.digits(phase)
    n.data, n.label = L.Data(
        source=source, backend=P.Data.LMDB, batch_size=20, transform_param=transform, ntop=2
    )
    n.relu1 = x = L.ReLU(_convolved(n, "conv1", n.data, 16, 5, 2), in_place=True)
    for stage, width in WIDTHS.items():
        for block in range(BLOCKS):
            name, stride = f"res{stage}.{block}", 2 if block == 0 and stage > 2 else 1
            shortcut = _convolved(n, f"{name}.0", x, width, 1, stride) if stride == 2 else x
            n[f"{name}.relu"] = x = L.ReLU(_convolved(n, f"{name}.1", x, width, 3, stride), in_place=True)
            n[f"{name}.sum"] = x = L.Eltwise(shortcut, _convolved(n, f"{name}.2", x, width, 3, 1))
            n[f"{name}.out"] = x = L.ReLU(x, in_place=True)
    n.pool = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    n.fc = L.InnerProduct(n.pool, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    if phase == "test":
        n.accuracy = L.Accuracy(n.fc, n.label)
    return n


def solver(max_iter: int = 400) -> Any:
    """A solver for it, with the learning rate lowered once."""
    return owl.Solver(
        deep("train"), test=deep("test"), base_lr=0.02, momentum=0.9, weight_decay=1e-4,
        lr_policy="multistep", stepvalue=[max_iter // 2], gamma=0.1, max_iter=max_iter, test_iter=[9],
        test_interval=50, snapshot_prefix="deep", snapshot_after_train=False, seed=2,
    )  # fmt: skip
