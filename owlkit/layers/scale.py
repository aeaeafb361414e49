"""Scale: multiplication by a smaller blob, learned or given."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import eltwise, scale
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.layers.overwritten import KeptInput
from owlkit.proto import caffe_pb2


@register("Scale")
class Scale(Layer):
    """Multiplies by gamma, learned or a second bottom, and may add beta.

    bottom 0 : x, any shape; may run in place.
    bottom 1 (optional) : gamma, the shape of x from axis on, as many axes as it has; without it gamma is
        learned.
    top 0 : y, the shape of x.
    blobs : gamma, x.shape[axis : axis + num_axes], unless it is bottom 1; beta, the same shape (bias_term).
    Formula: y = gamma * x + beta, with gamma and beta repeated along the axes they lack
    Gradient: dx = gamma * dy, dgamma = sum of dy * x, dbeta = sum of dy, over the axes that gamma lacks.
    Parameters (scale_param):
        axis : the first axis of x that gamma has; negative counts from the end.
        num_axes : how many axes gamma has; -1: up to the last; 0: gamma is one number. Not used with two
            bottoms.
        filler : of gamma; constant 1 where none is given.
        bias_term : whether there is a beta.
        bias_filler : of beta; zeros where none is given.
    Source: Caffe's ScaleLayer.
    """

    bottoms = Arity(minimum=1, maximum=2)
    in_place = True
    wide_bottoms = (1,)
    wants_private_bottom = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.scale_param
        x = bottom[0]
        self.learned = len(bottom) == 1
        self.num_axes = self._num_axes(bottom)
        try:
            self.axis = x.canonical_axis(p.axis) if self.num_axes or self.learned else 0
        except IndexError as error:
            raise self.error(f"scale_param.axis: {error}", x) from None
        if self.learned and p.num_axes == -1:
            self.num_axes = x.ndim - self.axis
        if self.axis + self.num_axes > x.ndim:
            raise self.error(
                f"axis {self.axis} and {self.num_axes} axes from there exceed the bottom's {x.ndim}; lower "
                "num_axes",
                x,
            )
        shape = x.shape[self.axis : self.axis + self.num_axes]
        if self.learned:
            ones = caffe_pb2.FillerParameter(type="constant", value=1)
            self.add_param(shape, p.filler if p.HasField("filler") else ones)
        if p.bias_term:
            self.add_param(shape, p.bias_filler if p.HasField("bias_filler") else None)
        self._bias = p.bias_term
        self._spare: dict[tuple[int, Descriptor], Tensor] = {}

    def _num_axes(self, bottom: Blobs) -> int:
        if len(bottom) > 1:
            return bottom[1].ndim
        count = self.param.scale_param.num_axes
        if count < -1:
            raise self.error(f"num_axes is {count}; use -1 for all axes from axis on, or 0 and more")
        return count

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        gamma = self.blobs[0] if self.learned else bottom[1]
        found = x.shape[self.axis : self.axis + self.num_axes]
        if found != gamma.shape or any(blob.shape != found for blob in self.blobs):
            raise self.error(
                f"scales {gamma.shape}, but the bottom has {found} from axis {self.axis} on; choose axis so "
                "that the factors stand there, or Reshape them",
                x,
            )
        top[0].reshape(x.shape)

    @property
    def scales_channels(self) -> bool:
        """Whether it learns one factor per channel, which BatchNorm can apply."""
        return self.learned and (self.axis, self.num_axes) == (1, 1)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].descriptor
        spec = scale.Scale(x, self.axis, self.num_axes, self._bias, wide(x.dtype))
        self.kernel = scale.make(device, spec)
        self.input = KeptInput(device, bottom, top, any(self.propagate_down) or self.wants_params)
        self.prepare_gradients(device)

    def factors(self, bottom: Blobs) -> tuple[Tensor, Tensor | None]:
        """(gamma, beta)"""
        gamma = self.working[0] if self.learned else bottom[1]
        return gamma.data_tensor, self.working[-1].data_tensor if self._bias else None

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(self.input.keep(bottom), top[0].data_tensor, *self.factors(bottom))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        x, dy = self.input.kept(bottom), top[0].diff_tensor
        dx = bottom[0].diff_tensor if propagate_down[0] else self.spare(-1, bottom[0].descriptor)
        targets = self.gradient_targets()
        if not self.learned:
            wanted = propagate_down[1]
            to_gamma = bottom[1].diff_tensor if wanted else self.spare(-2, bottom[1].descriptor)
            targets.insert(0, to_gamma)
        dgamma, dbeta = (*targets, None)[:2]
        self.kernel.backward(x, self.factors(bottom)[0], dy, dx, dgamma, dbeta)
        self.add_gradients(targets[-len(self.working) :] if self.working else [])

    # -- parameter gradients; the kernels only overwrite
    def prepare_gradients(self, device: Device) -> None:
        """Make what `add_gradients` needs; for a layer that absorbed this one, too."""
        if self.working:
            self._addition = eltwise.make_addition(device, self.working[0].descriptor)

    def spare(self, role: int, descriptor: Descriptor) -> Tensor:
        """Memory for a result that nobody wants, or that must be added to something."""
        if (role, descriptor) not in self._spare:
            self._spare[role, descriptor] = Tensor(descriptor)
        return self._spare[role, descriptor]

    def gradient_targets(self) -> list[Tensor]:
        """Where to write the gradient of each of `blobs`; call `add_gradients` afterwards."""
        accumulate = self.begin_accumulate()
        if not accumulate and False not in self.param_propagate_down:
            return [blob.diff_tensor for blob in self.working]
        return [
            blob.diff_tensor if wanted and not accumulate else self.spare(i, blob.descriptor)
            for i, (blob, wanted) in enumerate(zip(self.working, self.param_propagate_down, strict=True))
        ]

    def add_gradients(self, targets: Sequence[Tensor]) -> None:
        """Add what was written beside the gradients to them."""
        for blob, wanted, target in zip(self.working, self.param_propagate_down, targets, strict=True):
            if wanted and target is not blob.diff_tensor:
                self._addition(blob.diff_tensor, target)

    def describe(self) -> str:
        shape = "x".join(map(str, self._shape())) or "one number"
        return f"{shape}{' and bias' if self.param.scale_param.bias_term else ''}"

    def _shape(self) -> tuple[int, ...]:
        return self.blobs[0].shape if self.blobs else ()
