"""Which implementations serve a convolution on a GPU, in which order, and which of them are timed.

Each of the three calls (forward, the gradient of x, that of the weights) is a choice of its own where there
is more than one way to it: what is the quickest forward need not be so back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported, cast, choose, in_order
from owlkit.kernels.convolution import cuda
from owlkit.kernels.convolution.cudnn import CudnnKernel
from owlkit.kernels.convolution.space_to_depth import Blocks, SpaceToDepthKernel, saves_products
from owlkit.kernels.cudnn.timing import filled
from owlkit.kernels.cudnn.trials import measured

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution

Makers = dict[str, Callable[[Any, Any], Any]]
SPACE_TO_DEPTH = "cudnn space-to-depth"
_USUAL: Makers = {"cudnn": CudnnKernel, "cuda": cuda.make_kernel}


def make(device: GpuDevice, spec: Convolution, on_host: Makers) -> Any:
    """The kernel, which may have another implementation for each call. on_host : makers, the last resort.

    cuDNN comes first, products of matrices by our own kernels after it. For two kinds of convolution the
    order is not plain, and a device that tunes has both ways of each call timed. Without timing:
    - few channels with a stride, as first layers have, are taken in blocks where that saves products
      (`saves_products`);
    - 1x1, which is a product of matrices, is cuDNN's unless its plan needs more workspace than y takes. In
      full float32 it does: it copies x and y into another order and back. Our product takes none, and at most
      one more pass over y, for bias and ReLU.
    """
    calls = _calls(spec)
    rivals = {call: _rivals(device, part) for call, part in calls.items()}
    if not any(rivals.values()):
        return choose(device, spec, _USUAL | on_host)
    times = {call: measured(device, part, rivals[call], Rehearsal) for call, part in calls.items()}
    makers = {call: _makers(part, rivals[call], times[call]) | on_host for call, part in calls.items()}
    first = next(call for call in calls if rivals[call])
    for_all = partial(
        choose, device, spec, _makers(spec, rivals[first], times[first]) | on_host, _sums(times.values())
    )
    wanted = {in_order(device, makers[call], times[call])[0] for call in calls}
    single = for_all() if len(wanted) == 1 else None  # all calls ask for the same one first
    if single is not None and (len(calls) == 1 or _name(single) in wanted):
        return single
    kernels = {call: choose(device, part, makers[call], times[call]) for call, part in calls.items()}
    if len({_name(kernel) for kernel in kernels.values()}) > 1:
        return KernelByCall(kernels)
    return single or for_all()


def _name(kernel: Any) -> str:
    """Its implementation, without detail."""
    name: str = kernel.implementation.partition(" (")[0]
    return name


def _calls(spec: Convolution) -> dict[str, Convolution]:
    """What is asked of each call alone, by its name in the plan."""
    asked = {"forward": spec.forward, "data": spec.data_gradient, "weights": spec.train}
    return {
        call: replace(spec, forward=call == "forward", data_gradient=call == "data", train=call == "weights")
        for call, wanted in asked.items()
        if wanted
    }


def _rivals(device: GpuDevice, spec: Convolution) -> Makers:
    """Where the order is not plain: the makers between which the clock decides, in the order without one."""
    if spec.is_pointwise and spec.x.channels_last and "cuda" in device.implementations:
        return dict(_USUAL)
    if not _has_blocks(spec):
        return {}
    found: Makers = {"cudnn": CudnnKernel, SPACE_TO_DEPTH: SpaceToDepthKernel}
    return dict(reversed(found.items())) if saves_products(spec, device.tf32) else found


def _makers(spec: Convolution, rivals: Makers, seconds: Mapping[str, float]) -> Makers:
    """All makers for a GPU, in the order in which they are asked where nothing was timed."""
    makers = rivals | _USUAL
    if spec.is_pointwise and rivals and not seconds:
        makers["cudnn"] = partial(CudnnKernel, most_workspace=spec.y.nbytes)
    return makers


def _has_blocks(spec: Convolution) -> bool:
    try:
        Blocks.of(spec)
    except Unsupported:
        return False
    return True


def _sums(times: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds of all calls that were timed, by name, of those that serve each of them."""
    found = [seconds for seconds in times if seconds]
    names = set.intersection(*map(set, found)) if found else set()
    return {name: sum(seconds[name] for seconds in found) for name in names}


class KernelByCall:
    """See `owlkit.kernels.convolution.make` for the calls: each is another kernel's.

    kernels : "forward", "data" and "weights" -> the kernel for it, of those that are asked.
    reads_float32 : see `SpaceToDepthKernel`.
    """

    def __init__(self, kernels: Mapping[str, Any]) -> None:
        self._kernels = kernels
        self.reads_float32 = all(getattr(kernel, "reads_float32", False) for kernel in kernels.values())
        self.implementation = "; ".join(f"{call}: {k.implementation}" for call, k in kernels.items())
        self.refused = {
            f"{call}: {name}": why for call, k in kernels.items() for name, why in k.refused.items()
        }

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self._kernels["forward"].forward(x, w, b, y)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        self._kernels["data"].backward_data(dy, w, dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        self._kernels["weights"].backward_params(x, dy, dw, db, accumulate)


class Rehearsal:
    """The calls of an iteration that are asked: x's gradient may lie where x was, and y's where y was. The
    biases' gradient is left out: it is one kernel, whoever computes the rest. Where x comes in another type,
    who cannot read that has it cast before, forward; back it is there.
    """

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        w = Descriptor(spec.weights, spec.x.dtype, spec.weights_channels_last)
        self._spec = spec
        self._x, self._y, self._w, self._dw = (filled(device, side) for side in (spec.x, spec.y, w, w))
        b = Descriptor((spec.weights[0],), spec.x.dtype)
        self._b = filled(device, b) if spec.bias else None
        self._given: Tensor | None = None
        if spec.cast_from:
            self._given = filled(device, replace(spec.x, dtype=spec.cast_from))
            self._cast = cast.make(device, cast.Cast(self._given.descriptor, spec.x.dtype))

    def __call__(self, kernel: Any) -> None:
        x = self._x
        if self._given is not None and getattr(kernel, "reads_float32", False):
            x = self._given
        elif self._given is not None and self._spec.forward:
            self._cast.forward(self._given, x)
        if self._spec.forward:
            kernel.forward(x, self._w, self._b, self._y)
        if self._spec.data_gradient:
            kernel.backward_data(self._y, self._w, self._x)
        if self._spec.train:
            kernel.backward_params(x, self._y, self._dw, None, False)
