"""Layers of before May 2014 (V1): `layers`, types as an enum, learning rates as lists beside the blobs."""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import PrototxtError
from owlkit.proto import caffe_pb2

_V1 = caffe_pb2.V1LayerParameter

# Types whose words do not simply become capitals: INNER_PRODUCT is InnerProduct, but ...
_ODD_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
# The same name and the same content in both formats.
_SAME = ("bottom", "top", "name", "include", "exclude", "blobs", "loss_weight")
_TRANSFORM = ("scale", "mean_file", "crop_size", "mirror")
_SOURCES = {"DATA": "data_param", "IMAGE_DATA": "image_data_param", "WINDOW_DATA": "window_data_param"}


def type_of(v1_type: int) -> str:
    """The name of a layer type from its number in V1: 14 -> "InnerProduct"."""
    name = _V1.LayerType.Name(v1_type)
    if name in _ODD_TYPES:
        return _ODD_TYPES[name]
    return "".join(word.capitalize() for word in name.split("_"))


def upgrade_transformations(net: Any, source: str) -> list[str]:
    """Move scale, mean_file, crop_size and mirror of V1 data layers to transform_param, in place.

    Caffe ignores these fields in today's layers; there they stay where they are, and the note says so.
    """
    notes = []
    for layer in net.layers:
        param = _SOURCES.get(_V1.LayerType.Name(layer.type), "")
        moved = _old_transformation(layer, param)
        for name in moved:
            setattr(layer.transform_param, name, getattr(getattr(layer, param), name))
            getattr(layer, param).ClearField(name)
        if moved:
            notes.append(f"{source}: layer '{layer.name}': {', '.join(moved)} moved to transform_param")
    for layer in net.layer:
        for param in _SOURCES.values():
            unused = _old_transformation(layer, param)
            if unused:
                notes.append(
                    f"{source}: layer '{layer.name}': {param}.{', '.join(unused)} has no effect, "
                    "as in Caffe; write it in transform_param"
                )
    return notes


def _old_transformation(layer: Any, param: str) -> list[str]:
    if not param or not layer.HasField(param):
        return []
    return [name for name in _TRANSFORM if getattr(layer, param).HasField(name)]


def upgrade_v1(net: Any, source: str) -> list[str]:
    """Turn all `layers` of a net into `layer`, in place, with their blobs."""
    if not net.layers:
        return []
    if net.layer:
        raise PrototxtError(
            f"{source}: both 'layer' ('{net.layer[0].name}', ...) and the old form 'layers' "
            f"('{net.layers[0].name}', ...) are given; write all of them as 'layer'"
        )
    for old in net.layers:
        _layer(old, net.layer.add())
    notes = [f"{source}: {len(net.layers)} layers of the format before May 2014 (V1) upgraded"]
    net.ClearField("layers")
    return notes


def _layer(old: Any, new: Any) -> None:
    for field, value in old.ListFields():
        if field.name in _SAME or field.name.endswith("_param"):
            _copy(new, field, value)
    if old.HasField("type"):
        new.type = type_of(old.type)
    for index, name in enumerate(old.param):
        _spec(new, index).name = name
    for index, mode in enumerate(old.blob_share_mode):
        _spec(new, index).share_mode = mode
    for index, lr_mult in enumerate(old.blobs_lr):
        _spec(new, index).lr_mult = lr_mult
    for index, decay_mult in enumerate(old.weight_decay):
        _spec(new, index).decay_mult = decay_mult


def _copy(new: Any, field: Any, value: Any) -> None:
    if field.is_repeated:
        getattr(new, field.name).extend(value)
    elif field.message_type is not None:
        getattr(new, field.name).CopyFrom(value)
    else:
        setattr(new, field.name, value)


def _spec(new: Any, index: int) -> Any:
    while len(new.param) <= index:
        new.param.add()
    return new.param[index]
