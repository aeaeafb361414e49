"""Names that are too long for the gutter, made shorter such that what tells layers apart stays.

The rule is that of js/src/layers-names.js. A name is written in the first of five ways that fits and in which
no other looks the same: as it is; with words cut off ("fire2/sq…1x1"); the same without marks ("fi2/sq1x1");
without signs between them, too ("f2s1x1"); and from shortly before the place in which it differs from those
that look the same ("…longnumber"). Where none does, it is the layer's number ("#12").
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

Fits = Callable[[str], bool]
CUT = "…"
CONTEXT = 5
"""Characters before the first by which two names differ."""
SHORT = 4
"""Letters of a word that is whole as long as others can give way: conv, fire, pool."""
BEHIND, NUMBER = 4, 5
"""The last two ways of writing a name."""


def short_names(names: Sequence[str], fits: Fits) -> dict[str, str]:
    """What is written of each name: as it is where `fits(text)`, else shorter, no two alike."""
    names = list(dict.fromkeys(names))
    way, common = dict.fromkeys(names, 0), dict.fromkeys(names, 0)

    def written(name: str) -> str:
        if way[name] == NUMBER:
            return f"#{names.index(name) + 1}"
        if way[name] == BEHIND:
            return _behind(name, common[name], fits)
        return WAYS[way[name]](name, fits)

    short = {name: written(name) for name in names}
    while True:
        unclear = [alike for alike in _alike(short) if len(alike) > 1 or not fits(short[alike[0]])]
        moved = [(name, alike) for alike in unclear for name in alike if way[name] or not fits(name)]
        moved = [(name, alike) for name, alike in moved if way[name] < NUMBER]
        if not moved:
            return short
        for name, alike in moved:
            way[name] += 1
            common[name] = max(0, _common(alike) - CONTEXT) if len(alike) > 1 else 0
            short[name] = written(name)


def shorten(name: str, fits: Fits) -> str:
    """One name, which fits: long words lose ends, then short ones; where that is not enough, so does all."""
    text = _cut(name, fits)
    return text if fits(text) else _behind(name, 0, fits)


def _cut(name: str, fits: Fits, without: str = "") -> str:
    """Long words lose ends, then short ones: "fire2/squeeze1x1" becomes "fire2/sq…1x1". Numbers stay, so it
    may not fit. without : a pattern of what is left out of the text."""
    parts = re.findall(r"[A-Za-z]+|[^A-Za-z]+", name)
    kept = [len(part) for part in parts]
    text = name
    while not fits(text):
        words = [i for i, part in enumerate(parts) if kept[i] > 1 and re.fullmatch(r"[A-Za-z]{3,}", part)]
        if not words:
            return text
        long = [k for k in words if len(parts[k]) > SHORT]
        i = max(long or words, key=lambda k: kept[k])
        kept[i] -= (
            2 if kept[i] == len(parts[i]) and not without else 1
        )  # the first cut makes room for its mark
        pairs = zip(parts, kept, strict=True)
        cut = "".join(part[: max(1, n)] + CUT if n < len(part) else part for part, n in pairs)
        text = re.sub(f"{CUT}[_.-]", CUT, cut)
        text = re.sub(without, "", text) if without else text
    return text


WAYS: tuple[Callable[[str, Fits], str], ...] = (
    lambda name, fits: name,
    _cut,
    lambda name, fits: _cut(name, fits, without=CUT),
    lambda name, fits: _cut(name, fits, without="[^A-Za-z0-9]"),
)


def _alike(short: dict[str, str]) -> Iterable[list[str]]:
    """The names by what is written of them."""
    found = defaultdict(list)
    for name, text in short.items():
        found[text].append(name)
    return found.values()


def _common(names: Sequence[str]) -> int:
    """How many characters all of them begin with."""
    columns = zip(*names, strict=False)  # as long as the shortest name
    return sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))


def _behind(name: str, start: int, fits: Fits) -> str:
    """What comes from a place on, as much of it as fits."""
    whole = CUT + name[start:] if start else name
    cuts = (whole[:n] + CUT for n in range(len(whole) - 1, 1, -1))
    return whole if fits(whole) else next((text for text in cuts if fits(text)), whole[:2] + CUT)
