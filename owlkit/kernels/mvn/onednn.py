"""MVN by oneDNN: layer normalisation where a group's values are neighbours in memory, otherwise batch
normalisation of one image after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.mvn import MVN

_NEGLIGIBLE = 2.0**-24  # of a float32: half its last digit


class MVNKernel:
    def __init__(self, device: Device, spec: MVN) -> None:
        if not spec.scaled:
            raise Unsupported("oneDNN does not subtract a mean alone")
        outer, length, inner = spec.groups
        self._eps = spec.eps
        self._mean, self._variance = (Tensor(Descriptor((outer * inner,), spec.x.dtype)) for _ in range(2))
        if inner == 1:
            self._parts, self._stats = 1, MemoryDescriptor.plain(outer)
            self._md = MemoryDescriptor.of(Descriptor((outer, length), spec.x.dtype))
            kind, extra = "layer_normalization", [self._stats]
        else:
            self._parts, self._stats = outer, MemoryDescriptor.plain(inner)
            self._md = MemoryDescriptor.of(Descriptor((1, inner, length, 1), spec.x.dtype, True))
            kind, extra = "batch_normalization", []
        md = self._md
        forward, backward = f"{kind}_forward", f"{kind}_backward"
        self._normalise = Primitive(device, forward, api.TRAINING, md, md, *extra, 0.0, 0)
        self._apply = Primitive(device, forward, api.TRAINING, md, md, *extra, 0.0, api.NORM_GLOBAL_STATS)
        self._gradient = Primitive(
            device, backward, api.BACKWARD_DATA, md, md, md, *extra, 0.0, 0, self._normalise
        )
        self.detail = self._normalise.implementation
        self._with_statistics = Bound(self._binder(self._normalise))
        self._with_given = Bound(self._binder(self._apply))
        self.backward = Bound(self._bind_backward)

    def forward(self, x: Tensor, y: Tensor) -> None:
        """oneDNN divides by sqrt(variance): right to the last digit unless eps counts beside it.

        Where it does, once more with (sqrt(variance) + eps)^2 for the variance. Backward takes it too.
        """
        self._with_statistics(x, y)
        deviation = np.sqrt(self._variance.flat)
        if self._eps > deviation.min(initial=np.inf) * _NEGLIGIBLE:
            np.square(deviation + self._variance.flat.dtype.type(self._eps), out=self._variance.flat)
            self._with_given(x, y)

    def _part(self, tensor: Tensor, descriptor: MemoryDescriptor, number: int) -> Memory:
        step = tensor.descriptor.nbytes // self._parts
        return Memory(descriptor, tensor.address + number * step, tensor)

    def _bind(self, primitive: Primitive, data: dict[int, Tensor]) -> Callable[[], None]:
        calls = []
        for number in range(self._parts):
            memories = {key: self._part(tensor, self._md, number) for key, tensor in data.items()}
            memories[api.MEAN] = self._part(self._mean, self._stats, number)
            memories[api.VARIANCE] = self._part(self._variance, self._stats, number)
            calls.append(primitive.bind(memories))
        return in_sequence(*calls)

    def _binder(self, primitive: Primitive) -> Callable[[Tensor, Tensor], Callable[[], None]]:
        return lambda x, y: self._bind(primitive, {api.SRC: x, api.DST: y})

    def _bind_backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        return self._bind(self._gradient, {api.SRC: x, api.DIFF_DST: dy, api.DIFF_SRC: dx})
