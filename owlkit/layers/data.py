"""Data: batches of images and labels from an LMDB set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.batches import Batch, BatchReader
from owlkit.io.leveldb import is_leveldb, made_again
from owlkit.io.records import Records
from owlkit.io.transform import Transformer
from owlkit.layers.base import Blobs, register
from owlkit.layers.prefetching import PrefetchingLayer
from owlkit.proto import caffe_pb2

_WATCHED_RECORDS = 256  # from the start of training; all of one class among so many means: not shuffled


@register("Data")
class Data(PrefetchingLayer):
    """Reads records from an LMDB set round and round, transforms them, prefetches in a thread.

    top 0 : data, (N, C, h, w).
    top 1 (optional) : label, (N,).
    Formula: y = (x - mean) * scale, cropped and mirrored as transform_param says
    Gradient: none.
    Parameters (data_param):
        source : folder of an LMDB set, required.
        batch_size : N, required.
        backend : must be LMDB; LEVELDB, Caffe's default, is refused with a way out.
        rand_skip : leave out a random number of records below it at the start.
        prefetch : batches made ahead.
        scale, mean_file, crop_size, mirror : older places of what transform_param has; moved there
            from layers of before 2014, and refused in today's, where Caffe ignores them.
        force_encoded_color : the older place of transform_param's force_color.
    Parameters (transform_param):
        crop_size : side of the square that is cut out: at random in train, in the middle in test; 0: none.
        mirror : mirror each image with probability 1/2, in both phases, as in Caffe.
        mean_file : a binaryproto with a mean image, which is subtracted at the same pixels.
        mean_value : subtracted in place of a mean image: one value, or one per channel.
        scale : factor after the mean was subtracted.
        force_color, force_gray : decode encoded images to three channels, or to one.
    Attributes: keys : of the records of the present batch. wait_seconds : how long forward has waited for
        data. warnings : remarks for the user, in the order they came up; on_warning, where set, is called
        with each.
    Source: Caffe's DataLayer.

    Position and randomness are a batch number and a seed, so a restored net continues bit-identically. Raises
    DataError for a set that cannot be read, records that do not fit, and contradicting parameters.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.warnings: list[str] = []
        self.on_warning: Callable[[str], None] | None = None
        self._classes: set[int] = set()
        param = self.param.data_param
        self.refuse_moved("data_param")
        self._check_param(param)
        reader = self._open(param)
        shape = (param.batch_size, *self.checked(reader.shape))
        self.read_from(reader, shape, str(param.source), param.prefetch)

    def _check_param(self, param: Any) -> None:
        if not param.source:
            raise self.error("data_param has no source; give the path of an LMDB set")
        if param.batch_size < 1:
            raise self.error(f"batch_size is {param.batch_size}; it must be at least 1")
        if param.backend != caffe_pb2.DataParameter.LMDB:
            raise DataError(
                f"{self.name} (Data): LEVELDB, which a data_param without backend means, is not read by "
                f"owlkit; {self._way_from_leveldb(Path(param.source))}"
            )

    @staticmethod
    def _way_from_leveldb(source: Path) -> str:
        if (source / "data.mdb").is_file():
            return f"{source} is an LMDB set: set backend: LMDB"
        if is_leveldb(source):
            return f"{made_again(source)}; then set backend: LMDB"
        return f"set backend: LMDB, and if {source} is no LMDB set, {made_again(source)}"

    def _open(self, param: Any) -> BatchReader:
        transform = self.param.transform_param
        if param.force_encoded_color:
            transform = caffe_pb2.TransformationParameter.FromString(transform.SerializeToString())
            transform.force_color = True
        records = self.checked(lambda: Records(param.source))
        transformer = self.checked(lambda: Transformer(transform, self.phase))
        seed = int(self.rng.integers(2**63))
        skip = int(self.rng.integers(param.rand_skip)) if param.rand_skip else 0
        return BatchReader(records, transformer, param.batch_size, seed=seed, skip=skip)

    @property
    def record_count(self) -> int:
        """Records in one pass."""
        return len(self.reader.records)

    def describe(self) -> str:
        return f"{self.record_count:,} records of {Path(self.source).name or self.source}"

    def look_at(self, batch: Batch) -> None:
        self._watch_classes(batch.labels)

    def _watch_classes(self, labels: np.ndarray) -> None:
        """Warn once where the first records of training are all of one class."""
        if self.phase != "train" or len(self._classes) > 1:
            return
        seen, count = self._number * self.batch_size, self.record_count
        watched = min(_WATCHED_RECORDS, count)
        if seen >= watched:
            return
        self._classes.update(labels.tolist())
        seen += len(labels)
        if seen < watched or len(self._classes) > 1:
            return
        if seen < count:
            self._warn(
                f"{self.name}: the first {seen} records all have label {labels[0]}; the set seems not to be "
                "shuffled, which hinders training: convert it again with shuffling"
            )
        else:
            self._warn(
                f"{self.name}: the {count} records of {self.source} all have label {labels[0]}: a classifier "
                "learns nothing from them; convert the set again, with the labels"
            )

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        if self.on_warning is not None:
            self.on_warning(text)
