"""Names that are too long for the gutter, made shorter such that what tells layers apart stays.

The rule is that of js/src/layers-names.js.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

Fits = Callable[[str], bool]
CUT = "…"
CONTEXT = 5
"""Characters before the first by which two names differ."""
SHORT = 4
"""Letters of a word that is whole as long as others can give way: conv, fire, pool."""


def short_names(names: Sequence[str], fits: Fits) -> dict[str, str]:
    """What is written of each name: as it is where `fits(text)`, else shorter, no two alike."""
    short = {name: shorten(name, fits) for name in names}
    for text in set(short.values()):
        alike = [name for name in short if short[name] == text]
        if len(alike) > 1:
            common = max(0, _common(alike) - CONTEXT)
            short |= {name: _behind(name, common, fits) for name in alike}
    return short


def shorten(name: str, fits: Fits) -> str:
    """Long words lose ends, then short ones: "fire2/squeeze1x1" becomes "fire2/sq…1x1". Numbers stay."""
    parts = re.findall(r"[A-Za-z]+|[^A-Za-z]+", name)
    kept = [len(part) for part in parts]
    text = name
    while not fits(text):
        words = [i for i, part in enumerate(parts) if kept[i] > 1 and re.fullmatch(r"[A-Za-z]{3,}", part)]
        if not words:
            return _behind(name, 0, fits)
        long = [k for k in words if len(parts[k]) > SHORT]
        i = max(long or words, key=lambda k: kept[k])
        kept[i] -= 2 if kept[i] == len(parts[i]) else 1  # the first cut makes room for its mark
        pairs = zip(parts, kept, strict=True)
        cut = "".join(part[: max(1, n)] + CUT if n < len(part) else part for part, n in pairs)
        text = re.sub(f"{CUT}[_.-]", CUT, cut)
    return text


def _common(names: Sequence[str]) -> int:
    """How many characters all of them begin with."""
    columns = zip(*names, strict=False)  # as long as the shortest name
    return sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))


def _behind(name: str, start: int, fits: Fits) -> str:
    """What comes from a place on, as much of it as fits."""
    whole = CUT + name[start:] if start else name
    cuts = (whole[:n] + CUT for n in range(len(whole) - 1, 1, -1))
    return whole if fits(whole) else next((text for text in cuts if fits(text)), whole[:2] + CUT)
