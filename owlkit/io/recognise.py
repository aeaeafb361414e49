"""What an unexpected file is, so that an error can say it."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from owlkit.proto import caffe_pb2

M = TypeVar("M", bound=Message)

_MAGIC = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"PK\x03\x04": "a zip archive (perhaps PyTorch weights or .npz)",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"<!DOCTYPE": "a web page, so a download went wrong",
    b"<html": "a web page, so a download went wrong",
}
_LFS = b"version https://git-lfs"
# ONNX's ModelProto: its first fields read as those of a SolverState, but it has a graph and an opset_import.
_ONNX_FIELDS = {7, 8}


def parse_binary(content: bytes, message_class: type[M]) -> M | None:
    """The message, or None where the bytes are not one, or a text in it is not UTF-8."""
    try:
        message = message_class.FromString(content)
        return message if has_valid_text(message) else None
    except (DecodeError, UnicodeDecodeError):
        return None


def has_valid_text(message: Message) -> bool:
    """Whether all texts are UTF-8; protobuf does not check it in proto2, and fails where one is used."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else [value]
        if field.message_type is not None:
            if not all(has_valid_text(inner) for inner in values):
                return False
        elif field.type == field.TYPE_STRING and not all(isinstance(text, str) for text in values):
            return False
    return True


def _looks_like_text(content: bytes) -> bool:
    head = content[:512]
    return bool(head) and all(byte >= 32 or byte in (9, 10, 13) for byte in head)


def _looks_like_net(content: bytes) -> bool:
    net: Any = parse_binary(content, caffe_pb2.NetParameter)
    return net is not None and any(layer.name for layer in [*net.layer, *net.layers])


def _looks_like_state(content: bytes) -> bool:
    state = parse_binary(content, caffe_pb2.SolverState)
    return state is not None and state.HasField("iter") and (bool(state.history) or bool(state.learned_net))


def looks_like_onnx(content: bytes) -> bool:
    """Whether the bytes are a model in ONNX's format, which protobuf takes for a SolverState."""
    model = parse_binary(content, caffe_pb2.SolverState)
    if model is None:
        return False
    fields = UnknownFieldSet(model)
    return {fields[i].field_number for i in range(len(fields))} >= _ONNX_FIELDS


def _looks_like_blob(content: bytes) -> bool:
    blob = parse_binary(content, caffe_pb2.BlobProto)
    return blob is not None and bool(len(blob.data) or len(blob.double_data))


def recognise(content: bytes) -> str:
    """A phrase for the content of a file: "empty", "an HDF5 file ...", "a solverstate", ..."""
    if not content:
        return "empty"
    if content.startswith(_LFS):
        return "a Git LFS pointer, not the file itself; fetch it with git lfs pull"
    for magic, phrase in _MAGIC.items():
        if content.startswith(magic):
            return phrase
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        return "a safetensors file"
    if _looks_like_text(content):
        return "text, perhaps a prototxt"
    if looks_like_onnx(content):
        return "an ONNX model; owlkit writes that format and does not read it"
    if _looks_like_state(content):
        return "a solverstate (the solver's history); the weights are in the .caffemodel beside it"
    if _looks_like_net(content):
        return "a caffemodel (the weights); the solver's history is in the .solverstate beside it"
    if _looks_like_blob(content):
        return "a single blob, perhaps a mean image (.binaryproto)"
    return "damaged or cut short, or of an unknown format"
