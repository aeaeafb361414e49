"""One layer by itself: defined in prototxt, fed with arrays, run by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device, resolve_device
from owlkit.layers import create
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse


class OneLayer:
    """A layer with bottoms b0, b1, ... that hold `arrays`, and tops t0, t1, ...

    body : fields of the LayerParameter, e.g. 'type: "Softmax" softmax_param { axis: 0 }'.
    shapes given in place of arrays are random.
    """

    def __init__(
        self,
        body: str,
        *arrays: Any,
        tops: int = 1,
        phase: str = "train",
        dtype: str = "float32",
        seed: int = 0,
        device: Device | str | None = None,
    ) -> None:
        self.param = parse(f'name: "l" {body}', caffe_pb2.LayerParameter)
        rng = np.random.default_rng(seed)
        self.layer = create(self.param, phase, rng)
        self.layer.dtype = dtype
        self._device = resolve_device(device)
        self.bottom = []
        for index, given in enumerate(arrays):
            array = rng.standard_normal(given) if isinstance(given, tuple) else np.asarray(given)
            blob = Blob(array.shape, dtype, f"b{index}")
            blob.data[...] = array
            self.bottom.append(blob)
        self.top = [Blob((), dtype, f"t{index}") for index in range(tops)]
        self.reshape(setup=True)

    def reshape(self, setup: bool = False) -> None:
        if setup:
            self.layer.setup(self.bottom, self.top)
            for blob in self.layer.filters() if self._device.filters_channels_last else ():
                blob.lay_channels_last()
        self.layer.reshape(self.bottom, self.top)
        self.layer.propagate_down = [i not in self.layer.no_gradient for i in range(len(self.bottom))]
        self.layer.prepare(self._device, self.bottom, self.top)

    def forward(self) -> list[np.ndarray]:
        """The tops' data."""
        self.layer.forward(self.bottom, self.top)
        return [blob.data for blob in self.top]

    def backward(self, *top_diffs: Any, propagate_down: Sequence[bool] | None = None) -> list[np.ndarray]:
        """The bottoms' diffs; all of them start as NaN, so what the layer does not write stays NaN."""
        for blob, diff in zip(self.top, top_diffs, strict=False):
            blob.diff[...] = diff
        for blob in self.bottom:
            blob.diff[...] = np.nan
        wanted = [index not in self.layer.no_gradient for index in range(len(self.bottom))]
        self.layer.backward(self.top, propagate_down or wanted, self.bottom)
        return [blob.diff for blob in self.bottom]
