"""Writing an LMDB set from image files and a list of their labels, as Caffe's convert_imageset does."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.datum import array_to_datum, decode, encoded_datum
from owlkit.io.files import read_bytes
from owlkit.io.images import read_image_list, resize
from owlkit.io.writer import RecordWriter

JPEG_QUALITY = 95  # OpenCV's, with which Caffe encodes
FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "bmp": "BMP", "tif": "TIFF", "tiff": "TIFF"}
FORMATS |= {"webp": "WEBP", "ppm": "PPM", "pgm": "PPM"}


@dataclass(frozen=True)
class Conversion:
    """How images become records.

    color : three channels (BGR), or one. height, width : to resize to, as OpenCV's bilinear does; 0 keeps an
    image's size. check_size : whether all must have the shape of the first. encoded : keep the images as
    files; encode_type : of this type ("png", "jpg"), or "" for that of each file.
    shuffle : seed of a random order; None keeps the list's.
    """

    color: bool = True
    height: int = 0
    width: int = 0
    check_size: bool = False
    encoded: bool = False
    encode_type: str = ""
    shuffle: int | None = None

    def __post_init__(self) -> None:
        if bool(self.height) != bool(self.width):
            raise DataError(f"height {self.height} and width {self.width}: give both to resize, or neither")
        if self.encode_type and self.encode_type.lower() not in FORMATS:
            raise DataError(f"encode type {self.encode_type!r}: use one of {', '.join(FORMATS)}")


@dataclass
class Converted:
    """What was written. shapes : (C, H, W) -> images of it; empty for encoded ones. skipped : unreadable."""

    count: int = 0
    shapes: dict[tuple[int, ...], int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def read_list(root: str, source: str | Path, shuffle: int | None) -> list[tuple[str, str, int]]:
    """(path, name, label) for each line `name label` of a list, in the order of the set.

    root : put before each name; a slash is added where it is a folder. Raises DataError as
    `read_image_list`.
    """
    names, labels = read_image_list(source)
    if root and not root.endswith("/") and Path(root).is_dir():
        root += "/"
    order = np.arange(len(names))
    if shuffle is not None:
        order = np.random.RandomState(shuffle).permutation(len(names))  # its stream never changes
    return [(root + names[i], names[i], int(labels[i])) for i in order]


def convert_images(
    entries: list[tuple[str, str, int]],
    target: str | Path,
    conversion: Conversion,
    *,
    overwrite: bool = False,
    on_image: Callable[[], None] = lambda: None,
    on_skip: Callable[[str], None] | None = None,
) -> Converted:
    """Write the set; its keys are Caffe's: eight digits, `_`, the name.

    entries : see `read_list`. on_image : called after each. on_skip : called with the reason for each image
    that cannot be read, and is left out; None makes that an error.
    Raises DataError, and leaves nothing behind, where an image cannot be read, differs in size with
    check_size, or the set cannot be written.
    """
    done = Converted()
    with RecordWriter(target, overwrite=overwrite) as writer:
        for number, (path, name, label) in enumerate(entries):
            try:
                datum, shape = make_datum(path, label, conversion)
            except DataError as error:
                if on_skip is None:
                    error.add("such images can be left out (--skip_unreadable, on_skip=...)")
                    raise
                done.skipped.append(name)
                on_skip(str(error))
                continue
            finally:
                on_image()
            done.shapes[shape] = done.shapes.get(shape, 0) + 1
            if conversion.check_size and len(done.shapes) > 1:
                first = next(iter(done.shapes))
                raise DataError(
                    f"{path} has shape (C, H, W) = {shape}, the images before it {first}; resize them"
                )
            writer.put(f"{number:08d}_{name}", datum.SerializeToString())
            done.count += 1
        if not done.count:
            raise DataError(f"not one of the {len(entries)} images can be read; is the root folder right?")
    return done


def make_datum(path: str, label: int, conversion: Conversion) -> tuple[Any, tuple[int, ...]]:
    """The Datum of an image file, and the (C, H, W) of the image in it. Raises DataError naming the file."""
    content = read_bytes(path, "image file")
    image = decode(content, path=path, color=conversion.color, gray=not conversion.color)
    if conversion.height:
        image = resize(image, conversion.height, conversion.width)
    if not (conversion.encoded or conversion.encode_type):
        return array_to_datum(image, label), image.shape
    suffix = path.rpartition(".")[2].lower()
    wanted = conversion.encode_type.lower() or suffix
    # A file that is already what is asked for is stored as it is. Caffe does so whatever its channels are,
    # and then fails over the one gray photograph among the coloured.
    same = FORMATS.get(wanted) == FORMATS.get(suffix, suffix) and channels_of(content) == image.shape[0]
    if same and not conversion.height:
        return encoded_datum(content, label), image.shape
    return encoded_datum(encode(image, wanted, path), label), image.shape


def channels_of(content: bytes) -> int:
    """Channels that a layer without force_color or force_gray will find in an image file."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return {"1": 1, "L": 1, "RGBA": 4}.get(image.mode, 3)


def encode(image: np.ndarray, kind: str, path: str) -> bytes:
    """An image, (1 or 3, H, W) uint8 (BGR), as a file of type `kind`. Raises DataError for an unknown one."""
    from PIL import Image

    if kind not in FORMATS:
        raise DataError(f"{path}: images of type {kind!r} cannot be written; give encode_type, e.g. png")
    pixels = image[0] if image.shape[0] == 1 else image[::-1].transpose(1, 2, 0)
    stream = io.BytesIO()
    options = {"quality": JPEG_QUALITY} if FORMATS[kind] == "JPEG" else {}
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, FORMATS[kind], **options)
    return stream.getvalue()
