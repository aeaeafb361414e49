"""Weights in Caffe's binary caffemodel files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from owlkit.core.errors import FileFormatError
from owlkit.io.blobproto import array_to_proto, proto_shape, proto_to_array
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.recognise import parse_binary, recognise
from owlkit.proto import caffe_pb2
from owlkit.proto.upgrade import upgrade_net

__all__ = ["array_to_proto", "proto_shape", "proto_to_array", "read_caffemodel", "write_caffemodel"]

_LIMIT = 2**31 - 1  # bytes: protobuf's limit for one message


def read_caffemodel(path: str | Path) -> Any:
    """The NetParameter of a caffemodel file, old formats upgraded.

    Raises DataError where the file is missing, FileFormatError where it is something else (and says what).
    """
    content = read_bytes(path, "caffemodel")
    net: Any = parse_binary(content, caffe_pb2.NetParameter)
    if net is None or not any(layer.name for layer in [*net.layer, *net.layers]):
        raise FileFormatError(f"{path} is not a caffemodel: it is {_not_weights(content, net)}")
    upgrade_net(net, str(path))
    return net


def _not_weights(content: bytes, net: Any) -> str:
    found = recognise(content)
    if net is not None and found.startswith("damaged"):
        return "a net without layers, or of an unknown format"
    return found


def write_caffemodel(path: str | Path, net: Any) -> None:
    """Write a NetParameter with its weights, atomically.

    Raises DataError where it cannot be written, FileFormatError above protobuf's limit of 2 GiB.
    """
    size = net.ByteSize()
    if size > _LIMIT:
        raise FileFormatError(f"{path}: the net takes {size:,} bytes; a caffemodel can hold {_LIMIT:,}")
    write_bytes(path, net.SerializeToString())
