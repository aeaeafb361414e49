"""LeNet on the digits that need no download, for the notebook of the browser test."""

from __future__ import annotations

from typing import Any

import owlkit as owl
from owlkit import L, NetSpec, P


def lenet(phase: str) -> NetSpec:
    """LeNet on 24x24 crops of the embedded digits, with an accuracy where `phase` is "test"."""
    xavier = {"type": "xavier"}
    transform = {"scale": 1 / 255, "crop_size": 24}
    batch = 64 if phase == "train" else 60
    n = NetSpec("LeNet")
    digits = owl.datasets.digits(phase)
    n.data, n.label = L.Data(
        source=digits, backend=P.Data.LMDB, batch_size=batch, transform_param=transform, ntop=2
    )
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=xavier)
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=50, weight_filler=xavier)
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=xavier)
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=xavier)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    if phase == "test":
        n.accuracy = L.Accuracy(n.score, n.label)
    return n


def solver(
    max_iter: int = 4000,
    base_lr: float = 0.01,
    snapshot: int = 0,
    prefix: str = "lenet",
    test_interval: int = 100,
) -> Any:
    """A solver for it; snapshots go to the present folder."""
    return owl.Solver(
        lenet("train"),
        test=lenet("test"),
        base_lr=base_lr,
        momentum=0.9,
        weight_decay=5e-4,
        lr_policy="fixed",
        max_iter=max_iter,
        test_iter=[6],
        test_interval=test_interval,
        snapshot=snapshot,
        snapshot_prefix=prefix,
        seed=1,
    )
