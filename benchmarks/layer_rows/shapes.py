"""Several bottoms or tops, shapes and sequences."""

from __future__ import annotations

import math
from functools import partial

import torch
from layer_peers import (
    Elman,
    LSTMWithMarkers,
    crop,
    filter_items,
    lstm_unit,
    slices,
)

from layer_rows.case import Bottom, Case, blob, labels, pure, with_options

_INCEPTION = [blob(16, c, 28, 28) for c in (64, 128, 32, 32)]
_TWO = [blob(16, 256, 28, 28)] * 2


SHAPES = [
    Case("Eltwise SUM, ResNet-50", 'type: "Eltwise"', _TWO, pure(torch.add)),
    Case(
        "Eltwise SUM with coeff",
        'type: "Eltwise" eltwise_param { coeff: 1 coeff: -1 }',
        _TWO,
        pure(torch.sub),
    ),
    Case("Eltwise SUM of 3", 'type: "Eltwise"', [*_TWO, _TWO[0]], pure(lambda a, b, c: a + b + c)),
    Case("Eltwise PROD", 'type: "Eltwise" eltwise_param { operation: PROD }', _TWO, pure(torch.mul)),
    Case("Eltwise MAX", 'type: "Eltwise" eltwise_param { operation: MAX }', _TWO, pure(torch.maximum)),
    Case(
        "Eltwise MAX of 3",
        'type: "Eltwise" eltwise_param { operation: MAX }',
        [*_TWO, _TWO[0]],
        pure(lambda a, b, c: torch.maximum(torch.maximum(a, b), c)),
    ),
    Case(
        "Concat GoogLeNet",
        'type: "Concat"',
        _INCEPTION,
        pure(lambda *parts: torch.cat(parts, 1)),
        dense=True,
    ),
    Case(
        "Concat batch",
        'type: "Concat" concat_param { axis: 0 }',
        _TWO,
        pure(lambda *parts: torch.cat(parts)),
    ),
    Case("Slice channels", 'type: "Slice"', [blob(16, 256, 28, 28)], pure(slices, 2, 1), tops=2),
    Case("Slice siamese", 'type: "Slice"', [blob(64, 2, 28, 28)], pure(slices, 2, 1), tops=2),
    Case(
        "Split 2 readers",
        'type: "Split"',
        [blob(16, 256, 28, 28)],
        pure(lambda x: (x.view_as(x), x.view_as(x))),
        tops=2,
    ),
    Case(
        "Reshape vectors",
        'type: "Reshape" reshape_param { shape { dim: 0 dim: 10 dim: 100 } }',
        [blob(128, 1000)],
        pure(lambda x: x.reshape(128, 10, 100)),
    ),
    Case(
        "Flatten CaffeNet pool5",
        'type: "Flatten"',
        [blob(32, 256, 6, 6)],
        pure(with_options(torch.flatten, 1)),
    ),
    Case(
        "Crop FCN",
        'type: "Crop" crop_param { offset: 19 }',
        [blob(1, 21, 568, 568), blob(1, 21, 500, 500, gradient=False)],
        pure(crop, offset=19),
    ),
    Case(
        "Crop U-Net",
        'type: "Crop" crop_param { offset: 4 }',
        [blob(1, 512, 64, 64), blob(1, 512, 56, 56, gradient=False)],
        pure(crop, offset=4),
    ),
    Case(
        "Tile LRCN",
        'type: "Tile" tile_param { axis: 1 tiles: 20 }',
        [blob(16, 1, 1000)],
        pure(lambda x: x.repeat(1, 20, 1)),
    ),
    Case(
        "Tile channels",
        'type: "Tile" tile_param { tiles: 4 }',
        [blob(16, 64, 28, 28)],
        pure(lambda x: x.repeat(1, 4, 1, 1)),
    ),
    Case(
        "Reduction SUM",
        'type: "Reduction" reduction_param { axis: 1 }',
        [blob(128, 1000)],
        pure(with_options(torch.sum, 1)),
    ),
    Case(
        "Reduction MEAN of planes",
        'type: "Reduction" reduction_param { operation: MEAN axis: 2 }',
        [blob(16, 256, 28, 28)],
        pure(with_options(torch.mean, (2, 3))),
    ),
    Case(
        "Reduction SUMSQ",
        'type: "Reduction" reduction_param { operation: SUMSQ }',
        [blob(16, 256, 28, 28)],
        pure(lambda x: x.square().sum()),
    ),
    Case(
        "Reduction ASUM",
        'type: "Reduction" reduction_param { operation: ASUM axis: 1 }',
        [blob(16, 256, 28, 28)],
        pure(lambda x: x.abs().sum((1, 2, 3))),
    ),
    Case(
        "BatchReindex",
        'type: "BatchReindex"',
        [blob(64, 256, 14, 14), labels(64, 96)],
        pure(lambda x, p: x.index_select(0, p.long())),
    ),
    Case(
        "Filter",
        'type: "Filter"',
        [blob(64, 256, 14, 14), blob(64, kind="bits", gradient=False)],
        pure(filter_items),
    ),
    Case(
        "LSTMUnit",
        'type: "LSTMUnit"',
        [blob(1, 16, 1000), blob(1, 16, 4000), blob(1, 16, kind="ones", gradient=False)],
        pure(lstm_unit),
        tops=2,
    ),
    *(
        Case(
            f"LSTM {n} x {t} x {h}",
            f'type: "LSTM" recurrent_param {{ num_output: {h} '
            f'weight_filler {{ type: "uniform" min: -{h**-0.5} max: {h**-0.5} }} }}',
            [blob(t, n, h), Bottom((t, n), "ones", False)],
            partial(LSTMWithMarkers, h),
            compared=False,
        )
        for n, t, h in ((16, 80, 1000), (16, 80, 256), (32, 20, 512))
    ),
    Case(
        "RNN 16 x 80 x 256",
        f'type: "RNN" recurrent_param {{ num_output: 256 '
        f'weight_filler {{ type: "uniform" min: -{1 / math.sqrt(256)} max: {1 / math.sqrt(256)} }} }}',
        [blob(80, 16, 256), Bottom((80, 16), "ones", False)],
        partial(Elman, 256),
        compared=False,
    ),
]
