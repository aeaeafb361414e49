"""A batch taken back: what a forward pass changes for good is kept before it.

Running averages then forget a batch whose loss is no number, and a net on a GPU can run a batch again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import keep
from owlkit.layers.base import Layer


class Rewind:
    """Counts of random numbers, running averages, carried states: see `Layer.moving`.

    state : of the net's guard, on a GPU. Once a loss has stopped updates, what was kept before that iteration
    stays, although another one is queued behind it. Layers that were prepared anew between the two (for a
    batch of another shape) have new counts: of these the later one is kept.
    """

    def __init__(self, device: Device, layers: Sequence[Layer], state: Tensor | None) -> None:
        self._device, self._state = device, state
        self._layers = [layer for layer in layers if type(layer).moving is not Layer.moving]
        self._moving: list[Tensor] = []
        self._copies: list[Tensor] = []
        self._kernel = keep.make(device, ())

    def keep(self) -> None:
        """Queue copies of it as it is."""
        moving = [tensor for layer in self._layers for tensor in layer.moving()]
        if moving != self._moving:  # tensors are compared by identity
            self._follow(moving)
        if moving:
            self._kernel.copy(moving, self._copies, self._state)

    def _follow(self, moving: list[Tensor]) -> None:
        kept = dict(zip(self._moving, self._copies, strict=True))
        new = [tensor for tensor in moving if tensor not in kept]
        copies = [Tensor(tensor.descriptor) for tensor in new]
        self._kernel = keep.make(self._device, tuple(tensor.descriptor for tensor in moving))
        if new:
            self._kernel.copy(new, copies, None)
        kept |= zip(new, copies, strict=True)
        self._moving, self._copies = moving, [kept[tensor] for tensor in moving]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was kept, for there is nothing that passes change."""
        return not self._moving

    def restore(self) -> None:
        """Queue that it be as it was when it was kept last."""
        if self._moving:
            self._kernel.copy(self._copies, self._moving, None)


class HostStates:
    """The same of what lies in the host's memory, as it is now: positions in the data, generators of layers
    that draw there. A layer that a user wrote has its own, which is not known.

    reading, drawing : layers that read data, and those that draw.
    """

    def __init__(self, reading: Sequence[Layer], drawing: Sequence[Layer]) -> None:
        self._positions = [(layer, layer.state()) for layer in reading]
        self._generators: list[tuple[Any, Any]] = []
        for layer in drawing:
            generator = layer.rng.bit_generator
            self._generators.append((generator, generator.state))

    def restore(self) -> None:
        """Put it back."""
        for layer, state in self._positions:
            layer.restore_state(state)
        for generator, state in self._generators:
            generator.state = state
