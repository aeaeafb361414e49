"""Which files of a folder are images."""

from __future__ import annotations

from pathlib import Path

from owlkit.core.errors import DataError
from owlkit.io.photographs import SUFFIXES, images_beneath, is_image


def files_in(path: Path) -> tuple[list[Path], bool]:
    """The folder's own image files by name, and False; where it has none, those of its subfolders, and True.

    So a folder of photographs means the photographs, whatever else is kept beneath it, and a folder of
    synsets all their images, subfolder by subfolder. Raises DataError where there are none.
    """
    if not path.is_dir():
        missing = "does not exist" if not path.exists() else "is no folder of images and no LMDB set"
        raise DataError(f"{path} {missing}; a single image goes into a list: [{path.name!r}]")
    files = sorted(file for file in path.iterdir() if is_image(file.name))
    if files:
        return files, False
    files = images_beneath(path)
    if not files:
        endings = ", ".join(sorted(SUFFIXES))
        raise DataError(f"{path} has no image files, and no subfolder of it has any ({endings})")
    return files, True
