"""Histograms of a layer's activations and of their gradients, taken now and then on request."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = ("activations", "gradients")
BINS = 48
MOST_VALUES = 1 << 14
"""Values looked at; of a larger blob every n-th."""
TAIL = 0.005
"""Share of the values at either end that the first and last bin take in: few outliers hide nothing."""
FIELDS = 6
"""Numbers before the bins: lo, hi (ends of the bins), least, most, share of zeros, share not finite."""
CAPACITY = 512


def reader(net: Any, layer: str, kind: str) -> Any:
    """A function that copies some values of the layer's first top, (n,), for `histogram` to look at later.

    kind : "activations", or "gradients" of the loss with respect to them. Where a layer after it works in
    place, the blob holds what that one made of it. In a float16 net the loss's scale is divided out.
    """
    blob = net.blobs[net.top_names[layer][0]]
    if kind == "activations":
        return lambda: some(blob.peek())
    scale = getattr(net, "loss_scale", None)
    if scale is None:
        return lambda: some(blob.peek("diff"))
    return lambda: some(blob.peek("diff")).astype(np.float32) / np.float32(scale.value)


def histogram(values: NDArray[Any]) -> NDArray[np.float32]:
    """Shares of the finite values other than 0 in BINS equal bins; zeros are told by themselves.

    values : (n,). Gives (FIELDS + BINS,) float32.
    """
    out = np.zeros(FIELDS + BINS, np.float32)
    values = values.astype(np.float64)  # in half precision the width of a bin may be no number
    finite = np.isfinite(values)
    out[5] = 1 - finite.mean() if values.size else 0
    out[4] = (values == 0).mean() if values.size else 0
    values = values[finite & (values != 0)]
    if not values.size:
        return out
    ordered = np.sort(values)
    lo, hi = ordered[int(TAIL * values.size)], ordered[int((1 - TAIL) * (values.size - 1))]
    out[:4] = lo, hi, ordered[0], ordered[-1]
    place = (values - lo) * (BINS / (hi - lo)) if hi > lo else np.full(values.size, BINS / 2)
    counts = np.bincount(np.clip(place, 0, BINS - 1).astype(np.int64), minlength=BINS)
    out[FIELDS:] = counts / values.size
    return out


def some(array: NDArray[Any]) -> NDArray[Any]:
    """Copy of at most MOST_VALUES of an array's values, evenly spread over its memory."""
    inward = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    flat = array.transpose(inward).reshape(-1)
    return flat[:: max(1, -(-flat.size // MOST_VALUES))].copy()


class Histograms:
    """Rows of one layer and kind; of a full table every second row goes."""

    def __init__(self, layer: str, kind: str, capacity: int = CAPACITY) -> None:
        self.layer, self.kind, self.capacity = layer, kind, capacity
        self.total = 0
        self.rows: list[tuple[int, NDArray[np.float32]]] = []

    def add(self, iteration: int, row: NDArray[np.float32]) -> None:
        """Take in a row of `histogram`."""
        if len(self.rows) == self.capacity:
            self.rows = self.rows[1::2]
        self.rows.append((iteration, row))
        self.total += 1

    def cut(self, iteration: int) -> None:
        """Forget what comes after an iteration; `total` still counts it."""
        self.rows = [row for row in self.rows if row[0] <= iteration]

    def block(self) -> dict[str, Any]:
        """As sent to a page that loads: uint32 iterations, then the rows."""
        iters = np.array([iteration for iteration, _ in self.rows], np.uint32)
        data = iters.tobytes() + b"".join(row.tobytes() for _, row in self.rows)
        return {
            "layer": self.layer,
            "kind": self.kind,
            "total": self.total,
            "n": len(self.rows),
            "data": data,
        }
