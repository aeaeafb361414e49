"""Convolutions and other layers with weights."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn import functional as F

from layer_rows.case import Bottom, Case, blob, labels, pure, with_options


def _conv(name: str, x: Bottom, out: int, kernel: int, more: str = "", **options: Any) -> Case:
    text = (
        f'type: "Convolution" convolution_param {{ num_output: {out} kernel_size: {kernel} '
        f'{more} weight_filler {{ type: "xavier" }} }}'
    )
    kind = nn.Conv2d if len(x.shape) == 4 else nn.Conv3d
    return Case(f"Convolution {name}", text, [x], lambda: kind(x.shape[1], out, kernel, **options))


def _deconv(name: str, x: Bottom, out: int, kernel: int, more: str = "", **options: Any) -> Case:
    text = (
        f'type: "Deconvolution" convolution_param {{ num_output: {out} kernel_size: {kernel} '
        f'{more} weight_filler {{ type: "xavier" }} }}'
    )
    return Case(
        f"Deconvolution {name}", text, [x], lambda: nn.ConvTranspose2d(x.shape[1], out, kernel, **options)
    )


def _inner(name: str, rows: int, inputs: int, outputs: int) -> Case:
    text = (
        f'type: "InnerProduct" inner_product_param {{ num_output: {outputs} '
        'weight_filler { type: "xavier" } }'
    )
    return Case(f"InnerProduct {name}", text, [blob(rows, inputs)], lambda: nn.Linear(inputs, outputs))


class _Embedding(nn.Module):
    """nn.Embedding of numbers that come as floats in Caffe."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, width)

    def forward(self, numbers: Any) -> Any:
        return self.table(numbers.long())


FILTERS = [
    _conv("LeNet conv2", blob(64, 20, 12, 12), 50, 5),
    _conv("CaffeNet conv1", blob(32, 3, 227, 227, gradient=False), 96, 11, "stride: 4", stride=4),
    _conv("CaffeNet conv2, 2 groups", blob(32, 96, 27, 27), 256, 5, "pad: 2 group: 2", padding=2, groups=2),
    _conv("ResNet-50 1x1", blob(16, 64, 56, 56), 256, 1, "bias_term: false", bias=False),
    _conv("ResNet-50 3x3", blob(16, 128, 28, 28), 128, 3, "pad: 1 bias_term: false", padding=1, bias=False),
    _conv(
        "ResNet-50 conv1",
        blob(8, 3, 224, 224, gradient=False),
        64,
        7,
        "stride: 2 pad: 3",
        stride=2,
        padding=3,
    ),
    _conv("MobileNet depthwise", blob(16, 256, 28, 28), 256, 3, "pad: 1 group: 256", padding=1, groups=256),
    _conv("DeepLab dilated", blob(2, 256, 41, 41), 256, 3, "pad: 2 dilation: 2", padding=2, dilation=2),
    _conv("C3D conv2, 3-D", blob(1, 64, 8, 28, 28), 128, 3, "pad: 1", padding=1),
    _deconv("DCGAN 4x4 stride 2", blob(32, 256, 8, 8), 128, 4, "stride: 2 pad: 1", stride=2, padding=1),
    _deconv("FCN upscore2", blob(1, 21, 34, 34), 21, 4, "stride: 2 bias_term: false", stride=2, bias=False),
    _deconv(
        "FCN bilinear, 21 groups",
        blob(1, 21, 70, 70),
        21,
        16,
        "stride: 8 group: 21 bias_term: false",
        stride=8,
        groups=21,
        bias=False,
    ),
    _inner("LeNet ip1", 64, 800, 500),
    _inner("CaffeNet fc7", 32, 4096, 4096),
    _inner("ResNet-50 fc1000", 32, 2048, 1000),
    Case(
        "Im2col ResNet-50 3x3",
        'type: "Im2col" convolution_param { kernel_size: 3 pad: 1 }',
        [blob(16, 64, 28, 28)],
        pure(with_options(F.unfold, 3, padding=1)),
    ),
    Case(
        "Im2col CaffeNet conv2",
        'type: "Im2col" convolution_param { kernel_size: 5 pad: 2 }',
        [blob(8, 96, 27, 27)],
        pure(with_options(F.unfold, 5, padding=2)),
    ),
    Case(
        "Embed LRCN",
        'type: "Embed" embed_param { num_output: 1000 input_dim: 8801 bias_term: false '
        'weight_filler { type: "uniform" } }',
        [labels(8801, 20, 16)],
        lambda: _Embedding(8801, 1000),
    ),
    Case(
        "Embed small table",
        'type: "Embed" embed_param { num_output: 64 input_dim: 500 bias_term: false '
        'weight_filler { type: "uniform" } }',
        [labels(500, 50, 64)],
        lambda: _Embedding(500, 64),
    ),
]
