"""What a net says of images: `net.predict`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core import frontends
from owlkit.core.errors import DataError, NetError
from owlkit.core.progress import Progress
from owlkit.inspection.image_input import ImageInput, input_of, is_told
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.prediction import Labels, Prediction, predict, probability_layer, read_labels
from owlkit.inspection.predictions import Predictions
from owlkit.inspection.twin import Twin, batch_for
from owlkit.io.photographs import is_image

if TYPE_CHECKING:
    from owlkit.net import Net


def predictions(
    net: Net,
    images: Any,
    *,
    truth: Sequence[int] | np.ndarray | None = None,
    labels: Labels | None = None,
    prepare: ImageInput | None = None,
    top: int = 5,
    limit: int | None = None,
    progress: bool = True,
) -> Prediction | Predictions:
    """What the net says of an image, or of many; documented at `Net.predict`."""
    names = read_labels(labels)
    one = _is_one(images, net)
    if one and truth is not None:
        raise DataError("truth is for several images; of one give lists: predict([image], truth=[label])")
    source = ImageSource([images] if one else _listed(images), limit)
    if not len(source):
        raise DataError("there are no images to run; give at least one")
    if prepare is None and not is_told(net) and not _is_prepared(source):
        frontends.remark(
            f"{net.name or 'the net'} does not say how its images are prepared: they go in as they are, 0 to "
            "255, blue first. If it was trained on others, give prepare=owlkit.ImageInput(mean=..., "
            "scale=...)"
        )
    prepare = prepare or input_of(net)
    twin = Twin(net, batch_for(net, len(source)))
    numbers, values = _run(twin, source, prepare, progress)
    if one:
        return predict(values[0], names, softmax=False, k=top)

    def image(index: int) -> np.ndarray:
        return prepare.restore(prepare(source[numbers[index]], twin.shape))

    called, known = [source.name(k) for k in numbers], _truth(source, numbers, truth, names)
    return Predictions(values, called, names, known, image, top=top, remark=source.remark)


def _is_prepared(source: ImageSource) -> bool:
    """Whether the first image is an array of floats, which counts as prepared."""
    first = source.given(0)
    return isinstance(first, np.ndarray) and first.dtype.kind == "f"


def _is_one(images: Any, net: Net) -> bool:
    """Whether a single image is given: no list of them, folder or set. Bytes (3, H, W) are planes of one for
    a net of three channels, and three for one of gray images."""
    if isinstance(images, np.ndarray):
        tops = [top for node in net.graph.nodes if not node.bottom for top in node.top]
        channels = next((top.shape[1] for top in tops if len(top.shape) == 4), 0)
        stacked = images.dtype == np.uint8 and images.ndim == 3 and images.shape[0] != channels
        return images.ndim < 4 and not (stacked and images.shape[2] not in (1, 3, 4))
    if isinstance(images, (str, os.PathLike)):
        return is_image(os.path.basename(images)) and not os.path.isdir(images)
    return hasattr(images, "convert")  # a PIL image


def _listed(images: Any) -> Any:
    """Arrays (N, ...), and what can be gone through once, as a list, so that an item is an image."""
    if isinstance(images, (str, os.PathLike, Sequence)):
        return images
    if isinstance(images, Iterable):
        return list(images)
    raise DataError(
        f"images are one (a path, a PIL image, an array), a list of these, a folder or a set, found "
        f"{type(images).__name__}"
    )


def _run(
    twin: Twin, source: ImageSource, prepare: ImageInput, progress: bool
) -> tuple[list[int], np.ndarray]:
    """Numbers of the images that could be read, and probabilities (n, classes)."""
    found = probability_layer(twin.net.graph)
    if found is None:
        raise NetError(
            f"{twin.net.name or 'the net'} has no Softmax and no SoftmaxWithLoss: it gives no probabilities; "
            "owlkit.features(net, images, blob) keeps any blob"
        )
    numbers: list[int] = []
    parts: list[np.ndarray] = []
    line = Progress(progress, "running", f"{len(source):,} images")
    try:
        for counted, values in _batches(twin, source, prepare, *found):
            numbers += counted
            parts.append(values)
            line.tick(f", {len(numbers):,} done")
    finally:
        line.finish()
    return numbers, np.concatenate(parts)


def _batches(
    twin: Twin, source: ImageSource, prepare: ImageInput, layer: str, blob: str, softmax: bool
) -> Iterator[tuple[list[int], np.ndarray]]:
    for numbers, batch in source.batches(prepare, twin.shape):
        twin.run(batch, layer)
        scores = np.array(twin.net.blobs[blob].data[: len(batch)], np.float32)
        if scores.size != scores.shape[0] * scores.shape[1]:
            raise NetError(f"{blob}: a value per class and place, {scores.shape}: the net does not classify")
        scores = scores.reshape(len(batch), -1)
        if softmax:
            scores = np.exp(scores - scores.max(1, keepdims=True))
            scores /= scores.sum(1, keepdims=True)
        yield numbers.tolist(), scores


def _truth(
    source: ImageSource, numbers: list[int], given: Any, names: Sequence[str] | None
) -> np.ndarray | None:
    """The right class of each image, where it is known: given, a record's label, the name of a subfolder."""
    if given is not None:
        return _given_truth(given, names, source)[numbers]
    found = source.labels(numbers)
    if found is None:
        return None
    if not all(isinstance(label, str) for label in found):
        return np.array(found, np.int64)
    if names is None or not set(found) <= set(names):
        return None  # subfolders with names of which nobody says what number they are
    return np.array([list(names).index(label) for label in found], np.int64)


def _given_truth(given: Any, names: Sequence[str] | None, source: ImageSource) -> np.ndarray:
    """One (count,) int64 for each image, of numbers or of names of classes."""
    labels = np.asarray(given).ravel()
    if len(labels) not in (len(source), source.available):  # all of them will do where limit leaves some out
        raise DataError(f"truth has {len(labels)} labels for {len(source)} images; give one for each")
    if labels.dtype.kind in "US":
        if unknown := sorted(set(labels.tolist()) - set(names or ())):
            raise DataError(
                f"truth has the name {unknown[0]!r}, which is none of labels=; give these, the names of the "
                "classes in the net's order, or truth in numbers"
            )
        return np.array([list(names or ()).index(name) for name in labels.tolist()], np.int64)
    if labels.dtype.kind not in "iubf" or (labels != np.floor(labels)).any():
        raise DataError(f"truth is the number of the right class of each image, found {labels[:5]}")
    return labels.astype(np.int64)
