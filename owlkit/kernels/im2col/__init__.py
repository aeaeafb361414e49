"""What a window sees at each place, as channels, and the sum back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.im2col import cuda, onednn, reference


@dataclass(frozen=True)
class Im2col:
    """y[n, (c, o), p] = x[n, c, stride * p - pad + dilation * o], 0 outside x.

    x : descriptor of (*outer, C, *spatial), y : of (*outer, C * prod(kernel), *out).
    axis : that of C. kernel, stride, pad, dilation : one number per spatial axis.
    """

    x: Descriptor
    y: Descriptor
    axis: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def out(self) -> tuple[int, ...]:
        """How many places the window has along each spatial axis."""
        return self.y.shape[self.axis + 1 :]

    @property
    def room(self) -> tuple[int, ...]:
        """The padded spatial axes."""
        lengths = zip(self.x.shape[self.axis + 1 :], self.pad, strict=True)
        return tuple(length + 2 * pad for length, pad in lengths)

    @property
    def inside(self) -> tuple[slice, ...]:
        """Where x lies in its padded form, along the spatial axes."""
        lengths = zip(self.x.shape[self.axis + 1 :], self.pad, strict=True)
        return tuple(slice(pad, pad + length) for length, pad in lengths)

    def seen_at(self, position: tuple[int, ...]) -> tuple[slice, ...]:
        """The pixels of the padded spatial axes that stand at `position` in the window, over all places."""
        axes = zip(position, self.dilation, self.stride, self.out, strict=True)
        return tuple(slice(o * d, o * d + s * (n - 1) + 1, s) for o, d, s, n in axes)


def make(device: Device, spec: Im2col) -> Any:
    """A kernel with `forward(x, y)` and `backward(dy, dx)`, which overwrites dx with sums."""
    found = {"cuda": cuda.Im2colKernel, "onednn": onednn.Im2colKernel, "reference": reference.Im2colKernel}
    return choose(device, spec, found)
