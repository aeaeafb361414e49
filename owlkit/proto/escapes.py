"""Backslash escapes in the strings of protobuf's text format."""

from __future__ import annotations

import re
import sys

_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_LETTERS = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b"?": b"?", b"'": b"'", b'"': b'"', b"\\": b"\\",
}  # fmt: skip


def unescape(text: str) -> bytes:
    r"""The bytes that a string means: `\n`, `\101` (octal), `\x41`, `\u00e4`; all else is UTF-8.

    Raises ValueError with the escape that is none.
    """
    return _ESCAPE.sub(_replaced, text.encode("utf-8", "surrogatepass"))


def _replaced(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, letter = match.groups()
    if octal or hexadecimal:
        value = int(octal, 8) if octal else int(hexadecimal, 16)
        if value < 256:
            return bytes([value])
    elif short or long:
        value = int(short or long, 16)
        if value <= sys.maxunicode and not 0xD800 <= value < 0xE000:
            return chr(value).encode()
    elif letter in _LETTERS:
        return _LETTERS[letter]
    raise ValueError(match[0].decode(errors="replace"))
