"""Dictionaries of a net's parts that know what to say of a name that they do not have."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from owlkit.core.errors import NetError, closest

Part = TypeVar("Part")
SHOWN = 12  # names in an error
_SPLIT = re.compile(r"_\d+_split(_\d+)?$")  # layers that Caffe inserts, and their tops: nobody wrote those


class UnknownNameError(NetError, KeyError):
    """A net has no part of that name: says the closest ones. A KeyError too, for those who catch that."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError's own puts the message in quotes


class _Says:
    """What both kinds have beside their dictionary."""

    def __init__(
        self, parts: Any = (), what: tuple[str, str] = ("part", "it"), hints: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(parts)  # type: ignore[call-arg]  # the dictionary's
        self.what, self.hints = what, dict(hints or {})

    def __missing__(self, name: Any) -> Any:
        raise UnknownNameError(_unknown(name, self, self.what, self.hints))  # type: ignore[arg-type]


class Named(_Says, dict[str, Part]):
    """A dict whose error names the closest names.

    what : its parts and where they are found, as ("blob", "net.blobs"). hints : name -> what to say of it,
    for names that are something else here.
    Pickled, copied and compared as a dict; a lookup costs what a dict's does.
    """


class NamedInOrder(_Says, OrderedDict[str, Part]):
    """The same as an OrderedDict, which pycaffe's are."""


def _unknown(name: Any, names: Iterable[str], what: tuple[str, str], hints: Mapping[str, str]) -> str:
    kind, place = what
    known = list(names)
    if not isinstance(name, str):
        found = f"{place} goes by names, found {name!r}"
        return f"{found}; by number: list({place}.values())[{name}]" if isinstance(name, int) else found
    if name in hints:
        return f"there is no {kind} {name!r}: {hints[name]}"
    return f"there is no {kind} {name!r}{closest(name, known)}; {_listing(known, place)}"


def _listing(known: list[str], place: str) -> str:
    if not known:
        return f"{place} is empty"
    written = [name for name in known if not _SPLIT.search(name)]
    if len(written) <= SHOWN:
        return f"{place} has {', '.join(written)}"
    return f"{place} has {', '.join(written[:SHOWN])}, ...: list({place}) gives all {len(known)}"
