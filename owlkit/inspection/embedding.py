"""Images as points: their features in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.inspection.image_input import ImageInput, fitted, open_image
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.picture import Picture
from owlkit.inspection.progress import Progress
from owlkit.inspection.twin import Twin, batch_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

METHODS = ("tsne", "pca")
THUMBNAIL = 32  # pixels a side
PERPLEXITY = 30.0  # van der Maaten and Hinton 2008: 5 to 50
LEAST = 3


@dataclass(repr=False)
class Embedding(Picture):
    """points : (n, 2). features : (n, d). thumbnails : (n, 32, 32, 3) uint8. labels : or None."""

    layer: str
    method: str
    points: np.ndarray
    features: np.ndarray
    thumbnails: np.ndarray
    labels: list[Any] | None = None

    def figure(self, *, inches: float = 8, zoom: float = 0.7) -> Figure:
        """Thumbnails at their points; with labels a coloured frame for each of up to ten."""
        import matplotlib.pyplot as plt
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        figure, axes = plt.subplots(figsize=(inches, inches * 0.85), layout="constrained")
        colours = self._colours(plt.get_cmap("tab10"))
        for point, picture, colour in zip(self.points, self.thumbnails, colours, strict=True):
            frame = dict(
                edgecolor=colour or "none", facecolor="none", linewidth=2, boxstyle="square,pad=0.05"
            )
            image = OffsetImage(picture, zoom=zoom)
            axes.add_artist(AnnotationBbox(image, tuple(point), bboxprops=frame, pad=0))
        axes.scatter(self.points[:, 0], self.points[:, 1], s=1, alpha=0)
        axes.set(xticks=[], yticks=[], title=f"{len(self.points)} images by {self.layer}, {self.method}")
        axes.margins(0.06)
        plt.close(figure)
        return figure

    def _colours(self, palette: Any) -> list[Any]:
        if self.labels is None:
            return [None] * len(self.points)
        kinds = list(dict.fromkeys(self.labels))
        if len(kinds) > palette.N:
            return [None] * len(self.points)
        return [palette(kinds.index(label)) for label in self.labels]

    def __repr__(self) -> str:
        images, features = self.features.shape
        return f"Embedding({self.layer!r}, {self.method}, {images} images, {features} features)"


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
    method : "tsne" (van der Maaten and Hinton 2008, by scikit-learn, after PCA to 50) or "pca".
    labels : one per image, for the frames' colours. seed : of t-SNE; one seed, one picture.
    Raises DataError for fewer than three images, or labels of another number.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    prepare = prepare or ImageInput()
    images = ImageSource(source, limit)
    if len(images) < LEAST:
        raise DataError(f"{len(images)} images are too few to arrange; give {LEAST} or more")
    if labels is not None and len(labels) < len(images):
        raise DataError(f"{len(labels)} labels for {len(images)} images; give one per image")
    twin = Twin(net, batch_for(net, len(images)))
    name = twin.layer_of(layer)
    line = Progress(progress, "looking at", f"{len(images)} images")
    features: list[np.ndarray] = []
    pictures: list[np.ndarray] = []
    for batch in images.batches(prepare, twin.shape):
        features.extend(twin.run(batch, name).reshape(len(batch), -1))
        pictures.extend(_thumbnail(prepare.restore(image)) for image in batch)
        line.tick(f", {len(features)} done")
    line.finish()
    table = np.stack(features)
    given = list(labels[: len(table)]) if labels is not None else None
    return Embedding(layer, method, _arrange(table, method, seed), table, np.stack(pictures), given)


def _thumbnail(image: np.ndarray) -> np.ndarray:
    return np.asarray(fitted(open_image(image), THUMBNAIL, THUMBNAIL).convert("RGB"))


def _arrange(features: np.ndarray, method: str, seed: int) -> np.ndarray:
    """(n, 2) float64."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    table = np.asarray(features, np.float64)
    if method == "pca":
        return np.asarray(PCA(2, random_state=seed).fit_transform(table))
    most = min(50, *table.shape)
    reduced = PCA(most, random_state=seed).fit_transform(table) if table.shape[1] > most else table
    perplexity = min(PERPLEXITY, (len(table) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(tsne.fit_transform(reduced), np.float64)
