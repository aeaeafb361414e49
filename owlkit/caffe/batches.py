"""Arrays of any length, cut into a net's batches and put together again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from owlkit.core.errors import NetError

Batch = dict[str, np.ndarray]


def length(arrays: Mapping[str, Any]) -> int:
    """The common length of all arrays; NetError where they differ or there are none."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise NetError(f"arrays of one common length are needed to cut batches; found {lengths or 'none'}")
    return next(iter(lengths.values()))


def cut(arrays: Mapping[str, Any], size: int) -> Iterator[Batch]:
    """Batches of `size` along axis 0; the last one is filled up with zeros. None for no arrays."""
    if not arrays:
        return
    found = {name: np.asarray(array) for name, array in arrays.items()}
    for start in range(0, length(found), size):
        yield {name: _filled_up(array[start : start + size], size) for name, array in found.items()}


def _filled_up(array: np.ndarray, size: int) -> np.ndarray:
    missing = size - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def forward_all(net: Any, blobs: Sequence[str], arrays: Mapping[str, Any]) -> Batch:
    """Net.forward_all."""
    outs = Collected([*net.outputs, *blobs])
    for batch in net._batch(arrays):
        outs.add(net.forward(blobs=[*blobs], **batch))
    return outs.first(length(arrays))


def forward_backward_all(
    net: Any, blobs: Sequence[str], diffs: Sequence[str], arrays: Mapping[str, Any]
) -> tuple[Batch, Batch]:
    """Net.forward_backward_all."""
    below = {name: arrays[name] for name in net.inputs if name in arrays}
    above = {name: arrays[name] for name in net.outputs if name in arrays}
    if unknown := sorted(set(arrays) - {*below, *above}):
        raise NetError(f"{unknown} are neither inputs {net.inputs} nor outputs {net.outputs} of the net")
    outs, gradients = Collected([*net.outputs, *blobs]), Collected([*net.inputs, *diffs])
    for inputs, tops in side_by_side(net._batch(below), net._batch(above)):
        outs.add(net.forward(blobs=[*blobs], **inputs))
        gradients.add(net.backward(diffs=[*diffs], **tops))
    count = length(arrays)
    return outs.first(count), gradients.first(count)


def side_by_side(first: Iterable[Batch], second: Iterable[Batch]) -> Iterator[tuple[Batch, Batch]]:
    """Pairs of batches; where one side has none (its arrays are not given), it is empty."""
    yield from itertools.zip_longest(first, second, fillvalue={})


class Collected:
    """Results of several batches, by name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._parts: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def add(self, batch: Mapping[str, np.ndarray]) -> None:
        """Copy the results of one batch; a result without a batch axis counts as one entry."""
        for name, parts in self._parts.items():
            parts.append(np.array(np.atleast_1d(batch[name])))

    def first(self, count: int) -> Batch:
        """The first `count` entries of each: without those of the zeros at the end."""
        return {name: np.concatenate(parts)[:count] for name, parts in self._parts.items()}
