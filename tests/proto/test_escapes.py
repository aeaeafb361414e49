"""Backslashes in strings, as protobuf's text format has them."""

from __future__ import annotations

import pytest

from owlkit.core.errors import PrototxtError
from owlkit.proto import caffe_pb2, text
from owlkit.proto.escapes import unescape


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain ä", "plain ä".encode()),
        (r"\a\b\f\n\r\t\v\?\'\"\\", b"\a\b\f\n\r\t\v?'\"\\"),
        (r"\101\7\0018", b"A\7\0018"),
        (r"\x41\X4a\x4G", b"AJ\4G"),
        (r"\u00e4\U0001F989", "ä🦉".encode()),
    ],
)
def test_escapes(written: str, meant: bytes) -> None:
    assert unescape(written) == meant


@pytest.mark.parametrize("written", [r"\h", r"\777", r"\u12", r"\ud800", r"\U00110000", r"\x"])
def test_what_is_no_escape(written: str) -> None:
    with pytest.raises(PrototxtError, match=r"f:1:7: this string has an unknown escape"):
        text.parse(f'name: "{written}"', caffe_pb2.NetParameter, "f")


def test_numbers_that_are_too_long() -> None:
    for number in ("9" * 5000, "0x" + "f" * 5000, "1" * 5000 + ".5"):
        with pytest.raises(PrototxtError, match=r"needs a (whole )?number"):
            text.parse(
                f"base_lr: {number}" if "." in number else f"max_iter: {number}", caffe_pb2.SolverParameter
            )
