"""The nets of layer_call.py, as prototxt and as PyTorch's eager operations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

import owlkit

SHAPE = (2, 4, 3, 3)
MIXED = "mixed"
Operation = Callable[[torch.Tensor], torch.Tensor]


@owlkit.layer
class PassOn:
    """A layer of the user's that does next to nothing."""

    def setup(self, bottom, top) -> None: ...  # type: ignore[no-untyped-def]

    def reshape(self, bottom, top) -> None:  # type: ignore[no-untyped-def]
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top) -> None: ...  # type: ignore[no-untyped-def]

    def backward(self, top, propagate_down, bottom) -> None: ...  # type: ignore[no-untyped-def]


class _PassOn(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        return x.view_as(x)

    @staticmethod
    def backward(ctx, dy):  # type: ignore[no-untyped-def]
        return dy


class Scaling(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.ones(1, channels, 1, 1)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma + self.beta


def _linear() -> Operation:
    ip = nn.Linear(36, 36)
    return lambda x: ip(x.flatten(1)).view(SHAPE)


FILLER = 'weight_filler { type: "xavier" }'
# name -> (fields of the layer, maker of the same in PyTorch)
CHAINS: dict[str, tuple[str, Callable[[], Operation]]] = {
    "conv1x1": (f'type: "Convolution" convolution_param {{ num_output: 4 kernel_size: 1 {FILLER} }}',
                lambda: nn.Conv2d(4, 4, 1)),
    "conv3x3": ('type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 pad: 1 '
                f"{FILLER} }}",
                lambda: nn.Conv2d(4, 4, 3, padding=1)),
    "relu": ('type: "ReLU"', lambda: F.relu),
    "inner_product": (f'type: "InnerProduct" inner_product_param {{ num_output: 36 {FILLER} }}', _linear),
    "pooling": ('type: "Pooling" pooling_param { kernel_size: 3 stride: 1 pad: 1 }',
                lambda: lambda x: F.max_pool2d(x, 3, 1, 1)),
    "eltwise_split": ('type: "Eltwise" bottom: "{x}"', lambda: lambda x: x + x),
    "batch_norm": ('type: "BatchNorm"', lambda: nn.BatchNorm2d(4, affine=False)),
    "scale": ('type: "Scale" scale_param { bias_term: true }', lambda: Scaling(4)),
    "sigmoid": ('type: "Sigmoid"', lambda: torch.sigmoid),
    "softmax": ('type: "Softmax"', lambda: lambda x: F.softmax(x, 1)),
    "lrn": ('type: "LRN"', lambda: lambda x: F.local_response_norm(x, 5)),
    "dropout": ('type: "Dropout"', lambda: F.dropout),
    "reshape": ('type: "Reshape" reshape_param { shape { dim: 0 dim: 0 dim: 0 dim: 0 } }',
                lambda: lambda x: x.reshape(SHAPE)),
    "power": ('type: "Power" power_param { scale: 0.5 }', lambda: lambda x: x * 0.5),
    "absval": ('type: "AbsVal"', lambda: torch.abs),
    "exp": ('type: "Exp" exp_param { scale: 0.01 }', lambda: lambda x: torch.exp(x * 0.01)),
    "elu": ('type: "ELU"', lambda: F.elu),
    "clip": ('type: "Clip" clip_param { min: -1 max: 1 }', lambda: lambda x: torch.clamp(x, -1, 1)),
    "prelu": ('type: "PReLU"', lambda: nn.PReLU(4)),
    "bias": ('type: "Bias"', lambda: lambda x: x + 1),
    "python": ('type: "Python" python_param { layer: "PassOn" }', lambda: _PassOn.apply),
}  # fmt: skip


def torch_chain(name: str, count: int) -> Operation:
    """`count` operations of one kind, each with parameters of its own."""
    operations = [CHAINS[name][1]() for _ in range(count)]

    def run(x: torch.Tensor) -> torch.Tensor:
        for operation in operations:
            x = operation(x)
        return x

    return run


# -- a hundred layers of mixed types: six blocks of 15 (with the two Split layers of each), and a tail of 10
_BLOCK = (
    ("conv", "{x}", 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 1 ' + FILLER + " }"),
    ("bn", "conv", 'type: "BatchNorm"'),
    ("scale", "bn", 'type: "Scale" scale_param { bias_term: true }'),
    ("scale", "scale", 'type: "ReLU"'),
    ("pool", "scale", 'type: "Pooling" pooling_param { kernel_size: 3 stride: 1 pad: 1 }'),
    ("sum", "pool {x}", 'type: "Eltwise"'),
    ("relu", "sum", 'type: "ReLU"'),
    ("power", "relu", 'type: "Power" power_param { scale: 0.5 }'),
    ("ip", "power", 'type: "InnerProduct" inner_product_param { num_output: 36 ' + FILLER + " }"),
    ("square", "ip", 'type: "Reshape" reshape_param { shape { dim: 0 dim: 4 dim: 3 dim: 3 } }'),
    ("abs", "square", 'type: "AbsVal"'),
    ("cat", "square abs", 'type: "Concat"'),
    ("out", "cat", 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 1 ' + FILLER + " }"),
)
_TAIL = (
    'type: "TanH"', 'type: "Sigmoid"', 'type: "ELU"', 'type: "BNLL"', 'type: "Dropout"', 'type: "LRN"',
    'type: "Exp" exp_param { scale: 0.1 }', 'type: "Log" log_param { shift: 2 }', 'type: "Swish"',
    'type: "Softmax"',
)  # fmt: skip
_TORCH_TAIL: tuple[Operation, ...] = (
    torch.tanh, torch.sigmoid, F.elu, F.softplus, F.dropout, lambda x: F.local_response_norm(x, 5),
    lambda x: torch.exp(x * 0.1), lambda x: torch.log(x + 2), F.silu, lambda x: F.softmax(x, 1),
)  # fmt: skip
BLOCKS = 6


def mixed_text() -> str:
    lines, x = [], "x0"
    for block in range(BLOCKS):
        for number, (top, bottoms, body) in enumerate(_BLOCK):
            names = " ".join(f'bottom: "{x if b == "{x}" else f"b{block}{b}"}"' for b in bottoms.split())
            lines.append(f'layer {{ name: "b{block}_{number}" {names} top: "b{block}{top}" {body} }}')
        x = f"b{block}out"
    for number, body in enumerate(_TAIL):
        lines.append(f'layer {{ name: "t{number}" bottom: "{x}" top: "t{number}" {body} }}')
        x = f"t{number}"
    return "\n".join(lines)


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.scale = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False), Scaling(4)
        self.ip, self.out = nn.Linear(36, 36), nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.max_pool2d(F.relu_(self.scale(self.bn(self.conv(x)))), 3, 1, 1)
        y = self.ip((F.relu(y + x) * 0.5).flatten(1)).reshape(SHAPE)
        return self.out(torch.cat([y, torch.abs(y)], 1))


def torch_mixed() -> Operation:
    operations: list[Operation] = [_Block() for _ in range(BLOCKS)] + list(_TORCH_TAIL)

    def run(x: torch.Tensor) -> torch.Tensor:
        for operation in operations:
            x = operation(x)
        return x

    return run
