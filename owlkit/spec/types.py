"""The layer types that a definition may use, and which parameter messages each of them reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from owlkit.core.conveniences import resolve
from owlkit.proto import caffe_pb2

# Names of all layer types of Caffe. Add to it to make another type known to `L`; layer classes that are
# registered with `owlkit.layers.register` are known without that.
# fmt: off
LAYER_TYPES: set[str] = {
    "AbsVal", "Accuracy", "ArgMax", "BatchNorm", "BatchReindex", "Bias", "BNLL", "Clip", "Concat",
    "ContrastiveLoss", "Convolution", "Crop", "Data", "Deconvolution", "Dropout", "DummyData",
    "Eltwise", "ELU", "Embed", "EuclideanLoss", "Exp", "Filter", "Flatten", "HDF5Data", "HDF5Output",
    "HingeLoss", "Im2col", "ImageData", "InfogainLoss", "InnerProduct", "Input", "Log", "LRN", "LSTM",
    "LSTMUnit", "MemoryData", "MultinomialLogisticLoss", "MVN", "Parameter", "Pooling", "Power",
    "PReLU", "Python", "Reduction", "ReLU", "Reshape", "RNN", "Scale", "Sigmoid",
    "SigmoidCrossEntropyLoss", "Silence", "Slice", "Softmax", "SoftmaxWithLoss", "Split", "SPP",
    "Swish", "TanH", "Threshold", "Tile", "WindowData",
}
# fmt: on

# Types that read other messages than the one that has their name.
_MESSAGES = {
    "Deconvolution": ("convolution_param",),
    "EuclideanLoss": ("loss_param",),
    "HingeLoss": ("hinge_loss_param", "loss_param"),
    "Im2col": ("convolution_param",),
    "InfogainLoss": ("infogain_loss_param", "loss_param"),
    "LSTM": ("recurrent_param",),
    "MultinomialLogisticLoss": ("loss_param",),
    "RNN": ("recurrent_param",),
    "SigmoidCrossEntropyLoss": ("loss_param",),
    "SoftmaxWithLoss": ("softmax_param", "loss_param"),
}

LAYER = caffe_pb2.LayerParameter.DESCRIPTOR


def _registry(table: str) -> dict[str, Any]:
    """A table of layer classes. Whoever registers one has imported it; it is not imported for this."""
    found: dict[str, Any] = resolve(f"layers.base:{table}") if "owlkit.layers.base" in sys.modules else {}
    return found


def user_types() -> dict[str, Any]:
    """Layer types that `owlkit.layer` made known so far, with their classes."""
    return _registry("NAMED")


def known_types() -> set[str]:
    """Caffe's types, those of the layer classes registered so far, and the user's own."""
    return LAYER_TYPES | set(_registry("LAYERS")) | set(user_types())


@cache
def _by_message() -> dict[str, str]:
    """Type -> field of LayerParameter, by name: Convolution -> convolution_param (a ConvolutionParameter)."""
    found = {}
    for field in LAYER.fields:
        if field.message_type is not None and field.name.endswith("_param"):
            found[field.message_type.name.removesuffix("Parameter")] = field.name
    return found


def messages_of(layer_type: str) -> tuple[str, ...]:
    """The parameter messages whose fields a type takes without naming the message."""
    if layer_type in _MESSAGES:
        return _MESSAGES[layer_type]
    if layer_type in user_types():
        return ("python_param",)
    own = _by_message().get(layer_type)
    return (own,) if own else ()


def descriptor_of(message: str) -> Any:
    """The descriptor behind a field of LayerParameter."""
    return LAYER.fields_by_name[message].message_type


def parameters_of(layer_type: str) -> Iterator[tuple[str, Any]]:
    """All parameters that a type takes by name: (message or "" for those of every layer, field)."""
    for message in messages_of(layer_type):
        for field in descriptor_of(message).fields:
            yield message, field
    for field in LAYER.fields:
        if field.name != "type":
            yield "", field


#: Fillers that owlkit.core.fillers knows; a test compares the two (the language imports no arrays).
FILLER_TYPES = ("constant", "uniform", "gaussian", "positive_unitball", "xavier", "msra", "bilinear")

#: What other toolkits call Caffe's fillers.
FILLERS_ELSEWHERE = {
    "kaiming": "msra",
    "kaiming_normal": "msra",
    "he": "msra",
    "he_normal": "msra",
    "glorot": "xavier",
    "glorot_uniform": "xavier",
    "xavier_uniform": "xavier",
    "normal": "gaussian",
    "zeros": "constant",
    "ones": "constant",
}

#: What other toolkits call Caffe's layers, for those who come from there.
ELSEWHERE = {
    "Linear": "InnerProduct",
    "Dense": "InnerProduct",
    "Conv1d": "Convolution",
    "Conv2d": "Convolution",
    "Conv2D": "Convolution",
    "Conv3d": "Convolution",
    "ConvTranspose2d": "Deconvolution",
    "MaxPool2d": "Pooling",
    "MaxPooling2D": "Pooling",
    "AvgPool2d": "Pooling",
    "BatchNorm2d": "BatchNorm",
    "LocalResponseNorm": "LRN",
    "LeakyReLU": "ReLU",
    "CrossEntropyLoss": "SoftmaxWithLoss",
    "BCEWithLogitsLoss": "SigmoidCrossEntropyLoss",
    "MSELoss": "EuclideanLoss",
    "Embedding": "Embed",
    "Conv": "Convolution",
    "Add": "Eltwise",
    "Sum": "Eltwise",
    "Multiply": "Eltwise",
    "Concatenate": "Concat",
    "Cat": "Concat",
    "MaxPool": "Pooling",
    "AvgPool": "Pooling",
    "AdaptiveAvgPool2d": "Pooling",
    "GlobalAveragePooling": "Pooling",
    "GlobalAveragePooling2D": "Pooling",
    "BatchNormalization": "BatchNorm",
    "BatchNorm1d": "BatchNorm",
    "InstanceNorm2d": "MVN",
    "Upsample": "Deconvolution",
    "NLLLoss": "MultinomialLogisticLoss",
}
