"""A folder of photographs, a subfolder for each class, as two sets: one to train on, one to test with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from owlkit.core.errors import DataError
from owlkit.datasets.own import Size, from_files
from owlkit.io.photographs import SUFFIXES, images_beneath

_VAL = ("val", "valid", "validation")
_TRAIN, _TEST = ("train", "training"), ("test", *_VAL)

Labelled = list[tuple[Path, int]]


@dataclass(frozen=True)
class FolderSets:
    """What `from_folder` made.

    train, test : paths of LMDB sets for `L.Data(source=...)`; test is "" where nothing was put aside.
    classes : names by label. count, test_count : images. test_files : paths, in the order of the test set.
    val, val_count : a third set, where the folder has `val` beside `test`; else "" and 0.
    """

    train: str
    test: str
    classes: list[str]
    count: int
    test_count: int
    test_files: list[str] = field(repr=False)
    val: str = ""
    val_count: int = 0

    def __repr__(self) -> str:
        named = ", ".join(f"{number} {name}" for number, name in enumerate(self.classes[:10]))
        more = f", and {len(self.classes) - 10} more" if len(self.classes) > 10 else ""
        third = f", {self.val_count:,} to validate with ({self.val})" if self.val else ""
        return (
            f"{self.count:,} images to train on ({self.train}), {self.test_count:,} to test with "
            f"({self.test or 'none'}){third}\nclasses: {named}{more}"
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

    folder : where it has subfolders `train` and `test` (or `val`) that have those of the classes, these are
        the parts, with `val` beside `test` as a third; otherwise a share `test` of each class is put aside,
        drawn with `seed`. Subfolders without photographs, hidden ones and sets of records are no classes.
    to : where the sets go, named after the folder.
    size, fit : as for `from_files`. The order is random, by `seed`.
    Called again with the same files it gives what it has made. Raises DataError where there are no classes,
    one is tested that is not trained, or an image cannot be read.
    """
    root = Path(folder).expanduser()
    if not 0 <= test < 1:
        raise DataError(f"test is {test}: give the share of each class that is put aside, 0 to below 1")
    training, testing = _parts(root)
    if training is not None:
        classes, train = _read(training)
        put_aside = _of_these(testing, classes) if testing is not None else []
        third = _third(root, testing, classes)
    else:
        classes, listed = _read(root)
        train, put_aside = _divided(listed, len(classes), test, seed)
        third = []
    made, rng = [], np.random.RandomState(seed)
    for part, listed in (("train", train), ("test", put_aside), ("val", third)):
        order = rng.permutation(len(listed))
        listed[:] = [listed[k] for k in order]
        path = Path(to).expanduser() / f"{root.resolve().name}_{part}_lmdb"
        files, labels = [file for file, _ in listed], [label for _, label in listed]
        made.append(from_files(path, files, labels, size=size, fit=fit) if listed else "")
    names = [str(file) for file, _ in put_aside]
    return FolderSets(made[0], made[1], classes, len(train), len(put_aside), names, made[2], len(third))


def _parts(root: Path) -> tuple[Path | None, Path | None]:
    """The folders to train on and to test with; (None, None) where `train` is a class, or is not there."""
    training, testing = (
        next((root / name for name in names if (root / name).is_dir()), None) for names in (_TRAIN, _TEST)
    )
    others = set(_subfolders(root)) - {*_TRAIN, *_TEST} if training is not None else set()
    if training is None or (others and not _subfolders(training)):
        return None, None
    return training, testing


def _third(root: Path, testing: Path | None, classes: list[str]) -> Labelled:
    """The images of `val`, where another folder is tested with and it holds any."""
    found = next((root / name for name in _VAL if (root / name).is_dir()), None)
    return _of_these(found, classes) if found not in (None, testing) and images_beneath(found) else []


def _subfolders(root: Path) -> list[str]:
    """By name, without hidden ones and sets of records, which may have been made beside the classes."""
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give one with a subfolder of images for each class")
    found = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(path.name for path in found if not (path / "data.mdb").exists())


def _read(root: Path) -> tuple[list[str], Labelled]:
    """Classes, by name, and the images of each."""
    found = _subfolders(root)
    if not found:
        raise DataError(
            f"{root} has no subfolders: the photographs of a class lie in a subfolder that is called after "
            "it. With labels of your own: owlkit.datasets.from_files(path, files, labels)"
        )
    within = {name: images_beneath(root / name) for name in found}
    classes = [name for name, files in within.items() if files]
    if not classes:
        raise DataError(f"the subfolders of {root} hold no images ({', '.join(sorted(SUFFIXES))})")
    return classes, [(file, label) for label, name in enumerate(classes) for file in within[name]]


def _of_these(root: Path, classes: list[str]) -> Labelled:
    """The images to test with, by the labels of those to train on."""
    found, listed = _read(root)
    if unknown := [name for name in found if name not in classes]:
        raise DataError(
            f"{root / unknown[0]} is no class to train on, of which there are {', '.join(classes[:10])}; "
            "call both alike, or move it away"
        )
    return [(file, classes.index(found[label])) for file, label in listed]


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
