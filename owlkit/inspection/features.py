"""What a blob of a net says of many images, as one array."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from owlkit.core.errors import DataError, NetError
from owlkit.core.progress import Progress
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.twin import Twin, batch_for

if TYPE_CHECKING:
    from owlkit.net import Net


class ImageFeatures(NamedTuple):
    """values : (N, ...) float32, a blob for each of N images. names : of the images, in the same order."""

    values: np.ndarray
    names: list[str]


def features(
    net: Net,
    source: Any,
    blob: str,
    *,
    prepare: ImageInput | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> ImageFeatures:
    """Run images through a net and keep a blob of each: `x, names = owl.features(net, "photos/", "fc7")`.

    source : a folder of images, a list (of files, uint8 arrays, PIL images or prepared arrays), or an LMDB
        set; see ImageSource. limit : so many of them at most.
    blob : (N, ...), as it is after the layers in place on it, ReLU say, as pycaffe's `net.blobs` holds it and
        `owlkit extract-features` writes it; of a layer whose name no blob has, its first top. (The figures
        take "fc7" as the layer, before a ReLU in place.)
    prepare : how photographs become input; by default as the net's data layer does it.
    progress : a line of text where it takes long. Ctrl-C ends it, and the net can be used as before: a twin
        with its weights, in test phase and with a batch of its own length, does the work.
    names : as they were given, for a list of files; files of a folder are called after their place in it,
        records by their key, other images by their number.
    Images that cannot be read are left out; a UserWarning counts and names them.
    Raises NetError for an unknown blob or one without an axis for images, DataError where there are no images
    or none can be read.
    """
    images = ImageSource(source, limit)
    if not len(images):
        raise DataError("there are no images to run; give at least one")
    values, names = _gathered(net, images, blob, prepare or input_of(net), progress)
    if images.remark:
        warnings.warn(images.remark, stacklevel=2)
    return ImageFeatures(values, names)


def _gathered(
    net: Net, images: ImageSource, blob: str, prepare: ImageInput, progress: bool
) -> tuple[np.ndarray, list[str]]:
    twin = Twin(net, batch_for(net, len(images)))
    values = np.empty((len(images), *_shape(twin, blob)[1:]), np.float32)
    names: list[str] = []
    line = Progress(progress, "running", f"{len(images):,} images")
    try:
        for numbers, found in _batches(twin, images, blob, prepare):
            values[len(names) : len(names) + len(found)] = found
            names += [_name(images, number) for number in numbers.tolist()]
            line.tick(f", {len(names):,} done")
    finally:
        line.finish()
    return values[: len(names)], names


def _batches(
    twin: Twin, images: ImageSource, blob: str, prepare: ImageInput
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers (n,) of images, and their values (n, ...)."""
    layer, name = _place(twin, blob)
    for numbers, batch in images.batches(prepare, twin.shape):
        twin.run(batch, layer)
        yield numbers, twin.net.blobs[name].data[: len(batch)]


def _place(twin: Twin, blob: str) -> tuple[str, str]:
    """The layer that writes a blob last, and the blob's name."""
    writers = [layer for layer, tops in twin.net.top_names.items() if blob in tops]
    if writers:
        return writers[-1], blob
    layer = twin.layer_of(blob)
    tops = twin.net.top_names[layer]
    if not tops:
        raise NetError(f"{layer}: this layer has no top to keep; name a blob or a layer that makes one")
    return layer, tops[0]


def _shape(twin: Twin, blob: str) -> tuple[int, ...]:
    """(N, ...) of a blob, N the length of a batch."""
    shape, count = twin.net.blobs[_place(twin, blob)[1]].shape, twin.shape[0]
    if not shape or shape[0] != count:
        raise NetError(
            f"{blob}: its shape is {shape}, expected ({count}, ...), an entry for each of {count} images; "
            "name a blob that has one"
        )
    return shape


def _name(images: ImageSource, number: int) -> str:
    item = images.given(number)
    return os.fspath(item) if isinstance(item, (str, os.PathLike)) else images.name(number)
