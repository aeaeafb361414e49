"""Caffe's messages under pycaffe's name: the classes are those of owlkit.proto.caffe_pb2.

They live in a descriptor pool of their own, so another package's caffe.proto may be loaded in the same process;
a message of the one is copied into a message of the other by its bytes:
`theirs.ParseFromString(ours.SerializeToString())`.
"""

from __future__ import annotations

from typing import Any

from owlkit.proto import caffe_pb2 as _messages

__all__ = [name for name in dir(_messages) if not name.startswith("_")]  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """A message class, an enum, one of its values, or DESCRIPTOR."""
    return getattr(_messages, name)


def __dir__() -> list[str]:
    return sorted(__all__)
