"""What a net said of many images, and where it was wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import DataError, NetError
from owlkit.inspection.picture import Picture, closed_figure
from owlkit.inspection.prediction import predict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED = 30  # classes whose names and counts a figure has room for
SHOWN = 12  # mistakes in a figure
_COLUMNS = 4


class Predictions(Picture):
    """Probabilities of many images, (N, classes) float32; `p[k]` is the Prediction of one, `p[:3]` a list.

    names : of the images. labels : of the classes, or None. truth : (N,) int64, the right classes, or None
    where none is known; of an image with a negative one (a loss's ignore_label) it is not, and it is not
    counted. best : (N,) int64, the likeliest classes. Where the truth is known: accuracy; confusion,
    (classes, classes) int64, images of class i that were taken for j; wrong, numbers of the images that were,
    the surest mistake first.
    The figure shows the confusion and the surest mistakes.
    """

    def __init__(
        self,
        probabilities: np.ndarray,
        names: list[str],
        labels: Sequence[str] | None,
        truth: np.ndarray | None,
        image: Callable[[int], np.ndarray],
        *,
        top: int = 5,
        remark: str = "",
    ) -> None:
        """image : gives one of the images, by number, as the net got it: uint8 (H, W, 3) or (H, W).
        top : classes of a Prediction. remark : what else is to be said, such as of images left out."""
        self.probabilities, self.names = probabilities, names
        self.truth = truth if truth is not None and (truth >= 0).any() else None
        self.labels = list(labels) if labels is not None else None
        self.image, self.remark, self._top = image, remark, top
        classes = probabilities.shape[1]
        if self.labels is not None and len(self.labels) < classes:
            raise NetError(
                f"the net has {classes} classes, but there are {len(self.labels)} labels; give all"
            )
        if truth is not None and len(truth) and truth.max() >= classes:
            raise DataError(
                f"labels go from {truth.min()} to {truth.max()}, but the net tells {classes} classes apart; "
                "give the truth in the net's numbers"
            )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[k] for k in range(len(self))[index]]
        return predict(self.probabilities[index], self.labels, softmax=False, k=self._top)

    @cached_property
    def best(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(1))

    @property
    def accuracy(self) -> float:
        """Share of images whose likeliest class is the right one."""
        return float((self.best == self._known)[self._known >= 0].mean())

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes) int64: rows are right classes, columns what the net said."""
        classes = self.probabilities.shape[1]
        pairs = (self._known * classes + self.best)[self._known >= 0]
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)

    @property
    def wrong(self) -> np.ndarray:
        """(n,) int64, numbers of the images that were taken for something else, the surest mistake first."""
        mistaken = np.flatnonzero((self.best != self._known) & (self._known >= 0))
        return mistaken[np.argsort(-self.probabilities[mistaken].max(1), kind="stable")]

    @property
    def _known(self) -> np.ndarray:
        if self.truth is None:
            raise DataError(
                "the right classes are not known: give truth=, a number for each image; or a set of records, "
                "or a folder with subfolders and labels=, their names in the net's order"
            )
        return self.truth

    def class_name(self, number: int) -> str:
        return self.labels[number] if self.labels is not None else f"class {number}"

    def __repr__(self) -> str:
        count = f"{len(self):,} image{'s' * (len(self) != 1)}, {self.probabilities.shape[1]:,} classes"
        told = [self.remark] if self.remark else []
        if self.truth is not None:
            told.append(f"{self.accuracy:.1%} right, {len(self.wrong):,} wrong")
        lines = [f"Predictions({', '.join([count, *told])})"]
        for name, p in list(zip(self.names, self.probabilities, strict=True))[:5]:
            lines.append(f"  {name}: {self.class_name(int(p.argmax()))} {p.max():.1%}")
        return "\n".join([*lines, "  ..."] if len(self) > 5 else lines)

    def figure(self) -> Figure:
        """Confusion and the surest mistakes; without the truth the first images with what was said."""
        shown = self.wrong[:SHOWN] if self.truth is not None else np.arange(min(SHOWN, len(self)))
        rows = max(2, -(-len(shown) // _COLUMNS))
        figure, axes = closed_figure(
            rows, 2 * _COLUMNS, squeeze=False, figsize=(11, 1.55 * rows + 0.6), layout="constrained"
        )
        left, right = axes[:, :_COLUMNS], axes[:, _COLUMNS:]
        grid = axes[0, 0].get_gridspec()
        for axis in left.flat:
            axis.remove()
        self._draw_summary(figure.add_subplot(grid[:, :_COLUMNS]))
        for axis in right.flat:
            axis.set_axis_off()
        for axis, index in zip(right.flat, shown, strict=False):
            self._draw_image(axis, int(index))
        return figure

    def _draw_summary(self, axis: Any) -> None:
        if self.truth is None:
            counts = np.bincount(self.best, minlength=self.probabilities.shape[1])
            order = np.argsort(-counts, kind="stable")[:MOST_NAMED]
            axis.barh(range(len(order)), counts[order], color="#0072b2")
            axis.set_yticks(range(len(order)), [self.class_name(int(k)) for k in order], fontsize=8)
            axis.invert_yaxis()
            axis.set_xlabel("images that are taken for it")
            return
        matrix = self.confusion
        shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axis.set(xlabel="said", ylabel="right", title=f"{self.accuracy:.1%} of {matrix.sum():,} right")
        count = len(matrix)
        if count > MOST_NAMED:
            return
        names = [self.class_name(k) if self.labels is not None else str(k) for k in range(count)]
        turned = dict(rotation=45, ha="right") if max(map(len, names)) > 2 else {}
        axis.set_xticks(range(count), names, fontsize=8, **turned)
        axis.set_yticks(range(count), names, fontsize=8)
        for row, column in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, matrix[row, column], ha="center", va="center", color=colour, fontsize=7)

    def _draw_image(self, axis: Any, index: int) -> None:
        axis.imshow(self.image(index), cmap="gray", vmin=0, vmax=255)
        said, share = int(self.best[index]), self.probabilities[index].max()
        title = f"{self.class_name(said)} {share:.0%}"
        if self.truth is not None:
            title += f"\nis {self.class_name(int(self.truth[index]))}"
        axis.set_title(title, fontsize=8)
