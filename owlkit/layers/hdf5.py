"""HDF5Data and HDF5Output: batches from HDF5 files, and blobs written to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import DataError
from owlkit.io.hdf5 import Hdf5Rows, listed_files, open_hdf5
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("HDF5Data")
class HDF5Data(Layer):
    """Reads rows of datasets from HDF5 files, round and round, across the files' borders.

    top i : (N, ...), the next N rows of the dataset that is named as the top; any number of tops and axes.
    Formula: y = N rows, as they are
    Gradient: none.
    Parameters (hdf5_data_param):
        source : a text file that lists the HDF5 files, required; relative names count from the working
            directory or the list's folder.
        batch_size : N, required.
        shuffle : the files' order and the rows within each file are drawn anew in every pass.
    Attributes: keys : file and row of each item of the present batch.
    Source: Caffe's HDF5DataLayer.

    A transform_param is refused, as in Caffe. Files are read whole, one at a time. Position and seed are in
    state, so a restored net continues bit-identically. Raises DataError for files and datasets that cannot be
    read or do not agree.
    """

    bottoms = Arity.exactly(0)
    tops = Arity(1)
    is_data = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.hdf5_data_param
        if self.param.HasField("transform_param"):
            raise self.error("HDF5Data does not transform its data; remove transform_param, or use Data")
        if not param.source:
            raise self.error("hdf5_data_param has no source; give a text file that lists HDF5 files")
        if param.batch_size < 1:
            raise self.error(f"batch_size is {param.batch_size}; it must be at least 1")
        self.batch_size = int(param.batch_size)
        self.source = str(param.source)
        self.keys: list[bytes] = []
        self._position = 0
        seed = int(self.rng.integers(2**63))
        names = [blob.name for blob in top]
        try:
            self.rows = Hdf5Rows(listed_files(self.source), names, shuffle=param.shuffle, seed=seed)
        except DataError as error:
            raise DataError(f"{self.name} (HDF5Data): {error}") from error

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob, shape in zip(top, self.rows.shapes, strict=True):
            blob.reshape(self.batch_size, *shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.keys = self.rows.read(self._position, [blob.data for blob in top])
        self._position += self.batch_size

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """No bottoms."""

    @property
    def record_count(self) -> int:
        """Rows in one pass."""
        return self.rows.count

    def describe(self) -> str:
        return f"{self.record_count:,} rows in {len(self.rows.files)} files of {self.source}"

    def state(self) -> dict[str, Any]:
        """Number of the next row, counted over all passes, and the seed of shuffling."""
        return {"row": self._position, "seed": self.rows.seed}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._position, self.rows.seed = int(state["row"]), int(state["seed"])


@register("HDF5Output")
class HDF5Output(Layer):
    """Writes its bottoms to an HDF5 file as the datasets data and label.

    bottom 0 : (N, ...), stored with at least four axes, as Caffe's blobs have.
    bottom 1 : (N, ...), likewise.
    Formula: every forward appends its N rows; Caffe, which stops there, takes a single one
    Gradient: none; bottoms' diffs are set to 0 where they are asked for.
    Parameters (hdf5_output_param):
        file_name : a file that is made anew at the first forward, required.
    Source: Caffe's HDF5OutputLayer.

    The file is complete and closed after each forward.
    """

    bottoms = Arity.exactly(2)
    tops = Arity.exactly(0)
    no_gradient = (0, 1)
    precision = "wide"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.file_name = str(self.param.hdf5_output_param.file_name)
        self._begun = False
        if not self.file_name:
            raise self.error("hdf5_output_param has no file_name; give the file to write")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        data, label = bottom
        if not data.shape or data.shape[:1] != label.shape[:1]:
            raise self.error(f"data {data.shape} and label {label.shape} must have equally many items")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        try:
            with open_hdf5(self.file_name, "a" if self._begun else "w") as file:
                for name, blob in zip(("data", "label"), bottom, strict=True):
                    _append(file, name, _stored(blob))
        except DataError as error:
            raise DataError(f"{self.name} (HDF5Output): {error}") from error
        self._begun = True

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff_tensor.flat[...] = 0

    def describe(self) -> str:
        return f"to {self.file_name}"


def _stored(blob: Blob) -> np.ndarray:
    return blob.data.reshape(blob.shape + (1,) * (4 - blob.ndim))


def _append(file: Any, name: str, values: np.ndarray) -> None:
    if name not in file:
        file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=True)
        return
    dataset = file[name]
    if dataset.shape[1:] != values.shape[1:]:
        raise DataError(
            f"items of {name!r} have shape {values.shape[1:]} now, {dataset.shape[1:]} in {file.filename}"
        )
    start = len(dataset)
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values
