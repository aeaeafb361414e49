"""Maximum, average and stochastic pooling of (N, C, H, W) with Caffe's windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.pooling import cuda, onednn, reference
from owlkit.kernels.pooling.stochastic import Stochastic, StochasticKernel

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


@dataclass(frozen=True)
class Pooling:
    """y[n, c, i, j] = max or mean of x over the window that starts at (i * stride - pad) and spans `kernel`.

    method : "max" or "ave".
    kernel, stride, pad : (height, width).
    x, y : descriptors of bottom and top, (N, C, H, W); y may have a last window that hangs over the edge.
    indices : whether `forward` also writes where each maximum was found.
    data_gradient : whether `backward` will be called.
    varies : whether the window follows the size of images, so that one program is to serve all, if slower.
    """

    method: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    x: Descriptor
    y: Descriptor
    indices: bool = False
    data_gradient: bool = True
    varies: bool = False

    def overhang(self, axis: int) -> int:
        """How far the last window reaches past the padded input, along height (0) or width (1)."""
        covered = (self.y.shape[2 + axis] - 1) * self.stride[axis] + self.kernel[axis]
        return covered - (self.x.shape[2 + axis] + 2 * self.pad[axis])

    def size(self, axis: int) -> int:
        """The shape of bottom along height (0) or width (1)."""
        return self.x.shape[2 + axis]


def make(device: Device, spec: Pooling) -> Any:
    """A kernel with `forward(x, y, indices)` and `backward(dy, dx)`; `indices` is None unless asked for.

    Ties go to the first maximum in row order. An index is h * W + w, as a float, float32 where x
    is in half precision. The divisor of "ave" counts padding, but not what hangs over beyond the padding
    (Caffe). A window without any input gives -FLT_MAX and index -1 ("max", as Caffe) or 0 ("ave"), and no
    gradient.
    """
    found = {name: module.PoolingKernel for name, module in _MODULES.items()}
    return choose(device, spec, found)


def make_stochastic(device: Device, spec: Stochastic) -> Any:
    """A kernel with `draw(rng)` (new numbers, in `uniform`), `forward(x, y)` and `backward(x, dy, dx)`.

    `state()` is a JSON-able dictionary of what the numbers depend on besides `rng`; `restore(state, rng)`, to
    be called before the first `draw`, sets it, or starts from `rng` where the state has nothing for it.
    `moving` has the tensors that `draw` changes to have other numbers the next time; none where they come
    from `rng`.

    Drawn is the first value, row by row, at which the running sum of the window reaches u times its total,
    u in (0, 1]: never a leading 0 unless all are 0 (Caffe). A window without any input, or whose sum stays
    below u times a negative total, gives 0 and has no gradient. NaN stays.
    """
    return choose(device, spec, {"cuda": cuda.StochasticKernel, "reference": StochasticKernel})
