"""A folder of photographs, a subfolder for each class, as two sets: one to train on, one to test with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from owlkit.core.errors import DataError
from owlkit.datasets.own import Size, from_files
from owlkit.io.photographs import SUFFIXES, is_image

_TRAIN, _TEST = ("train", "training"), ("test", "val", "valid", "validation")

Labelled = list[tuple[Path, int]]


@dataclass(frozen=True)
class FolderSets:
    """What `from_folder` made.

    train, test : paths of LMDB sets for `L.Data(source=...)`; test is "" where nothing was put aside.
    classes : names by label. count, test_count : images. test_files : paths, in the order of the test set.
    """

    train: str
    test: str
    classes: list[str]
    count: int
    test_count: int
    test_files: list[str] = field(repr=False)

    def __repr__(self) -> str:
        named = ", ".join(f"{number} {name}" for number, name in enumerate(self.classes[:10]))
        more = f", and {len(self.classes) - 10} more" if len(self.classes) > 10 else ""
        return (
            f"{self.count:,} images to train on ({self.train}), {self.test_count:,} to test with "
            f"({self.test or 'none'})\nclasses: {named}{more}"
        )


def from_folder(
    folder: str | os.PathLike[str],
    to: str | os.PathLike[str] = ".",
    *,
    size: Size = 256,
    fit: str = "crop",
    test: float = 0.2,
    seed: int = 0,
) -> FolderSets:
    """Make LMDB sets of a folder that has a subfolder of photographs for each class.

    folder : where it has subfolders `train` and `test` (or `val`), these are the parts; otherwise a share
        `test` of each class is put aside, drawn with `seed`. to : where the sets go, named after the folder.
    size, fit : as for `from_files`. The order is random, by `seed`.
    Called again with the same files it gives what it has made. Raises DataError where there are no classes,
    or an image cannot be read.
    """
    root = Path(folder).expanduser()
    if not 0 <= test < 1:
        raise DataError(f"test is {test}: give the share of each class that is put aside, 0 to below 1")
    parts = {name: _subfolder(root, names) for name, names in (("train", _TRAIN), ("test", _TEST))}
    if parts["train"] is not None:
        classes = _classes(parts["train"])
        train = _files(parts["train"], classes)
        put_aside = _files(parts["test"], classes) if parts["test"] is not None else []
    else:
        classes = _classes(root)
        train, put_aside = _divided(_files(root, classes), len(classes), test, seed)
    made, rng = [], np.random.RandomState(seed)
    for part, listed in (("train", train), ("test", put_aside)):
        order = rng.permutation(len(listed))
        listed[:] = [listed[k] for k in order]
        path = Path(to).expanduser() / f"{root.resolve().name}_{part}_lmdb"
        files, labels = [file for file, _ in listed], [label for _, label in listed]
        made.append(from_files(path, files, labels, size=size, fit=fit) if listed else "")
    names = [str(file) for file, _ in put_aside]
    return FolderSets(made[0], made[1], classes, len(train), len(put_aside), names)


def _subfolder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _classes(root: Path) -> list[str]:
    """Subfolders, by name."""
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give one with a subfolder of images for each class")
    found = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not found:
        raise DataError(
            f"{root} has no subfolders: the photographs of a class lie in a subfolder that is called after "
            "it. With labels of your own: owlkit.datasets.from_files(path, files, labels)"
        )
    return found


def _files(root: Path, classes: list[str]) -> Labelled:
    listed: Labelled = []
    for label, name in enumerate(classes):
        within = sorted((root / name).rglob("*")) if (root / name).is_dir() else []
        listed += [(file, label) for file in within if is_image(file.name)]
    if not listed:
        raise DataError(f"the subfolders of {root} hold no images ({', '.join(sorted(SUFFIXES))})")
    return listed


def _divided(listed: Labelled, classes: int, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """What is trained on, and of each class what is put aside: one at least of two, none of a single one."""
    rng, train, put_aside = np.random.RandomState(seed), Labelled(), Labelled()
    for label in range(classes):
        own = [entry for entry in listed if entry[1] == label]
        order = rng.permutation(len(own))
        count = min(len(own) - 1, max(1, round(share * len(own)))) if share and own else 0
        put_aside += [own[k] for k in order[:count]]
        train += [own[k] for k in order[count:]]
    return train, put_aside
