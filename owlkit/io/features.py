"""Blobs of a net written as LMDB sets, as Caffe's extract_features does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter, written_together


def write_features(
    batches: Callable[[], Mapping[str, np.ndarray]],
    targets: Mapping[str, str | Path],
    count: int,
    *,
    limit: int | None = None,
    overwrite: bool = False,
    on_batch: Callable[[], None] = lambda: None,
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Write `count` batches; keys are ten digits, values Datum with float_data, as Caffe's.

    batches : gives the next batch, blob name -> (N, ...) array of at most four axes. targets : blob name ->
    folder of its set. limit : examples after which the rest of the last batch is left out.
    Returns blob name -> (records, their (C, H, W)).
    The sets appear together, when all are complete. Raises DataError for a blob of more than four axes and
    where a set cannot be written; whatever fails, none of the sets is left behind, and those that were there
    before stay.
    """
    written = dict.fromkeys(targets, 0)
    shapes: dict[str, tuple[int, ...]] = {}
    writers = {name: RecordWriter(path, overwrite=overwrite) for name, path in targets.items()}
    with written_together(list(writers.values())):
        for _ in range(count):
            blobs = batches()
            for name, writer in writers.items():
                examples = as_images(name, blobs[name])
                if limit is not None:
                    examples = examples[: limit - written[name]]
                shapes[name] = examples.shape[1:]
                for example in examples:
                    writer.put(f"{written[name]:010d}", array_to_datum(example).SerializeToString())
                    written[name] += 1
            on_batch()
    return {name: (written[name], shapes.get(name, ())) for name in targets}


def as_images(name: str, blob: Any) -> np.ndarray:
    """(N, C, H, W) float32 of a blob of one to four axes; missing ones have length 1. Raises DataError."""
    array = np.asarray(blob, np.float32)
    if not 1 <= array.ndim <= 4:
        raise DataError(
            f"blob {name!r} has shape {array.shape}; a Datum has channels, height and width only: "
            "add a Reshape layer, or choose another blob"
        )
    return array.reshape(array.shape + (1,) * (4 - array.ndim))
