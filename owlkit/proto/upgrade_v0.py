"""Layers of before December 2013 (V0): one flat message for every type, padding as a layer of its own.

A V0 layer stands in the field `layer` of a V1 layer. Where a field goes depends on the type; a field that has
no place there is an error, as in Caffe.
"""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import PrototxtError, closest
from owlkit.proto import caffe_pb2

_V0 = caffe_pb2.V0LayerParameter
_V1 = caffe_pb2.V1LayerParameter

_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}
_CONV, _POOL, _INNER, _LRN = "convolution_param", "pooling_param", "inner_product_param", "lrn_param"
_DATA, _IMAGES, _WINDOWS = "data_param", "image_data_param", "window_data_param"

# V0 field -> (V0 type or "*" for all) -> "message.field" of V1
_PLACES: dict[str, dict[str, str]] = {
    "num_output": {"conv": f"{_CONV}.num_output", "innerproduct": f"{_INNER}.num_output"},
    "biasterm": {"conv": f"{_CONV}.bias_term", "innerproduct": f"{_INNER}.bias_term"},
    "weight_filler": {"conv": f"{_CONV}.weight_filler", "innerproduct": f"{_INNER}.weight_filler"},
    "bias_filler": {"conv": f"{_CONV}.bias_filler", "innerproduct": f"{_INNER}.bias_filler"},
    "pad": {"conv": f"{_CONV}.pad", "pool": f"{_POOL}.pad"},
    "kernelsize": {"conv": f"{_CONV}.kernel_size", "pool": f"{_POOL}.kernel_size"},
    "group": {"conv": f"{_CONV}.group"},
    "stride": {"conv": f"{_CONV}.stride", "pool": f"{_POOL}.stride"},
    "pool": {"pool": f"{_POOL}.pool"},
    "dropout_ratio": {"dropout": "dropout_param.dropout_ratio"},
    "local_size": {"lrn": f"{_LRN}.local_size"},
    "alpha": {"lrn": f"{_LRN}.alpha"},
    "beta": {"lrn": f"{_LRN}.beta"},
    "k": {"lrn": f"{_LRN}.k"},
    "source": {
        "data": f"{_DATA}.source",
        "hdf5_data": "hdf5_data_param.source",
        "images": f"{_IMAGES}.source",
        "window_data": f"{_WINDOWS}.source",
        "infogain_loss": "infogain_loss_param.source",
    },
    "scale": {"*": "transform_param.scale"},
    "meanfile": {"*": "transform_param.mean_file"},
    "cropsize": {"*": "transform_param.crop_size"},
    "mirror": {"*": "transform_param.mirror"},
    "batchsize": {
        "data": f"{_DATA}.batch_size",
        "hdf5_data": "hdf5_data_param.batch_size",
        "images": f"{_IMAGES}.batch_size",
        "window_data": f"{_WINDOWS}.batch_size",
    },
    "rand_skip": {"data": f"{_DATA}.rand_skip", "images": f"{_IMAGES}.rand_skip"},
    "shuffle_images": {"images": f"{_IMAGES}.shuffle"},
    "new_height": {"images": f"{_IMAGES}.new_height"},
    "new_width": {"images": f"{_IMAGES}.new_width"},
    "concat_dim": {"concat": "concat_param.concat_dim"},
    "det_fg_threshold": {"window_data": f"{_WINDOWS}.fg_threshold"},
    "det_bg_threshold": {"window_data": f"{_WINDOWS}.bg_threshold"},
    "det_fg_fraction": {"window_data": f"{_WINDOWS}.fg_fraction"},
    "det_context_pad": {"window_data": f"{_WINDOWS}.context_pad"},
    "det_crop_mode": {"window_data": f"{_WINDOWS}.crop_mode"},
    "hdf5_output_param": {"hdf5_output": "hdf5_output_param"},
}
# Of no use to any layer in V1.
_DROPPED = ("new_num", "new_channels")
_KEPT = ("name", "type", "blobs", "blobs_lr", "weight_decay")


def upgrade_v0(net: Any, source: str) -> list[str]:
    """Turn all V0 layers of a net into V1 layers, in place; PrototxtError where a field has no place."""
    old = [layer for layer in net.layers if layer.HasField("layer")]
    if not old:
        return []
    padded = _merge_padding(net, source)
    for layer in net.layers:
        if layer.HasField("layer"):
            layer.CopyFrom(_layer(layer, source))
    notes = [f"{source}: {len(old)} layers of the format before December 2013 (V0) upgraded"]
    if padded:
        notes.append(f"{source}: padding layers became the pad of the layers after them: {', '.join(padded)}")
    return notes


def _merge_padding(net: Any, source: str) -> list[str]:
    """Give the pad of each padding layer to the conv or pool layer after it; returns the names removed."""
    makers: dict[str, Any] = {}
    removed = []
    for connection in net.layers:
        for index, bottom in enumerate(connection.bottom):
            maker = makers.get(bottom)
            if maker is not None and maker.layer.type == "padding":
                _check_padding(connection, maker, source)
                connection.layer.pad = maker.layer.pad
                connection.bottom[index] = maker.bottom[0]
        if connection.layer.type == "padding":
            removed.append(connection.layer.name)
        makers.update((top, connection) for top in connection.top)
    kept = [layer for layer in net.layers if layer.layer.type != "padding"]
    rest = type(net)()
    rest.layers.extend(kept)
    del net.layers[:]
    net.layers.extend(rest.layers)
    return removed


def _check_padding(connection: Any, padding: Any, source: str) -> None:
    name, kind = connection.layer.name, connection.layer.type
    where = f"{source}: layer '{name}' follows padding layer '{padding.layer.name}'"
    if kind not in ("conv", "pool"):
        raise PrototxtError(f"{where}, but only conv and pool can take padding, not {kind}")
    counts = len(connection.bottom), len(padding.bottom), len(padding.top)
    if counts != (1, 1, 1):
        raise PrototxtError(f"{where}: both take exactly one bottom, and padding makes one top")


def _layer(connection: Any, source: str) -> Any:
    """One V0 layer as V1."""
    old = connection.layer
    if old.HasField("type") and old.type not in _TYPES:
        near = closest(old.type, _TYPES)
        raise PrototxtError(f"{source}: layer '{old.name}': no V0 layer type is called '{old.type}'{near}")
    new = _V1(bottom=connection.bottom, top=connection.top)
    # V0 itself had no rules; what a V1 layer says around a V0 layer stays.
    new.include.extend(connection.include)
    new.exclude.extend(connection.exclude)
    if old.HasField("name"):
        new.name = old.name
    if old.HasField("type"):
        new.type = _V1.LayerType.Value(_TYPES[old.type])
    new.blobs.extend(old.blobs)
    new.blobs_lr.extend(old.blobs_lr)
    new.weight_decay.extend(old.weight_decay)
    for field, value in old.ListFields():
        if field.name not in _KEPT + _DROPPED:
            _place(new, old, field.name, value, source)
    return new


def _place(new: Any, old: Any, field: str, value: Any, source: str) -> None:
    places = _PLACES[field]
    place = places.get(old.type) or places.get("*")
    if place is None:
        takers = ", ".join(places)
        raise PrototxtError(f"{source}: layer '{old.name}': '{field}' is for {takers}, not for {old.type}")
    message, _, name = place.partition(".")
    if not name:
        getattr(new, message).CopyFrom(value)
        return
    target = getattr(new, message)
    descriptor = target.DESCRIPTOR.fields_by_name[name]
    if descriptor.is_repeated:
        getattr(target, name).append(value)
    elif descriptor.message_type is not None:
        getattr(target, name).CopyFrom(value)
    else:
        setattr(target, name, value)
