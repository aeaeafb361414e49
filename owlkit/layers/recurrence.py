"""What RNN and LSTM have in common (not a layer itself)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import bias, inner_product, recurrent
from owlkit.layers.base import Blobs, Layer

log = logging.getLogger("owlkit")


class Recurrence(Layer):
    """Runs z[t] = w_x x[t] + b (+ w_s s) + w_h (cont[t] h[t - 1]) through a cell, from t = 0 to T - 1.

    The products with w_x and w_s, and all gradients of weights, are one product over all steps; only the
    product with w_h runs step by step. Hidden state is carried from one forward to the next in `carried`,
    unless the net gives and takes it (expose_hidden).

    cell : of the kernel family. gates : values in z per unit. states : hidden states, 1 or 2.
    """

    no_gradient = (1,)
    precision = "half"
    cell: ClassVar[str]
    gates: ClassVar[int]
    states: ClassVar[int]

    # -- definition and shapes
    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.recurrent_param
        if p.num_output < 1:
            raise self.error("num_output is missing; give the number of units")
        self.units, self.exposed = p.num_output, self.states if p.expose_hidden else 0
        self._check_counts(len(bottom), len(top))
        self.has_static = len(bottom) == 3 + self.exposed
        self._carried: tuple[Tensor, ...] = ()
        self._check_bottoms(bottom)
        self.inputs, width = bottom[0].count_between(2), self.gates * self.units
        self.add_param((width, self.inputs), p.weight_filler)
        self.add_param((width,), p.bias_filler)
        if self.has_static:
            self.static_inputs = bottom[2].count_between(1)
            self.add_param((width, self.static_inputs), p.weight_filler)
        self.add_param((width, self.units), p.weight_filler)

    def _check_counts(self, bottoms: int, tops: int) -> None:
        least = 2 + self.exposed
        exposed = "with" if self.exposed else "without"
        if bottoms not in (least, least + 1):
            found = f"{bottoms} bottoms; {exposed} expose_hidden give {least}, or {least + 1} with a static"
            raise self.error(f"{found} input: x, cont, static, then the hidden state if exposed")
        if tops != 1 + self.exposed:
            raise self.error(f"{tops} tops; {exposed} expose_hidden give {1 + self.exposed}")

    def _check_bottoms(self, bottom: Blobs) -> None:
        x, cont = bottom[:2]
        if x.ndim < 2:
            raise self.error("x must be (T, N, ...): time steps, then streams", x)
        if cont.shape != x.shape[:2]:
            raise self.error(
                f"cont must be (T, N) = {x.shape[:2]}; give one marker per step and stream", cont
            )
        streams = x.shape[1]
        if self.has_static and (bottom[2].ndim < 1 or bottom[2].shape[0] != streams):
            raise self.error(f"the static input must be (N, ...) with N = {streams}", bottom[2])
        for state in self._exposed(bottom):
            if state.shape != (1, streams, self.units):
                raise self.error(f"the hidden state must be {(1, streams, self.units)}", state)

    def _check_inputs(self, blob: Blob, axis: int, expected: int) -> None:
        found = blob.count_between(axis)
        if found != expected:
            raise self.error(
                f"its weights take {expected} inputs, found {found}; keep the input's size", blob
            )

    def _exposed(self, bottom: Blobs) -> Sequence[Blob]:
        return bottom[len(bottom) - self.exposed :]

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._check_bottoms(bottom)
        self._check_inputs(bottom[0], 2, self.inputs)
        if self.has_static:
            self._check_inputs(bottom[2], 1, self.static_inputs)
        steps, streams = bottom[0].shape[:2]
        top[0].reshape(steps, streams, self.units)
        for state in top[1:]:
            state.reshape(1, streams, self.units)

    # -- kernels
    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        (steps, streams), width, train = x.shape[:2], self.gates * self.units, self.wants_params
        wanted = list(self.propagate_down) or [False] * len(bottom)
        if wanted[1]:
            raise self.error("cont gets no gradient; feed it from data, or set propagate_down", bottom[1])
        gradient = train or any(wanted)
        whole = Descriptor((steps, streams, width), x.dtype)
        hidden = Descriptor((steps, streams, self.units), x.dtype)
        self._z, self._dz = Tensor(whole), Tensor(whole) if gradient else None
        self._over_inputs = inner_product.make(device, inner_product.InnerProduct(
            x.descriptor, whole, steps * streams, self.inputs, width, train=train, data_gradient=wanted[0],
        ))  # fmt: skip
        if self.has_static:
            part = Descriptor((streams, width), x.dtype)
            self._part = Tensor(part)
            self._over_static = inner_product.make(device, inner_product.InnerProduct(
                bottom[2].descriptor, part, streams, self.static_inputs, width,
                bias=False, train=train, data_gradient=wanted[2],
            ))  # fmt: skip
            # The same for all steps: a bias of as many values as a step has.
            rows = whole.viewed(steps, part.count)
            self._part_row, self._z_rows = self._part.viewed(part.viewed(part.count)), self._z.viewed(rows)
            self._dz_rows = self._dz.viewed(rows) if self._dz is not None else None
            self._over_steps = bias.make(device, bias.Bias(rows, 1, 1))
        if train:
            self._over_hidden = inner_product.make(device, inner_product.InnerProduct(
                hidden, whole, steps * streams, self.units, width, bias=False, data_gradient=False,
            ))  # fmt: skip
        spec = recurrent.Recurrent(self.cell, steps, streams, self.units, x.dtype, gradient)
        self.kernel = recurrent.make(device, spec)
        self._carry(streams)

    def _carry(self, streams: int) -> tuple[Tensor, ...]:
        """The hidden state that goes from one forward to the next; zeros for a new number of streams."""
        shape = (1, streams, self.units)
        if not self._carried or self._carried[0].shape != shape:
            self._carried = tuple(Tensor(Descriptor(shape, self.dtype)) for _ in range(self.states))
        return self._carried

    # -- one pass each way, for the subclasses
    def advance(self, bottom: Blobs, h: Tensor, ending: Blobs) -> None:
        """Write h, (T, N, H), and the exposed state after the last step."""
        z, w_h = self._z, self.working[2 + self.has_static].data_tensor
        w_x, b = self.param_tensors()
        self._over_inputs.forward(bottom[0].data_tensor, w_x, b, z)
        if self.has_static:
            self._over_static.forward(bottom[2].data_tensor, self.working[2].data_tensor, None, self._part)
            self._over_steps.forward(self._z_rows, self._part_row, self._z_rows)
        start = tuple(blob.data_tensor for blob in self._exposed(bottom)) or self._carried
        kept = tuple(blob.data_tensor for blob in ending) or self._carried
        self.kernel.forward(z, w_h, bottom[1].data_tensor, start, h, kept)
        if self.param.recurrent_param.debug_info:
            self._log(h)

    def _log(self, h: Tensor) -> None:
        for t, values in enumerate(h.peek()):
            log.info("%s, step %d: |h| %.6g", self.name, t, np.abs(values).mean())

    def retreat(self, dh: Tensor, propagate_down: Sequence[bool], bottom: Blobs, accumulate: bool) -> None:
        """From the gradient of h to those of the bottoms and of the parameters up to w_h."""
        dz, last = self._dz, 2 + self.has_static
        assert dz is not None
        w_h, cont = self.working[last].data_tensor, bottom[1].data_tensor
        self.kernel.backward(dh, self._z, w_h, cont, dz)
        if self.has_static:
            self._over_steps.gradient(self._dz_rows, self._part_row)
        if self.wants_params:
            x = bottom[0].data_tensor
            self._over_inputs.backward_params(x, dz, self.gradient(0), self.gradient(1), accumulate)
            self._over_hidden.backward_params(self.kernel.past, dz, self.gradient(last), None, accumulate)
        if self.wants_params and self.has_static:
            static = bottom[2].data_tensor
            self._over_static.backward_params(static, self._part, self.gradient(2), None, accumulate)
        if propagate_down[0]:
            self._over_inputs.backward_data(dz, self.working[0].data_tensor, bottom[0].diff_tensor)
        if self.has_static and propagate_down[2]:
            self._over_static.backward_data(self._part, self.working[2].data_tensor, bottom[2].diff_tensor)
        first = len(bottom) - self.exposed
        for wanted, state in zip(propagate_down[first:], bottom[first:], strict=True):
            if wanted:  # Caffe leaves there whatever it was
                state.diff_tensor.zero()

    def gradient(self, index: int) -> Tensor | None:
        """The gradient of parameter `index`, None where nobody wants it."""
        return self.working[index].diff_tensor if self.wants_param(index) else None

    # -- the rest
    def reset(self) -> None:
        """Forget the hidden state that is carried from one forward to the next."""
        for state in self._carried:
            state.flat[...] = 0

    def state(self) -> dict[str, Any]:
        if self.exposed:
            return {}
        return {"hidden": [state.peek().astype(np.float64).tolist() for state in self._carried]}

    def restore_state(self, state: dict[str, Any]) -> None:
        for values, target in zip(state["hidden"], self._carry(len(state["hidden"][0][0])), strict=True):
            target.array[...] = values

    def moving(self) -> Sequence[Tensor]:
        return () if self.exposed else self._carried

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_step = self.gates * self.units * (self.inputs + self.units)
        static = self.blobs[2].count * bottom[0].shape[1] if self.has_static else 0
        return bottom[1].count * per_step + static

    def describe(self) -> str:
        return f"{self.units} units"
