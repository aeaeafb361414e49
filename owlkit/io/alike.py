"""Records that are alike, read at once: raw images of one shape, as Caffe's converters and owlkit write them.

A byte means the same in each of them: shape, pixels, label, where it is said that the image is not encoded.
Comparing all at once costs a third of parsing each, which counts where images are small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from google.protobuf.message import DecodeError

from owlkit.proto import caffe_pb2

# What comes before a field's value in the bytes of a Datum: its number and type.
_DATA, _LABEL, _ENCODED = 0x22, 0x28, 0x38
_FOLLOWED = 0x80  # of a byte of a whole number: another byte follows, of seven higher bits
_LONGEST = 4  # bytes of a label that are read here


def parse_alike(values: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray] | None:
    """Images (N, C, H, W) uint8, read-only, and labels (N,) int64 of the values of records.

    None where they are not alike, which says nothing of them: they are to be parsed one by one.
    """
    if len(set(map(len, values))) != 1:
        return None
    found = _head(values[0])
    if found is None:
        return None
    head, shape = found
    rows = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)
    end = len(head) + math.prod(shape)
    if (rows[:, : len(head)] != np.frombuffer(head, np.uint8)).any():
        return None
    labels = _labels(rows[:, end:])
    return None if labels is None else (rows[:, len(head) : end].reshape(-1, *shape), labels)


def _head(value: bytes) -> tuple[bytes, tuple[int, int, int]] | None:
    """What stands before the pixels of a raw image, and its shape (C, H, W)."""
    try:
        datum = caffe_pb2.Datum.FromString(value)
    except DecodeError:
        return None
    shape = (datum.channels, datum.height, datum.width)
    if min(shape) <= 0 or len(datum.data) != math.prod(shape):
        return None
    sizes = caffe_pb2.Datum(channels=shape[0], height=shape[1], width=shape[2]).SerializeToString()
    head = sizes + bytes([_DATA]) + _whole_number(len(datum.data))
    return (head, shape) if value.startswith(head) else None


def _whole_number(value: int) -> bytes:
    """Protobuf's varint."""
    found = bytearray()
    while value >= _FOLLOWED:
        found.append(value % _FOLLOWED | _FOLLOWED)
        value //= _FOLLOWED
    return bytes([*found, value])


def _labels(tails: np.ndarray) -> np.ndarray | None:
    """Labels (N,) from what stands behind the pixels, (N, bytes); 0 where there is none."""
    columns = list(tails.T)
    if len(columns) >= 2 and not columns[-1].any() and (columns[-2] == _ENCODED).all():
        del columns[-2:]
    if not columns:
        return np.zeros(len(tails), np.int64)
    field, *digits = columns
    if not 1 <= len(digits) <= _LONGEST or (field != _LABEL).any() or digits[-1].max() >= _FOLLOWED:
        return None
    labels = digits.pop().astype(np.int64)
    for digit in reversed(digits):
        if digit.min() < _FOLLOWED:
            return None
        labels = labels * _FOLLOWED + digit % _FOLLOWED
    return labels
