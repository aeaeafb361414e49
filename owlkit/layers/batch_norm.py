"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import batchnorm
from owlkit.layers.activation import ReLU
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.overwritten import KeptInput
from owlkit.layers.scale import Scale


@register("BatchNorm")
class BatchNorm(Layer):
    """Normalises each channel to mean 0 and variance 1 over all images and places.

    bottom 0 : x, (N, C, ...), at least two axes; may run in place.
    top 0 : y, the same shape.
    blobs : running mean (C,), running variance (C,), and their scale (1,), by which both are to be divided; a
        scale of 0 (nothing seen yet) reads mean = variance = 0. Solvers leave them alone (lr_mult 0).
    Formula: y = (x - mean) / sqrt(variance + eps)
    Gradient: dx = (dy - mean(dy) - y mean(dy y)) / sqrt(variance + eps); with global statistics only the
        factor.
    Parameters (batch_norm_param):
        use_global_stats : take the running values in place of the batch's. Not given: in test, not in train.
        moving_average_fraction : f, how much of the running values stays.
        eps : added to the variance.
    Source: Ioffe and Szegedy, Batch normalization, ICML 2015; Caffe's BatchNormLayer.

    While training, mean and variance (biased) are the batch's, and the running values follow: mean' = f mean'
    + mean; variance' = f variance' + m / (m - 1) variance; scale' = f scale' + 1, with m = count / C. They
    forget a batch whose loss a solver finds not finite; Caffe's stay NaN from then on.

    It has no learned scale and shift: a Scale layer with bias_term follows. In place directly behind, such a
    Scale, and a ReLU after that, are computed in the same pass.
    """

    in_place = True
    wants_private_bottom = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.batch_norm_param
        x = bottom[0]
        if x.ndim < 2:
            raise self.error("needs at least two axes (N, C, ...): add a Reshape layer before it", x)
        self.global_stats = p.use_global_stats if p.HasField("use_global_stats") else self.phase == "test"
        for shape in ((x.shape[1],), (x.shape[1],), (1,)):
            self.add_param(shape)
        self._freeze_statistics()

    def _freeze_statistics(self) -> None:
        """Keep solvers from updating the statistics, as Caffe does."""
        specs = self.param.param
        if any(spec.lr_mult != 0 for spec in specs):
            raise self.error("its statistics are not learned; give param { lr_mult: 0 } or no param at all")
        while len(specs) < len(self.blobs):
            specs.add(lr_mult=0.0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        channels = self.blobs[0].shape[0]
        if x.ndim < 2 or x.shape[1] != channels:
            raise self.error(
                f"expects {channels} channels on axis 1, of which its statistics are: keep the input's "
                "channels, or build the net anew",
                x,
            )
        top[0].reshape(x.shape)

    def absorb(self, follower: Layer) -> bool:
        takes = isinstance(follower, Scale) and follower.scales_channels and not self.absorbed
        if isinstance(follower, ReLU):
            takes = not follower.slope and self._relu is None
        if takes:
            self.absorbed.append(follower)
        return takes

    @property
    def _scale(self) -> Scale | None:
        return next((layer for layer in self.absorbed if isinstance(layer, Scale)), None)

    @property
    def _relu(self) -> ReLU | None:
        return next((layer for layer in self.absorbed if isinstance(layer, ReLU)), None)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, p, scale = bottom[0].descriptor, self.param.batch_norm_param, self._scale
        self.scale = scale
        shift = scale is not None and scale.param.scale_param.bias_term
        spec = batchnorm.BatchNorm(
            x, p.eps, self.global_stats, scale is not None, shift, self._relu is not None
        )
        self.kernel = batchnorm.make(device, spec)
        channels = Descriptor((x.shape[1],), wide(x.dtype))
        self.mean, self.variance = Tensor(channels), Tensor(channels)
        count = bottom[0].count // x.shape[1]
        unbias = count / (count - 1) if count > 1 else 1.0
        self._statistics = batchnorm.make_statistics(
            device, batchnorm.Statistics(channels, p.moving_average_fraction, unbias)
        )
        if scale is not None:
            scale.prepare_gradients(device)
        self._no_dx: Tensor | None = None
        self.learns = scale is not None and scale.wants_params
        self.input = KeptInput(device, bottom, top, any(self.propagate_down) or self.learns)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        gamma, beta = self.scale.factors(bottom) if self.scale is not None else (None, None)
        if self.global_stats:
            self._statistics.read(self._running(), self.mean, self.variance)
        x = self.input.keep(bottom)
        self.kernel.forward(x, top[0].data_tensor, self.mean, self.variance, gamma, beta)
        if not self.global_stats:
            self._statistics.follow(self.mean, self.variance, self._running())

    def moving(self) -> Sequence[Tensor]:
        return () if self.global_stats else self._running()

    def _running(self) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance, scale = self.blobs
        return mean.data_tensor, variance.data_tensor, scale.data_tensor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not (propagate_down[0] or self.learns):
            return
        x, dy = self.input.kept(bottom), top[0].diff_tensor
        dx = bottom[0].diff_tensor if propagate_down[0] else self._unwanted(bottom[0].descriptor)
        if self.scale is None:
            self.kernel.backward(x, self.mean, self.variance, None, dy, dx, None, None)
            return
        targets = self.scale.gradient_targets()
        dgamma, dbeta = (*targets, None)[:2]
        gamma = self.scale.working[0].data_tensor
        self.kernel.backward(x, self.mean, self.variance, gamma, dy, dx, dgamma, dbeta)
        self.scale.add_gradients(targets)

    def _unwanted(self, descriptor: Descriptor) -> Tensor:
        """Where the kernel may write a dx that nobody wants."""
        if self._no_dx is None:
            self._no_dx = Tensor(descriptor)
        return self._no_dx

    def describe(self) -> str:
        return "global statistics" if self.global_stats and self.phase == "train" else ""
