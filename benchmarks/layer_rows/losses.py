"""Losses, and what measures a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from layer_peers import (
    accuracy,
    contrastive_loss,
    hinge_loss,
    infogain_loss,
    multinomial_loss,
    sigmoid_loss,
)
from torch.nn import functional as F

from layer_rows.case import Bottom, Case, blob, labels, pure, with_options


def _loss(
    name: str, kind: str, bottoms: Sequence[Bottom], peer: Callable[..., Any], param: str = "", **more: Any
) -> Case:
    return Case(name, f'type: "{kind}" {param}', bottoms, pure(peer), **more)


LOSSES = [
    _loss(
        "SoftmaxWithLoss 1000 classes",
        "SoftmaxWithLoss",
        [blob(128, 1000), labels(1000, 128)],
        lambda x, t: F.cross_entropy(x, t.long()),
    ),
    _loss(
        "SoftmaxWithLoss LeNet",
        "SoftmaxWithLoss",
        [blob(64, 10), labels(10, 64)],
        lambda x, t: F.cross_entropy(x, t.long()),
    ),
    _loss(
        "SoftmaxWithLoss FCN",
        "SoftmaxWithLoss",
        [blob(2, 21, 160, 160), labels(21, 2, 160, 160)],
        lambda x, t: F.cross_entropy(x, t.long()),
    ),
    _loss(
        "SigmoidCrossEntropyLoss autoencoder",
        "SigmoidCrossEntropyLoss",
        [blob(100, 784), blob(100, 784, kind="uniform", gradient=False)],
        sigmoid_loss,
    ),
    _loss(
        "SigmoidCrossEntropyLoss edges",
        "SigmoidCrossEntropyLoss",
        [blob(2, 1, 320, 480), blob(2, 1, 320, 480, kind="bits", gradient=False)],
        sigmoid_loss,
    ),
    _loss(
        "EuclideanLoss autoencoder",
        "EuclideanLoss",
        [blob(100, 784), blob(100, 784, gradient=False)],
        lambda a, b: F.mse_loss(a, b, reduction="sum") / 200,
    ),
    _loss(
        "EuclideanLoss depth",
        "EuclideanLoss",
        [blob(8, 1, 240, 320), blob(8, 1, 240, 320, gradient=False)],
        lambda a, b: F.mse_loss(a, b, reduction="sum") / 16,
    ),
    _loss("HingeLoss L1", "HingeLoss", [blob(128, 1000), labels(1000, 128)], hinge_loss),
    _loss(
        "HingeLoss L2",
        "HingeLoss",
        [blob(128, 1000), labels(1000, 128)],
        partial(hinge_loss, norm=2),
        "hinge_loss_param { norm: L2 }",
    ),
    _loss(
        "InfogainLoss",
        "InfogainLoss",
        [blob(128, 1000), labels(1000, 128), Bottom((1, 1, 1000, 1000), "uniform", False)],
        infogain_loss,
    ),
    _loss(
        "MultinomialLogisticLoss",
        "MultinomialLogisticLoss",
        [blob(128, 1000, kind="probabilities"), labels(1000, 128)],
        multinomial_loss,
    ),
    _loss(
        "ContrastiveLoss siamese",
        "ContrastiveLoss",
        [blob(64, 2), blob(64, 2), labels(2, 64)],
        contrastive_loss,
    ),
    _loss(
        "ContrastiveLoss faces",
        "ContrastiveLoss",
        [blob(128, 512), blob(128, 512), labels(2, 128)],
        contrastive_loss,
    ),
    _loss(
        "Accuracy 1000 classes",
        "Accuracy",
        [blob(128, 1000, gradient=False), labels(1000, 128)],
        accuracy,
        phase="test",
        backward=False,
    ),
    _loss(
        "Accuracy top 5",
        "Accuracy",
        [blob(128, 1000, gradient=False), labels(1000, 128)],
        partial(accuracy, best=5),
        "accuracy_param { top_k: 5 }",
        phase="test",
        backward=False,
    ),
    _loss(
        "Accuracy LeNet",
        "Accuracy",
        [blob(64, 10, gradient=False), labels(10, 64)],
        accuracy,
        phase="test",
        backward=False,
    ),
    _loss(
        "Accuracy FCN",
        "Accuracy",
        [blob(2, 21, 160, 160, gradient=False), labels(21, 2, 160, 160)],
        accuracy,
        phase="test",
        backward=False,
    ),
    _loss(
        "ArgMax 1000 classes",
        "ArgMax",
        [blob(128, 1000, gradient=False)],
        with_options(torch.argmax, 1),
        phase="test",
        backward=False,
    ),
    _loss(
        "ArgMax top 5",
        "ArgMax",
        [blob(128, 1000, gradient=False)],
        lambda x: torch.topk(x, 5)[1],
        "argmax_param { top_k: 5 }",
        phase="test",
        backward=False,
    ),
    _loss(
        "ArgMax FCN",
        "ArgMax",
        [blob(2, 21, 160, 160, gradient=False)],
        with_options(torch.argmax, 1, keepdim=True),
        "argmax_param { axis: 1 }",
        phase="test",
        backward=False,
    ),
]
