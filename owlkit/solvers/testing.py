"""One test: the outputs of a net, averaged over batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from owlkit.core.errors import TrainingError

MAX_ENTRIES = 100  # an output with more values is reported by its mean


def flatten_outputs(outputs: dict[str, Any]) -> dict[str, float]:
    """Scalars by name; short vectors (accuracy per class) as name[0], name[1], ...; the rest by its mean."""
    flat: dict[str, float] = {}
    for name, value in outputs.items():
        array = np.asarray(value, np.float64)
        names = flat_names(name, array.shape)
        if len(names) == array.size:
            flat.update(zip(names, array.ravel().tolist(), strict=True))
        else:
            flat[name] = float(array.mean()) if array.size else float("nan")
    return flat


def flat_names(name: str, shape: tuple[int, ...]) -> list[str]:
    """What `flatten_outputs` calls the values of an output of this shape."""
    if len(shape) == 1 and shape[0] != 1 and shape[0] <= MAX_ENTRIES:
        return [f"{name}[{index}]" for index in range(shape[0])]
    return [name]


def run_batches(
    net: Any,
    iterations: int,
    abandon: Callable[[], bool] = lambda: False,
    on_batch: Callable[[dict[str, Any]], None] = lambda outputs: None,
) -> tuple[dict[str, float], float] | None:
    """(outputs, loss), both means over `iterations` batches; None where `abandon` said so between two
    batches.

    on_batch : called with the outputs of each batch, name -> array.
    """
    sums: dict[str, np.ndarray] = {}
    loss = 0.0
    for _ in range(iterations):
        if abandon():
            return None
        outputs = net.forward()
        loss += net.loss
        for name, value in outputs.items():
            sums[name] = sums[name] + value if name in sums else np.array(value, np.float64)
        on_batch(outputs)
    return flatten_outputs({name: total / iterations for name, total in sums.items()}), loss / iterations


def batches_of_one_pass(net: Any) -> int:
    """Batches that show all records of the net's data once.

    Raises TrainingError where no layer of the net knows how many records it has.
    """
    found = one_pass(net)
    if found is None:
        raise TrainingError(
            f"test net {net.name!r} does not know how long one pass is; give test_iter (batches)"
        )
    return found[0]


def one_pass(net: Any) -> tuple[int, int] | None:
    """(batches, records) of one pass over the net's data, the longest where it has several; None: unknown."""
    found = [
        (-(-layer.record_count // layer.batch_size), int(layer.record_count))
        for layer in net.layers
        if getattr(layer, "record_count", 0)
    ]
    return max(found, default=None)
