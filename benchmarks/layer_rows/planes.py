"""Pooling and normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from layer_peers import (
    AddBias,
    Multiply,
    lrn_within,
    mvn,
    spp,
)
from torch import nn
from torch.nn import functional as F

from layer_rows.case import Bottom, Case, blob, pure, with_options


def _pool(name: str, x: Bottom, param: str, peer: Callable[..., Any], *args: Any, **options: Any) -> Case:
    tops = 2 if options.get("return_indices") else 1
    text = f'type: "Pooling" pooling_param {{ {param} }}'
    return Case(f"Pooling {name}", text, [x], pure(with_options(peer, *args, **options)), tops=tops)


POOLS = [
    _pool("MAX 2x2, LeNet", blob(64, 20, 24, 24), "pool: MAX kernel_size: 2 stride: 2", F.max_pool2d, 2, 2),
    _pool(
        "MAX 3x3 stride 2, CaffeNet",
        blob(32, 96, 55, 55),
        "pool: MAX kernel_size: 3 stride: 2",
        F.max_pool2d,
        3,
        2,
        ceil_mode=True,
    ),
    _pool(
        "MAX 3x3 stride 1, GoogLeNet",
        blob(16, 192, 28, 28),
        "pool: MAX kernel_size: 3 stride: 1 pad: 1",
        F.max_pool2d,
        3,
        1,
        1,
    ),
    _pool(
        "MAX with positions, SegNet",
        blob(4, 64, 90, 120),
        "pool: MAX kernel_size: 2 stride: 2",
        F.max_pool2d,
        2,
        2,
        return_indices=True,
    ),
    _pool(
        "AVE 3x3 stride 2, CIFAR-10",
        blob(100, 32, 16, 16),
        "pool: AVE kernel_size: 3 stride: 2",
        F.avg_pool2d,
        3,
        2,
        ceil_mode=True,
    ),
    _pool(
        "AVE 5x5 stride 3, GoogLeNet",
        blob(16, 512, 14, 14),
        "pool: AVE kernel_size: 5 stride: 3",
        F.avg_pool2d,
        5,
        3,
        ceil_mode=True,
    ),
    _pool(
        "AVE global, ResNet-50",
        blob(16, 2048, 7, 7),
        "pool: AVE global_pooling: true",
        F.adaptive_avg_pool2d,
        1,
    ),
    Case(
        "SPP 3 levels",
        'type: "SPP" spp_param { pyramid_height: 3 }',
        [blob(16, 256, 13, 13)],
        pure(spp, height=3),
    ),
]


def _norm(name: str, x: Bottom, layer: str, peer: Callable[[], Any], **options: Any) -> Case:
    return Case(name, layer, [x], peer, **options)


NORMS = [
    _norm(
        "LRN across, CaffeNet",
        blob(32, 96, 27, 27),
        'type: "LRN" lrn_param { local_size: 5 alpha: 1e-4 beta: 0.75 }',
        lambda: nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
    ),
    _norm(
        "LRN within, CIFAR-10",
        blob(100, 32, 16, 16),
        'type: "LRN" lrn_param { local_size: 3 alpha: 5e-5 beta: 0.75 norm_region: WITHIN_CHANNEL }',
        pure(lrn_within, size=3, alpha=5e-5, beta=0.75),
    ),
    _norm(
        "BatchNorm train, ResNet-50",
        blob(16, 256, 28, 28),
        'type: "BatchNorm" batch_norm_param { eps: 1e-5 }',
        lambda: nn.BatchNorm2d(256, affine=False),
    ),
    _norm(
        "BatchNorm global, ResNet-50",
        blob(16, 256, 28, 28),
        'type: "BatchNorm" batch_norm_param { eps: 1e-5 use_global_stats: true }',
        lambda: nn.BatchNorm2d(256, affine=False).eval(),
        compared=False,
    ),
    _norm(
        "BatchNorm vectors",
        blob(128, 1024),
        'type: "BatchNorm" batch_norm_param { eps: 1e-5 }',
        lambda: nn.BatchNorm1d(1024, affine=False),
    ),
    _norm("MVN", blob(16, 64, 28, 28), 'type: "MVN"', pure(mvn, axes=(2, 3))),
    _norm(
        "MVN across channels",
        blob(16, 64, 28, 28),
        'type: "MVN" mvn_param { across_channels: true }',
        pure(mvn, axes=(1, 2, 3)),
    ),
    _norm(
        "MVN of images",
        blob(64, 1, 28, 28),
        'type: "MVN" mvn_param { normalize_variance: false }',
        pure(mvn, axes=(2, 3), scaled=False),
    ),
    _norm(
        "Scale and bias, ResNet-50",
        blob(16, 256, 28, 28),
        'type: "Scale" scale_param { bias_term: true }',
        lambda: Multiply(256, bias=True),
    ),
    Case(
        "Scale by a bottom, SENet",
        'type: "Scale" scale_param { axis: 0 }',
        [blob(16, 256, 28, 28), blob(16, 256)],
        pure(lambda x, s: x * s[:, :, None, None]),
    ),
    _norm("Bias, ResNet-50", blob(16, 256, 28, 28), 'type: "Bias"', lambda: AddBias(256)),
]
