"""Cuts prototxt into tokens, each with its place in the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple, NoReturn

from owlkit.core.errors import PrototxtError

MOST_SHOWN = 160  # characters of a line, in an error

# Digits are taken all or not at all (`++`): giving them back one by one takes minutes for a damaged file.
_TOKEN = re.compile(
    r"""(?P<space>(?:\s|\#[^\n]*)+)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>-?\s*+(?:0[xX][0-9a-fA-F]++|(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?+[fF]?+)(?![\w.]))
      | (?P<name>-?\s*[A-Za-z_]\w*)
      | (?P<mark>[{}<>:\[\],;])
    """,
    re.VERBOSE,
)


def shortened(text: str) -> str:
    """A word as errors show it."""
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


class Token(NamedTuple):
    """kind : "string", "number", "name", "mark" or "end". at : offset in the text."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end of the file" if self.kind == "end" else shortened(self.text)


class Source:
    """A text with a name, which can tell where an offset lies and fail there.

    name : file name, as errors give it.
    """

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line(self, at: int) -> int:
        """The line of an offset, counted from 1."""
        return bisect_right(self._starts, at)

    def fail(self, at: int, message: str) -> NoReturn:
        """Raise PrototxtError `name:line:column: message`, with the line and a mark under the column."""
        line = self.line(at)
        start = self._starts[line - 1]
        shown = self.text[start:].split("\n", 1)[0].rstrip("\r")
        # Of a line of thousands of characters what lies around the place.
        left = max(0, at - start - MOST_SHOWN // 2)
        shown = shown[left : left + MOST_SHOWN]
        # Tabs stay tabs in the second line, so that the mark stands under its column.
        margin = re.sub(r"[^\t]", " ", shown[: at - start - left])
        excerpt = f"\n  {shown}\n  {margin}^" if shown.strip() else ""
        raise PrototxtError(f"{self.name}:{line}:{at - start + 1}: {message}{excerpt}")

    def tokens(self) -> list[Token]:
        """All tokens, the last of kind "end"."""
        found: list[Token] = []
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                self._refuse(at)
            if match.lastgroup != "space":
                found.append(Token(str(match.lastgroup), match.group(), at))
            at = match.end()
        # The end is told at the last thing that stands in the file, not after its empty lines.
        last = found[-1].at + len(found[-1].text) if found else 0
        return [*found, Token("end", "", last)]

    def _refuse(self, at: int) -> NoReturn:
        word = re.match(r"[-+.\w]+", self.text[at:])
        if self.text[at] in "\"'":
            self.fail(at, f"this string has no closing {self.text[at]} on its line")
        if word:
            self.fail(at, f"{shortened(word.group())!r} is neither a number nor a name")
        self.fail(at, f"unexpected character {self.text[at]!r}")
