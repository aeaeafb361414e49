"""MemoryData: batches from arrays that the caller hands over."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.transform import Transformer
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("MemoryData")
class MemoryData(Layer):
    """Reads batches from arrays, round and round.

    top 0 : data, (N, C, H, W).
    top 1 : label, (N,).
    Formula: y = the next N images of the arrays that reset was given
    Gradient: none.
    Parameters (memory_data_param):
        batch_size : N, required.
        channels, height, width : C, H and W, required.
    Parameters (transform_param):
        crop_size, mirror, mean_file, mean_value, scale, force_color, force_gray : as for Data; used where
            reset is asked to transform.
    Source: Caffe's MemoryDataLayer.

    net.layer_dict["data"].reset(images, labels) hands the arrays over; before that, forward is an error. The
    position is in state, the arrays are not: after a restart, call reset before restoring.
    """

    bottoms = Arity.exactly(0)
    tops = Arity.exactly(2)
    is_data = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.memory_data_param
        self.shape = tuple(int(getattr(param, n)) for n in ("batch_size", "channels", "height", "width"))
        if 0 in self.shape:
            raise self.error(
                "memory_data_param needs batch_size, channels, height and width, all positive; they are "
                f"{', '.join(map(str, self.shape))}"
            )
        self.batch_size = self.shape[0]
        self._data: np.ndarray | None = None
        self._labels = np.empty(0)
        self._position = 0
        try:
            self._transformer = Transformer(self.param.transform_param, self.phase, self.rng)
        except DataError as error:
            raise DataError(f"{self.name} (MemoryData): {error}") from error

    def reset(self, data: Any, labels: Any, *, transform: bool = False) -> None:
        """Take batches from these arrays from now on, from their start.

        data : M images, (C, H, W) each, as one array or in a list; kept without a copy where it is an array.
        labels : M numbers, any shape. M need not be a multiple of N: batches wrap round.
        transform : apply transform_param once, now (Caffe's AddDatumVector). Otherwise data are used as they
        are (pycaffe's set_input_arrays); a transform_param is then warned about, as in Caffe.
        Raises DataError for other shapes.
        """
        if transform:
            data = self._transformed(data)
        elif self.param.HasField("transform_param"):
            warnings.warn(
                f"{self.name} (MemoryData): arrays are not transformed, transform_param has no effect; "
                "reset(..., transform=True) applies it",
                stacklevel=2,
            )
        data, labels = np.asarray(data), np.asarray(labels).ravel()
        if data.ndim != 4 or data.shape[1:] != self.shape[1:] or not len(data):
            raise DataError(
                f"{self.name} (MemoryData): data of shape {data.shape}; expected "
                f"(M, {', '.join(map(str, self.shape[1:]))}) as memory_data_param says"
            )
        if len(labels) != len(data):
            raise DataError(f"{self.name} (MemoryData): {len(labels)} labels for {len(data)} images")
        self._data, self._labels, self._position = data, labels, 0

    def _transformed(self, images: Any) -> np.ndarray:
        try:
            out = np.empty((len(images), *self.shape[1:]), np.float32)
            self._transformer(list(images), out)
        except DataError as error:
            raise DataError(f"{self.name} (MemoryData): {error}") from error
        return out

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(*self.shape)
        top[1].reshape(self.batch_size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._data is None:
            raise DataError(
                f"{self.name} (MemoryData): there are no data yet; call "
                f"net.layer_dict[{self.name!r}].reset(data, labels) first, of pycaffe's net "
                "net.set_input_arrays(data, labels)"
            )
        rows = np.arange(self._position, self._position + self.batch_size) % len(self._data)
        top[0].data[...] = self._data[rows]
        top[1].data[...] = self._labels[rows]
        self._position = (self._position + self.batch_size) % len(self._data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """No bottoms."""

    @property
    def record_count(self) -> int:
        """Images in one pass; 0 before `reset`."""
        return 0 if self._data is None else len(self._data)

    def state(self) -> dict[str, Any]:
        """Number of the next image."""
        return {"position": self._position}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._position = int(state["position"])
