"""Data: batches of images and labels from an LMDB set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.errors import DataError
from owlkit.io.batches import Batch, BatchReader
from owlkit.io.prefetch import Prefetcher
from owlkit.io.records import Records
from owlkit.io.transform import Transformer
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.proto import caffe_pb2

_WATCHED_RECORDS = 256  # from the start of training; all of one class among so many means: not shuffled


@register("Data")
class Data(Layer):
    """Reads records round and round a set, transforms them, prefetches in a thread.

    tops : data (N, C, h, w) float32; label (N,) float32, where a second top is asked for.
    data_param : source (an LMDB folder), batch_size = N, backend LMDB, rand_skip (leave out a random number
    of records below it at the start), prefetch (batches made ahead; default 4).
    transform_param : see io.transform.

    keys : keys of the records of the present batch. wait_seconds : how long forward has waited for data.
    warnings : remarks for the user, in the order they came up; `on_warning`, where set, is called with each.

    Position and randomness are a batch number and a seed, so a restored net continues bit-identically.
    Raises DataError for a set that cannot be read, records that do not fit, and contradicting parameters.
    """

    bottoms = Arity.exactly(0)
    tops = Arity(1, 2)
    is_data = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.keys: list[bytes] = []
        self.warnings: list[str] = []
        self.on_warning: Callable[[str], None] | None = None
        self._waited_before = 0.0
        self._prefetcher: Prefetcher[Batch] | None = None
        self._number = 0
        self._classes: set[int] = set()
        param = self.param.data_param
        self.batch_size = int(param.batch_size)
        self._check_param(param)
        self.reader = self._open(param)
        self.image_shape = self._checked(self.reader.shape)

    def _check_param(self, param: Any) -> None:
        if not param.source:
            raise self.error("data_param has no source; give the path of an LMDB set")
        if self.batch_size < 1:
            raise self.error(f"batch_size is {self.batch_size}; it must be at least 1")
        if param.prefetch < 1:
            raise self.error(f"prefetch is {param.prefetch}; it must be at least 1")
        if param.backend != caffe_pb2.DataParameter.LMDB:
            raise DataError(
                f"{self.name} (Data): LEVELDB, which a data_param without backend means, is not read by "
                f"owlkit; if {param.source} is an LMDB set, set backend: LMDB, else convert it to one "
                "(Caffe's converters take --backend=lmdb)"
            )

    def _open(self, param: Any) -> BatchReader:
        transform = self.param.transform_param
        if param.force_encoded_color:
            transform = caffe_pb2.TransformationParameter.FromString(transform.SerializeToString())
            transform.force_color = True
        records = self._checked(lambda: Records(param.source))
        transformer = self._checked(lambda: Transformer(transform, self.phase))
        seed = int(self.rng.integers(2**63))
        skip = int(self.rng.integers(param.rand_skip)) if param.rand_skip else 0
        return BatchReader(records, transformer, self.batch_size, seed=seed, skip=skip)

    def _checked(self, make: Callable[[], Any]) -> Any:
        """What `make` returns; its DataError gets the layer's name."""
        try:
            return make()
        except DataError as error:
            raise DataError(f"{self.name} (Data): {error}") from error

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(self.batch_size, *self.image_shape)
        if len(top) > 1:
            top[1].reshape(self.batch_size)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._dtype = top[0].dtype
        self._stop()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        prefetcher = self._source()
        batch = self._checked(prefetcher.take)
        top[0].data[...] = batch.data
        if len(top) > 1:
            top[1].data[...] = batch.labels
            self._watch_classes(batch.labels)
        self.keys = list(batch.keys)
        prefetcher.give(batch)
        self._number += 1

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """Nothing to do: there are no bottoms."""

    @property
    def wait_seconds(self) -> float:
        return self._waited_before + (self._prefetcher.wait_seconds if self._prefetcher else 0.0)

    @property
    def record_count(self) -> int:
        """Records in one pass."""
        return len(self.reader.records)

    def describe(self) -> str:
        source = self.param.data_param.source
        return f"{self.record_count:,} records of {Path(source).name or source}"

    def state(self) -> dict[str, Any]:
        """Number of the next batch, seed, records left out at the start."""
        return {"batch": self._number, "seed": self.reader.seed, "skip": self.reader.skip}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._stop()
        self._number = int(state["batch"])
        self.reader.seed, self.reader.skip = int(state["seed"]), int(state["skip"])

    def close(self) -> None:
        """End the prefetching thread; the next forward starts it again."""
        self._stop()

    def _source(self) -> Prefetcher[Batch]:
        """The prefetcher; a new one where an interrupt cost the old one a batch."""
        prefetcher = self._prefetcher
        if prefetcher is not None and (prefetcher.disturbed or prefetcher.number != self._number):
            self._stop()
        return self._prefetcher or self._start()

    def _start(self) -> Prefetcher[Batch]:
        shape = (self.batch_size, *self.image_shape)
        buffers = [Batch.empty(shape, self._dtype) for _ in range(self.param.data_param.prefetch)]
        self._prefetcher = Prefetcher(self.reader.fill, buffers, self._number, self.name)
        return self._prefetcher

    def _stop(self) -> None:
        if self._prefetcher is not None:
            self._prefetcher.stop()
            self._waited_before += self._prefetcher.wait_seconds
            self._prefetcher = None

    def _watch_classes(self, labels: np.ndarray) -> None:
        """Warn once where the first records of training are all of one class."""
        seen = self._number * self.batch_size
        if self.phase != "train" or seen >= _WATCHED_RECORDS or len(self._classes) > 1:
            return
        self._classes.update(labels.tolist())
        if seen + len(labels) >= min(_WATCHED_RECORDS, len(self.reader.records)) and len(self._classes) == 1:
            self._warn(
                f"{self.name}: the first {seen + len(labels)} records all have label {labels[0]}; "
                "the set seems not to be shuffled, which hinders training: convert it again with shuffling"
            )

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        if self.on_warning is not None:
            self.on_warning(text)
