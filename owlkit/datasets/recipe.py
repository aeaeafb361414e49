"""What is known of a set before it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from owlkit.datasets.download import RemoteFile

Maker = Callable[[Path, Mapping[str, Path], int | None], dict[str, Any]]


@dataclass(frozen=True)
class Dataset:
    """One entry.

    recipe : identifies how the set is made; another one makes it anew. outputs : subset to file name.
    files : needed from elsewhere. addresses : folders on the net that hold them.
    make : writes the outputs into a folder, from the files, shuffled by a seed where one is given.
    records : whether it is made of records, which can be shuffled; a published model is not.
    """

    name: str
    about: str
    outputs: Mapping[str, str]
    make: Maker
    recipe: Mapping[str, Any]
    files: tuple[RemoteFile, ...] = ()
    addresses: tuple[str, ...] = ()
    records: bool = True
