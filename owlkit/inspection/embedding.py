"""Images as points: their features in two dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core import frontends
from owlkit.core.errors import DataError
from owlkit.core.progress import Progress
from owlkit.inspection.arrangement import METHODS, arrange
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.picture import Picture, closed_figure
from owlkit.inspection.twin import Twin, batch_for
from owlkit.io.photographs import fitted, open_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

THUMBNAIL = 32  # pixels a side
LEAST = 3
# Okabe and Ito 2008, which the colour-blind can tell apart, without yellow, which white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


@dataclass(frozen=True)
class Features:
    """What a layer says of images. table : (n, d). thumbnails : (n, 32, 32, 3) uint8. numbers : (n,), which
    images of the source these are.
    """

    layer: str
    table: np.ndarray
    thumbnails: np.ndarray
    numbers: np.ndarray


def gather(
    net: Net,
    images: ImageSource,
    layer: str,
    prepare: ImageInput,
    on_images: Callable[[int], None] = lambda seen: None,
) -> Features:
    """Run the images. on_images : told how many are done; what it raises ends the work.

    Images that cannot be read are left out. Raises NetError for an unknown layer, DataError where none can be
    read.
    """
    twin = Twin(net, batch_for(net, len(images)))
    name = twin.layer_of(layer)
    features: list[np.ndarray] = []
    pictures: list[np.ndarray] = []
    numbers: list[np.ndarray] = []
    for some, batch in images.batches(prepare, twin.shape):
        features.extend(twin.run(batch, name).reshape(len(batch), -1))
        pictures.extend(_thumbnail(prepare.restore(image)) for image in batch)
        numbers.append(some)
        on_images(len(features))
    return Features(layer, np.stack(features), np.stack(pictures), np.concatenate(numbers))


class Embedding(Picture):
    """net, source, prepare : whose images these are. labels : one per image, or None. found : their features.

    Points are arranged when they are asked for, by `method`.
    """

    frontend_kind = "embedding"

    def __init__(
        self,
        net: Net,
        source: ImageSource,
        found: Features,
        *,
        method: str = "tsne",
        labels: Sequence[Any] | None = None,
        prepare: ImageInput | None = None,
        seed: int = 0,
    ) -> None:
        self.net, self.source, self.found = net, source, found
        self.method, self.labels, self.seed = method, labels, seed
        self.prepare = prepare or input_of(net)
        self._arranged: dict[tuple[str, str], np.ndarray] = {}

    @property
    def layer(self) -> str:
        return self.found.layer

    @property
    def features(self) -> np.ndarray:
        """(n, d)."""
        return self.found.table

    @property
    def thumbnails(self) -> np.ndarray:
        """(n, 32, 32, 3) uint8."""
        return self.found.thumbnails

    @property
    def points(self) -> np.ndarray:
        """(n, 2)."""
        known = self._arranged.get((self.layer, self.method))
        if known is None:
            known = arrange(self.features, self.method, self.seed)
            self.keep(known, self.method)
        return known

    def keep(self, points: np.ndarray, method: str) -> None:
        """Points (n, 2) of the present features that somebody else has arranged."""
        self._arranged[self.layer, method] = points

    def arranged(self, method: str) -> np.ndarray | None:
        """(n, 2) as far as that has been done for the present features."""
        return self._arranged.get((self.layer, method))

    def figure(self, *, inches: float = 8, zoom: float = 0.7) -> Figure:
        """Thumbnails at their points; with up to seven labels a coloured frame for each."""
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        figure, axes = closed_figure(figsize=(inches, inches * 0.85), layout="constrained")
        kinds = list(dict.fromkeys(self.labels)) if self.labels is not None else []
        coloured = dict(zip(kinds, PALETTE, strict=False)) if len(kinds) <= len(PALETTE) else {}
        labels = self.labels if self.labels is not None else [None] * len(self.points)
        for point, picture, label in zip(self.points, self.thumbnails, labels, strict=False):
            colour = coloured.get(label, "none")
            frame = dict(edgecolor=colour, facecolor="none", linewidth=2, boxstyle="square,pad=0.05")
            image = OffsetImage(picture, zoom=zoom)
            axes.add_artist(AnnotationBbox(image, tuple(point), bboxprops=frame, pad=0))
        axes.scatter(self.points[:, 0], self.points[:, 1], s=1, alpha=0)
        for label, colour in coloured.items():
            axes.plot([], [], "s", markerfacecolor="none", markeredgecolor=colour, label=str(label))
        if coloured:
            axes.legend(fontsize=8, loc="best")
        axes.set(xticks=[], yticks=[], title=f"{len(self.points)} images by {self.layer}, {self.method}")
        axes.set_xlabel(self.source.remark, fontsize=8, wrap=True)
        axes.margins(0.06)
        return figure

    def __repr__(self) -> str:
        images, features = self.features.shape
        remark = f"; {self.source.remark}" if self.source.remark else ""
        return f"Embedding({self.layer!r}, {self.method}, {images} images, {features} features{remark})"


def show_embedding(
    net: Net,
    source: Any,
    layer: str,
    *,
    method: str = "tsne",
    labels: Sequence[Any] | None = None,
    prepare: ImageInput | None = None,
    limit: int | None = 500,
    seed: int = 0,
    progress: bool = True,
) -> Embedding:
    """Place images such that those with similar features in `layer` lie close together.

    source : folder of images, LMDB set or a sequence, see ImageSource; limit : so many of them at most.
    method : "tsne" (van der Maaten and Hinton 2008, after PCA to 50; see `arrangement`) or "pca".
    labels : one per image, for the frames' colours; by default those of an LMDB set, or the subfolders' names
    where the folder has images in subfolders only. seed : of t-SNE; one seed, one picture.
    Images that cannot be read are left out with their labels, counted and named.
    In a notebook with the widgets it is a live view: other layers and methods, images close up, classes
    counted within a lasso.
    Raises DataError for fewer than three images, or labels of another number.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    prepare = prepare or input_of(net)
    images = ImageSource(source, limit)
    if len(images) < LEAST:
        raise DataError(f"{len(images)} images are too few to arrange; give {LEAST} or more")
    if labels is not None and len(labels) < len(images):
        raise DataError(f"{len(labels)} labels for {len(images)} images; give one per image")
    line = Progress(progress, "looking at", f"{len(images)} images")
    try:
        found = gather(net, images, layer, prepare, lambda seen: line.tick(f", {seen} done"))
    finally:
        line.finish()
    if len(found.table) < LEAST:
        raise DataError(f"{len(found.table)} images are too few to arrange; {images.remark}")
    numbers = found.numbers.tolist()
    given = [labels[number] for number in numbers] if labels is not None else images.labels(numbers)
    made = Embedding(net, images, found, method=method, labels=given, prepare=prepare, seed=seed)
    if not frontends.shows(made):
        made.keep(arrange(found.table, method, seed), method)
    return made


def _thumbnail(image: np.ndarray) -> np.ndarray:
    return np.asarray(fitted(open_image(image), THUMBNAIL, THUMBNAIL).convert("RGB"))
