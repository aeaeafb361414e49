"""For every layer type: the bottoms and options that random definitions of it are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Kind:
    """How definitions of a type are drawn.

    bottoms : lists of bottoms, one of which is taken; a bottom is a shape, or (shape, what its values are):
        "positive", "labels K", "below K", "flags", "unit" or "ones". tops : how many, one of these.
    params : messages of the layer's options. options : field -> values, in place of what its type allows.
    always : fields that are set in nearly every definition.
    domain : whether values outside the function's domain may be met (a logarithm's).
    """

    bottoms: Sequence[Sequence[Any]]
    params: Sequence[str] = ()
    tops: Sequence[int] = (1,)
    options: dict[str, Sequence[Any]] = field(default_factory=dict)
    always: Sequence[str] = ()
    domain: bool = False


ANY = [
    *([(2, 3)], [(2, 3, 4)], [(2, 3, 4, 5)], [(2, 4, 2, 2, 3)], [(5,)]),
    *([(1, 3, 1, 1)], [(1, 17, 3, 3)], [(0, 3)], [()]),
]
FLAT = [[(2, 4, 5, 4)], [(1, 2, 6, 6)], [(2, 4, 3, 7)], [(1, 18, 6, 5)], [(2, 4, 1, 1)], [(0, 4, 5, 5)]]
PLANES = [*FLAT, [(3, 2, 4)], [(2, 2, 3, 4, 3)]]
PAIRS = [[(2, 3), (2, 3)], [(2, 3, 4, 2), (2, 3, 4, 2)], [(3, 4), (3, 2, 2)], [(3,), (3,)]]
SCORES = [
    [(5, 5), ((5,), "labels 5")],
    [(4, 5), ((4,), "labels 5")],
    [(4, 5), ((4, 1), "labels 5")],
    [(2, 5, 3, 2), ((2, 3, 2), "labels 5")],
    [(2, 5, 3, 2), ((2, 1, 3, 2), "labels 5")],
    [(4, 5, 1, 1), ((4,), "labels 5")],
]
SEQUENCE = ((3, 2, 4), ((3, 2), "flags"))
WINDOW = {
    "kernel_size": ((3,), (2,), (1,), (3, 2)),
    "stride": ((1,), (2,), (1, 2)),
    "pad": ((0,), (1,), (1, 0)),
    "dilation": ((1,), (2,), (1, 2)),
    "group": (1, 2),
    "num_output": (4, 2, 4, 2, 0),
    "axis": (1, 1, 1, 2, -3, -4),
}
PART = {"axis": (0, 1, 2, -1, -2, 5), "num_axes": (-2, -1, 0, 1, 2, 3)}
POOL = {
    "kernel_size": (2, 3, 1),
    "kernel_h": (1, 2, 3),
    "kernel_w": (1, 2),
    "stride": (0, 1, 2, 3),
    "pad": (0, 1, 2),
}
LOSS = {"ignore_label": (0, 1, 7)}
POSITIVE = [[((2, 3), "positive")], [((2, 3, 4, 2), "positive")], [(2, 3)]]

KINDS: dict[str, Kind] = {
    "AbsVal": Kind(ANY),
    "Accuracy": Kind(SCORES, ["accuracy_param"], (1, 2)),
    "ArgMax": Kind(ANY, ["argmax_param"]),
    "BNLL": Kind(ANY),
    "BatchNorm": Kind(
        ANY, ["batch_norm_param"], options={"eps": (1e-5, 0.1), "moving_average_fraction": (0.999, 0.5)}
    ),
    "BatchReindex": Kind(
        [[(3, 2), ((4,), "below 3")], [(3, 2, 2, 4), ((5,), "below 3")], [(3,), ((2,), "below 3")]]
    ),
    "Bias": Kind(
        [*ANY, [(2, 3, 4), (3, 4)], [(2, 3, 4, 5), (2, 3)], [(2, 3), ()]], ["bias_param"], options=PART
    ),
    "Clip": Kind(ANY, ["clip_param"], always=("min", "max")),
    "Concat": Kind(
        [
            [(2, 3), (2, 4)],
            [(2, 3), (1, 3)],
            [(2, 3), (2, 3)],
            [(2, 3, 4, 2), (2, 1, 4, 2), (2, 2, 4, 2)],
            [(2, 3, 4)],
            [(2, 3, 4, 2), (2, 3, 4, 3)],
        ],
        ["concat_param"],
    ),
    "ContrastiveLoss": Kind(
        [
            [(4, 3), (4, 3), ((4,), "labels 2")],
            [(4, 3, 1, 1), (4, 3, 1, 1), ((4,), "labels 2")],
            [(4, 3), (4, 3), ((4, 1), "labels 2")],
        ],
        ["contrastive_loss_param"],
    ),
    "Convolution": Kind(
        [*PLANES, [(2, 4, 5, 4), (3, 4, 4, 4)]],
        ["convolution_param"],
        (1, 1, 1, 1, 2),
        options=WINDOW,
        always=("num_output", "kernel_size", "weight_filler"),
    ),
    "Crop": Kind(
        [[(2, 3, 5, 4), (2, 3, 3, 2)], [(3, 4), (2, 4)], [(2, 3, 5, 4), (1, 2, 5, 1)]],
        ["crop_param"],
        options={"offset": ((), (1,), (0, 1), (2, 1), (0, 0, 1, 1)), "axis": (0, 1, 2, 3, -1, -2, 9)},
    ),
    "Deconvolution": Kind(
        [*PLANES, [(2, 4, 3, 2), (3, 4, 2, 2)]],
        ["convolution_param"],
        (1, 1, 1, 1, 2),
        options=WINDOW,
        always=("num_output", "kernel_size", "weight_filler"),
    ),
    "Dropout": Kind(ANY, ["dropout_param"], options={"dropout_ratio": (0.0, 0.3, 0.5, 1.0, -0.5, 2.0)}),
    "ELU": Kind(ANY, ["elu_param"]),
    "Eltwise": Kind(
        [[(2, 3), (2, 3)], [(2, 3, 4, 2)] * 3, [(4,), (4,)], [(2, 3), (2, 4)]],
        ["eltwise_param"],
        options={"coeff": ((), (1.0, -2.0), (0.5, 1.0, 2.0), (0.0, 1.0), (1.0,))},
    ),
    "Embed": Kind(
        [[((4,), "below 3")], [((2, 3), "below 3")], [((2, 2, 2), "below 3")]],
        ["embed_param"],
        options={"num_output": (3, 1, 2, 0), "input_dim": (3, 5, 4, 0)},
        always=("num_output", "input_dim", "weight_filler"),
    ),
    "EuclideanLoss": Kind(PAIRS),
    "Exp": Kind(ANY, ["exp_param"]),
    "Filter": Kind([[(3, 2), ((3,), "labels 2")], [(3, 2, 2, 4), (3, 5), ((3, 1), "ones")]], tops=(1, 2)),
    "Flatten": Kind(ANY, ["flatten_param"]),
    "HingeLoss": Kind(
        [[(4, 5), ((4,), "labels 5")], [(2, 3, 2, 1), ((2,), "labels 6")]], ["hinge_loss_param"]
    ),
    "Im2col": Kind(PLANES, ["convolution_param"], options=WINDOW, always=("kernel_size",)),
    "InfogainLoss": Kind(
        [[*s, (5, 5)] for s in SCORES],
        ["infogain_loss_param", "loss_param"],
        (1, 1, 2),
        options=LOSS | {"source": ("no such file",), "axis": (0, 1, -1, -2)},
    ),
    "InnerProduct": Kind(
        ANY,
        ["inner_product_param"],
        options={"num_output": (3, 1, 2, 0), "axis": (0, 1, 2, -1, -2, 5)},
        always=("num_output", "weight_filler"),
    ),
    "LRN": Kind(
        PLANES,
        ["lrn_param"],
        options={
            "alpha": (0.5, 1.0, 2.0),
            "beta": (0.5, 0.75, 1.0),
            "k": (1.0, 2.0),
            "local_size": (3, 5, 1, 7, 9, 2, 0),
        },
    ),
    "LSTM": Kind(
        [
            SEQUENCE,
            [*SEQUENCE, (2, 3)],
            [*SEQUENCE, (1, 2, 3), (1, 2, 3)],
            [*SEQUENCE, (2, 5), (1, 2, 3), (1, 2, 3)],
        ],
        ["recurrent_param"],
        (1, 3),
        options={"num_output": (3, 3, 3, 0)},
        always=("num_output", "weight_filler"),
    ),
    "LSTMUnit": Kind(
        [[(1, 2, 3), (1, 2, 12), ((1, 2), "flags")], [(1, 2, 3), (1, 2, 11), ((1, 2), "flags")]], tops=(2,)
    ),
    "Log": Kind(POSITIVE, ["log_param"], domain=True),
    "MVN": Kind(ANY, ["mvn_param"], options={"eps": (1e-9, 1e-3, 0.5)}),
    "MultinomialLogisticLoss": Kind(
        [[((4, 5), "unit"), ((4,), "labels 5")], [((2, 3, 2, 1), "unit"), ((2,), "labels 6")]]
    ),
    "PReLU": Kind(ANY, ["prelu_param"]),
    "Pooling": Kind(FLAT, ["pooling_param"], (1, 1, 1, 2), options=POOL, always=("kernel_size",)),
    "Power": Kind(POSITIVE, ["power_param"], domain=True),
    "RNN": Kind(
        [SEQUENCE, [*SEQUENCE, (2, 3)], [*SEQUENCE, (1, 2, 3)], [*SEQUENCE, (2, 5), (1, 2, 3)]],
        ["recurrent_param"],
        (1, 2),
        options={"num_output": (3, 3, 3, 0)},
        always=("num_output", "weight_filler"),
    ),
    "ReLU": Kind(ANY, ["relu_param"]),
    "Reduction": Kind(ANY, ["reduction_param"]),
    "Reshape": Kind(ANY, ["reshape_param"], always=("shape",)),
    "SPP": Kind(FLAT, ["spp_param"], always=("pyramid_height",), options={"pyramid_height": (2, 1, 3, 0)}),
    "Scale": Kind(
        [*ANY, [(2, 3, 4), (3, 4)], [(2, 3, 4, 5), (2, 3)], [(2, 3), ()]], ["scale_param"], options=PART
    ),
    "Sigmoid": Kind(ANY, ["sigmoid_param"]),
    "SigmoidCrossEntropyLoss": Kind(
        [[(4, 3), ((4, 3), "unit")], [(2, 3, 2, 2), ((2, 3, 2, 2), "labels 2")]], ["loss_param"], options=LOSS
    ),
    "Silence": Kind([[(2, 3)], [(2, 3), (4,)]], tops=(0,)),
    "Slice": Kind(
        [[(6, 4)], [(2, 6, 3, 4)], [(2, 6, 6)]],
        ["slice_param"],
        (1, 2, 3),
        options={"slice_point": ((), (1,), (2, 4), (3, 1), (1, 9))},
    ),
    "Softmax": Kind(ANY, ["softmax_param"]),
    "SoftmaxWithLoss": Kind(SCORES, ["softmax_param", "loss_param"], (1, 1, 2), options=LOSS),
    "Split": Kind(ANY, tops=(1, 2, 3)),
    "Swish": Kind(ANY, ["swish_param"]),
    "TanH": Kind(ANY, ["tanh_param"]),
    "Threshold": Kind(ANY, ["threshold_param"]),
    "Tile": Kind(ANY, ["tile_param"], options={"tiles": (2, 3, 1, 0)}, always=("tiles",)),
}
#: Types whose bottoms come from nowhere: their options say what they make.
KINDS |= {
    "DummyData": Kind(
        [[]],
        ["dummy_data_param"],
        (1, 2),
        always=("shape",),
        options={"shape": ((2, 3), (4,), ())} | dict.fromkeys(("num", "channels"), (2, 3)),
    ),
    "Input": Kind([[]], ["input_param"], (1, 2), always=("shape",), options={"shape": ((2, 3), (4,), ())}),
    "Parameter": Kind([[]], ["parameter_param"], always=("shape",), options={"shape": ((2, 3), (4,), ())}),
}
