"""Sets of one's own: arrays, image files, a folder of photographs; each becomes an LMDB set for a Data layer.

A set is made once. Called again with the same, as by a cell that is run again, these functions give the path
alone; with something else they replace the set that they made under that name before.
"""

from __future__ import annotations

import hashlib
import operator
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.core.progress import Progress
from owlkit.datasets.convert import checked_labels, write_images
from owlkit.datasets.store import make_set, read_manifest
from owlkit.io.datum import array_to_datum
from owlkit.io.photographs import fitted, open_image
from owlkit.io.records import Records
from owlkit.io.writer import RecordWriter

Size = int | tuple[int, int]
FITS = ("crop", "warp")
_FEW = 4  # more than so many are no channels, where it must be guessed


def from_arrays(
    path: str | os.PathLike[str], images: Any, labels: Any = None, *, shuffle: int | None = None
) -> str:
    """Write arrays as an LMDB set for `L.Data(source=...)`; returns its path.

    images : uint8, or floats (they take four times the room). (N, C, H, W) is stored as it is, (N, H, W) as
        one channel. (N, H, W, 3) are photographs in RGB, as Pillow and matplotlib have them; they are stored
        as Caffe's are, (3, H, W) in the order blue, green, red. labels : (N,) whole numbers; None: all 0.
    shuffle : seed of a random order; None keeps theirs. Training wants one, unless they come in one already.
    Raises DataError where these do not fit, a float is none, or something else lies at the path.
    """
    pixels, shuffle = _as_stored(images), _seed(shuffle)
    classes = checked_labels(np.zeros(len(pixels), np.int64) if labels is None else labels, len(pixels))
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    digest.update(np.ascontiguousarray(classes).tobytes())
    recipe = {
        "shape": list(pixels.shape),
        "dtype": str(pixels.dtype),
        "sha256": digest.hexdigest(),
        "shuffle": shuffle,
    }
    return _made(path, recipe, lambda at: write_images(at, pixels, classes, shuffle=shuffle))


def from_files(
    path: str | os.PathLike[str],
    files: Sequence[Any],
    labels: Sequence[int] | np.ndarray | None = None,
    *,
    size: Size = 256,
    fit: str = "crop",
    shuffle: int | None = None,
) -> str:
    """Write image files as an LMDB set for `L.Data(source=...)`; returns its path.

    files : paths. labels : a whole number for each; None: all 0. shuffle : as for `from_arrays`. Of pixels
        with 16 bits the high 8 are stored, of animations the first picture; transparency is left out.
    size : side of the squares that are stored, or (height, width); a pixel takes three bytes. fit : "crop"
        scales the shorter side and cuts out the middle, "warp" scales both.
    Records are (3, height, width) uint8 in the order blue, green, red, named after their number and file.
    Raises DataError, and writes nothing, where a file cannot be read, or something else lies at the path.
    """
    names = _names(files)
    given = [0] * len(names) if labels is None else list(labels)
    if len(given) != len(names) or not names:
        raise DataError(f"{len(names)} files and {len(given)} labels; give a label for each file")
    classes = checked_labels(given, len(names)).tolist()
    if fit not in FITS:
        raise DataError(f"fit is {fit!r}, expected 'crop' or 'warp'")
    height, width = _height_and_width(size)
    order = np.arange(len(names))
    if (shuffle := _seed(shuffle)) is not None:
        order = np.random.RandomState(shuffle).permutation(len(names))  # its stream never changes
    listed = hashlib.sha256(repr([(*_stamp(names[k]), classes[k]) for k in order]).encode())
    recipe = {"size": [height, width], "fit": fit, "sha256": listed.hexdigest()}

    def write(at: Path) -> dict[str, Any]:
        return _write_files(at, [(names[k], classes[k]) for k in order], height, width, fit)

    return _made(path, recipe, write)


def _names(files: Sequence[Any]) -> list[str]:
    single = isinstance(files, (str, bytes, os.PathLike))
    listed = [] if single else list(files)
    wrong = [files] if single else [file for file in listed if not isinstance(file, (str, os.PathLike))]
    if wrong:
        raise DataError(
            f"files is a list of paths, found {type(wrong[0]).__name__}; a folder of classes is taken by "
            "from_folder, pixels by from_arrays"
        )
    return [os.fspath(file) for file in listed]


def _height_and_width(size: Any) -> tuple[int, int]:
    """Of the images that are stored. Raises DataError where it is no number of pixels, nor two."""
    try:
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        found = operator.index(height), operator.index(width)
    except (TypeError, ValueError):
        found = (0, 0)
    if min(found) < 1:
        raise DataError(f"size is {size!r}: give the side of the squares, or (height, width), in pixels")
    return found


def _seed(shuffle: Any) -> int | None:
    """As a whole number of 32 bits, which any of NumPy's becomes."""
    try:
        if shuffle is None or 0 <= operator.index(shuffle) < 2**32:
            return None if shuffle is None else operator.index(shuffle)
    except TypeError:
        pass
    raise DataError(f"shuffle is {shuffle!r}: give the seed of the order, 0 to {2**32 - 1}, or None")


def _write_files(
    at: Path, entries: Sequence[tuple[str, int]], height: int, width: int, fit: str
) -> dict[str, Any]:
    line = Progress(verb="reading", what=f"{len(entries):,} images")
    try:
        with RecordWriter(at) as writer:
            for number, (name, label) in enumerate(entries):
                picture = fitted(open_image(name).convert("RGB"), height, width, warp=fit == "warp")
                image = np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1)[::-1])
                key = f"{number:08d}_".encode() + os.fsencode(Path(name).name)  # it may be no text
                writer.put(key, array_to_datum(image, label).SerializeToString())
                line.tick(f", {number + 1:,} done")
    finally:
        line.finish()
    return {"count": len(entries), "shape": [3, height, width], "sha256": writer.digest}


def _stamp(name: str) -> tuple[str, int, int]:
    """By which a file is known again: its name, size in bytes and time of the last change."""
    try:
        found = os.stat(name)
    except OSError as error:
        raise DataError(f"image file {name}: {error.strerror}; correct the path") from error
    return name, found.st_size, found.st_mtime_ns


def _made(path: str | os.PathLike[str], recipe: dict[str, Any], write: Callable[[Path], Any]) -> str:
    """The path of a set, which is written where it is not there as the recipe says."""
    target = Path(path).expanduser()
    name, folder = target.name, target.parent

    def make(staging: Path) -> dict[str, Any]:
        # Not earlier: another process may be putting the same set into its place until now.
        if target.exists() and not _is_ours(target, read_manifest(folder, name)):
            raise DataError(
                f"{target} is there already and was not made by owlkit.datasets.from_...: it was left alone; "
                "choose another name, or remove it"
            )
        return write(staging / name) | {"written": _written(staging / name)}

    make_set(folder, name, {"version": 1, **recipe}, make, holds=lambda manifest: _holds(target, manifest))
    return str(target)


def _written(target: Path) -> list[int] | None:
    """Size in bytes and time of the last change of a set's records; None where there are none."""
    try:
        found = (target / "data.mdb").stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _is_ours(target: Path, manifest: dict[str, Any] | None) -> bool:
    """Whether a set is what its manifest tells of, with nothing else put into its folder since."""
    if manifest is None or not target.is_dir():
        return False
    if not {path.name for path in target.iterdir()} <= {"data.mdb", "lock.mdb"}:
        return False
    return _holds(target, manifest)


def _holds(target: Path, manifest: dict[str, Any]) -> bool:
    """Whether the records are those that a manifest tells of. A copy's have another date, and are read."""
    return manifest.get("written") == _written(target) or manifest.get("sha256") == _digest(target)


def _digest(target: Path) -> str:
    """As RecordWriter's, of the records in the order of their keys; "" of what cannot be read."""
    digest = hashlib.sha256()
    try:
        for key, value in Records(target):
            digest.update(len(key).to_bytes(8, "little") + key + len(value).to_bytes(8, "little") + value)
    except DataError:
        return ""
    return digest.hexdigest()


def _as_stored(images: Any) -> np.ndarray:
    """(N, C, H, W) uint8 or float32."""
    try:
        array = np.asarray(images)
    except ValueError as error:  # of several sizes
        raise DataError(f"images are no array: {error}; bring them to one size, or see from_files") from None
    if array.dtype.kind not in "buif" or array.ndim not in (3, 4) or not array.size:
        raise DataError(
            f"images are numbers with axes (N, C, H, W), (N, H, W) or (N, H, W, 3), found {array.dtype} of "
            f"shape {array.shape}; image files are taken by from_files"
        )
    array = _bytes_or_floats(array)
    last = array.shape[-1]
    if array.ndim == 3 and last in (3, 4) and min(array.shape[:2]) > _FEW:
        raise DataError(
            f"an array {array.shape} is a single photograph, or {array.shape[0]} gray images {last} pixels "
            "wide: give array[None], or array[:, None]"
        )
    if array.ndim == 3:
        return array[:, None]
    if last == 4 and min(array.shape[1:3]) > _FEW:
        raise DataError(
            f"images of shape {array.shape} have a fourth channel, as of PNG files with transparency: give "
            "images[..., :3]; (N, C, H, W) of this width are written by owlkit.datasets.convert.write_images"
        )
    if last in (1, 3) and min(array.shape[1:3]) > _FEW:  # photographs
        array = array.transpose(0, 3, 1, 2)
        return array[:, ::-1] if last == 3 else array
    return array


def _bytes_or_floats(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            floats = array.astype(np.float32, copy=False)
        if not (finite := np.isfinite(floats)).all():
            where = tuple(int(k[0]) for k in np.nonzero(~finite))
            place = ", ".join(map(str, where))
            raise DataError(
                f"images[{place}] is {array[where]}, no number of float32, and no loss of it would be "
                "one; leave that image out, or give numpy.nan_to_num(images)"
            )
        return floats
    if array.dtype != np.uint8 and (array.min() < 0 or array.max() > 255):
        raise DataError(
            f"whole numbers are stored as bytes, 0 to 255, found {array.min()} to {array.max()}; give "
            "floats: images.astype('float32')"
        )
    return array.astype(np.uint8, copy=False)
