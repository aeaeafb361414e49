"""Class labels of a batch: read, checked against the width of the classifier, put into memory order."""

from __future__ import annotations

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.errors import DataError
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import copy
from owlkit.kernels.axes import rows
from owlkit.layers.base import Layer


def check_label_count(layer: Layer, scores: Blob, labels: Blob, axis: int) -> None:
    """NetError unless there is one label for each position of `scores` (all axes but `axis`)."""
    positions = scores.shape[:axis] + scores.shape[axis + 1 :]
    if scores.count != labels.count * scores.shape[axis]:
        raise layer.error(
            f"bottom {scores.given_name!r} {scores.shape} with classes along axis {axis} needs labels of "
            f"shape {positions}, found {labels.shape}: {_to_match(scores, labels, axis)}",
            labels,
        )


def _to_match(scores: Blob, labels: Blob, axis: int) -> str:
    """The next action where scores and labels do not fit each other."""
    if labels.count == scores.count:
        return (
            "a label is the number of its class; for one value per class (0 and 1, several may be 1) take "
            "SigmoidCrossEntropyLoss"
        )
    if scores.count_between(axis + 1) > 1 and labels.count * scores.shape[axis] < scores.count:
        return (
            f"{scores.given_name!r} scores every place of a map: for one label per image take its mean over "
            "places (Pooling, AVE, global_pooling: true) or an InnerProduct, else give a label for each place"
        )
    return "give one label for each row of scores (see the batch_size of both, and any Reshape before)"


class ClassLabels:
    """Reader of the labels that belong to `scores`, for fixed shapes.

    Every batch is checked, because a label that no output stands for would read or write beyond its row:
    labels must be integers in [0, classes), or `ignore_label`.
    """

    def __init__(
        self,
        layer: Layer,
        device: Device,
        scores: Blob,
        labels: Blob,
        axis: int,
        ignore_label: int | None = None,
    ) -> None:
        self._layer, self._axis, self._ignore = layer, axis, ignore_label
        self._scores, self._labels = scores, labels
        self._classes = scores.shape[axis]
        self._descriptor = scores.descriptor
        self._in_order = labels.descriptor.is_plain and (axis == 1 or not scores.descriptor.channels_last)
        self._targets = np.empty(labels.count, np.int64)
        self._same = np.empty(labels.count, bool)
        self._ordered: Tensor | None = None
        if not self._in_order:
            shape = (*scores.shape[:axis], 1, *scores.shape[axis + 1 :])
            wanted = Descriptor(shape, labels.dtype, scores.descriptor.channels_last)
            self._ordered = Tensor(wanted)
            self._copy = copy.make(device, copy.Copy(labels.descriptor, wanted))

    def targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        """`read` for the labels that this was made with."""
        return self.read(self._labels)

    def tensor(self) -> Tensor:
        """The labels as numbers, rows in the memory order of the scores: a copy where they lie otherwise."""
        if self._ordered is None:
            return self._labels.data_tensor
        self._copy.forward(self._labels.data_tensor, self._ordered)
        return self._ordered

    def read(self, labels: Blob) -> tuple[np.ndarray, np.ndarray | None]:
        """(targets, ignored): (rows,) int64 and bool, rows in the memory order of the scores.

        `ignored` is None where nothing is ignored; targets of ignored rows are 0. Both are valid until the
        next call. Raises DataError for a label that is not allowed, with its place in the batch.
        """
        values = labels.peek().reshape(-1) if self._in_order else self._rows(labels)
        ignored = None
        if self._ignore is not None:
            ignored = values == self._ignore
            if ignored.any():
                values = np.where(ignored, 0, values)
            else:
                ignored = None
        # Range first: it also catches NaN, which must not be cast. An empty batch has nothing to check.
        if values.size and not (values.min() >= 0 and values.max() < self._classes):
            raise self._error(labels)
        np.copyto(self._targets, values, casting="unsafe")
        if not np.equal(self._targets, values, out=self._same).all():
            raise self._error(labels)
        return self._targets, ignored

    def _rows(self, labels: Blob) -> np.ndarray:
        return rows(labels.peek(), self._descriptor, self._axis)

    def _error(self, labels: Blob) -> DataError:
        """Say which label is wrong, where, and what may be done."""
        values = labels.peek().reshape(-1)
        wrong = ~((values >= 0) & (values < self._classes) & (values == np.floor(values)))
        if self._ignore is not None:
            wrong &= values != self._ignore
        first = int(np.flatnonzero(wrong)[0])
        place = tuple(int(i) for i in np.unravel_index(first, labels.shape or (1,)))
        value, last = float(values[first]), self._classes - 1
        where = f"index {place[0]} of the batch" if np.prod(labels.shape[1:]) == 1 else f"index {place}"
        ignore = "" if self._ignore is None else f" or {self._ignore} (ignore_label)"
        layer, scores = self._layer, self._scores
        many = f"{wrong.sum()} of {values.size} are wrong"
        found = f"label {value:g} at {where} (blob {labels.given_name!r}; {many})"
        error = DataError(
            f"{layer.name} ({layer.type}): {found}: the classifier has {self._classes} outputs "
            f"(labels 0..{last}{ignore}); {self._advice(value)} "
            f"(scores: blob {scores.given_name!r}, shape {scores.shape})"
        )
        error.place = (labels.name, place[0] if place else 0)
        return error

    def _advice(self, value: float) -> str:
        """The next action, by the kind of mistake."""
        made_by = f"num_output of the layer that makes {self._scores.given_name!r}"
        if value >= self._classes and value == np.floor(value):
            return f"raise {made_by} to at least {value + 1:g}, or correct the labels"
        if value < 0 and value == np.floor(value):
            return f"correct the labels, or set ignore_label: {value:g} if these are to be left out"
        return "class labels must be whole numbers: correct the data"
