"""Every error that owlkit raises on purpose, and the small helper that makes their messages teach."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from os.path import splitext


class OwlkitError(Exception):
    """Base of all errors that owlkit raises on purpose."""


class PrototxtError(OwlkitError, ValueError):
    """A definition cannot be read: says file, line, column, what was found and what is allowed."""


class NetError(OwlkitError, ValueError):
    """A net cannot be built or run as defined: says layer, blob, found, expected and what to do."""


class DataError(OwlkitError, ValueError):
    """Input data are missing, damaged or of the wrong shape.

    place : (blob, index along its first axis) of the value to blame, where there is one. A net that runs uses
    it to add which record the value comes from.
    """

    place: tuple[str, int] | None = None

    def add(self, text: str) -> None:
        """Append to the message."""
        self.args = (f"{self}; {text}",)


class MissingFileError(DataError, FileNotFoundError):
    """A file that was named is not there."""


class FileFormatError(OwlkitError, ValueError):
    """A file is not what its reader expects."""


class DeviceError(OwlkitError, RuntimeError):
    """A device or one of its libraries cannot be used."""


class TrainingError(OwlkitError, RuntimeError):
    """Training cannot go on."""


def closest(name: str, names: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"` for the name most like `name`, or an empty string where none is near.

    A name that was cut short (lr for base_lr, Conv for Convolution, kernel for kernel_size) counts before one
    that was mistyped, whose letters may be nearer by chance: Conv and Concat, kernel and kernel_w. Names of
    files have to be alike before their endings: those of nosuch.prototxt and s_siam.prototxt are.
    """
    lowered = {candidate.lower(): candidate for candidate in names}
    found = _cut_short(name.lower(), lowered) or _mistyped(name.lower(), lowered)
    return f" (did you mean {lowered[found[0]]!r}?)" if found else ""


def _mistyped(name: str, candidates: Iterable[str]) -> list[str]:
    """Of names in lower case: those with like letters, the nearest first."""
    near = difflib.get_close_matches(name, candidates, n=5)
    stem = splitext(name)[0]
    return [found for found in near if difflib.get_close_matches(stem, [splitext(found)[0]])]


def _cut_short(name: str, candidates: Iterable[str]) -> list[str]:
    """Of names in lower case: the same one, else what ends in the whole word, else what begins with it."""
    known = list(candidates)
    if len(name) < 2 or name in known:
        return [name] if name in known else []
    ends = [candidate for candidate in known if candidate.endswith(f"_{name}")]
    return ends or [candidate for candidate in known if len(name) > 2 and candidate.startswith(name)]
