"""Functions of each value, and Softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from layer_peers import (
    threshold,
)
from torch import nn
from torch.nn import functional as F

from layer_rows.case import Bottom, Case, blob, pure, with_options


def _elementwise(
    kind: str, peer: Callable[..., Any], param: str = "", x: Bottom | None = None, **more: Any
) -> Case:
    x = x or blob(16, 256, 28, 28)
    return Case(f"{kind}", f'type: "{kind.split()[0]}" {param}', [x], pure(peer), **more)


_POSITIVE = blob(16, 256, 28, 28, kind="positive")


ELEMENTWISE = [
    _elementwise("ReLU", F.relu),
    _elementwise("ReLU LeNet", F.relu, x=blob(64, 500)),
    _elementwise("ReLU leaky", with_options(F.leaky_relu, 0.1), "relu_param { negative_slope: 0.1 }"),
    Case("PReLU", 'type: "PReLU"', [blob(16, 64, 56, 56)], lambda: nn.PReLU(64)),
    _elementwise("ELU", F.elu),
    _elementwise("Sigmoid", torch.sigmoid),
    _elementwise("Sigmoid LeNet", torch.sigmoid, x=blob(64, 500)),
    _elementwise("TanH", torch.tanh),
    _elementwise("BNLL", F.softplus),
    _elementwise("Swish", F.silu),
    _elementwise("AbsVal", torch.abs),
    _elementwise("Exp", torch.exp),
    _elementwise("Log", torch.log, x=_POSITIVE),
    _elementwise("Power linear", lambda x: 2 * x + 1, "power_param { scale: 2 shift: 1 }"),
    _elementwise("Power square", torch.square, "power_param { power: 2 }"),
    _elementwise(
        "Power root",
        lambda x: (1 + 2 * x) ** -0.75,
        "power_param { power: -0.75 scale: 2 shift: 1 }",
        x=_POSITIVE,
    ),
    _elementwise("Clip", with_options(torch.clamp, -1, 1), "clip_param { min: -1 max: 1 }"),
    _elementwise(
        "Threshold", with_options(threshold, 0.5), "threshold_param { threshold: 0.5 }", backward=False
    ),
    Case(
        "Dropout CaffeNet fc6",
        'type: "Dropout"',
        [blob(128, 4096)],
        pure(with_options(F.dropout, 0.5)),
        compared=False,
    ),
    Case(
        "Dropout 0.4, GoogLeNet",
        'type: "Dropout" dropout_param { dropout_ratio: 0.4 }',
        [blob(32, 1024, 1, 1)],
        pure(with_options(F.dropout, 0.4)),
        compared=False,
    ),
    _elementwise("Softmax 1000 classes", with_options(torch.softmax, 1), x=blob(128, 1000)),
    _elementwise("Softmax FCN", with_options(torch.softmax, 1), x=blob(2, 21, 160, 160)),
]
