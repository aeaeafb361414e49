"""Transformer: pycaffe's preparation of images for a net's inputs, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.caffe.images import resize_image
from owlkit.core.errors import DataError, closest

if TYPE_CHECKING:
    from owlkit.caffe.net import Net


class Transformer:
    """Formats images for inputs of a net: (H, W, K) to (K, H, W), each step only where it was set.

    inputs : name -> shape of the blob, (N, K, H, W).

    `preprocess` resizes to (H, W), moves axes (`set_transpose`), exchanges channels (`set_channel_swap`),
    multiplies (`set_raw_scale`), subtracts (`set_mean`) and multiplies again (`set_input_scale`).
    Raises DataError, in every method, for an input that is not in `inputs`.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, float] = {}

    def _shape(self, in_: str) -> tuple[int, ...]:
        """(K, H, W) of an input."""
        if in_ not in self.inputs:
            near = closest(in_, self.inputs)
            raise DataError(f"{in_!r} is no input of this Transformer{near}; it has {list(self.inputs)}")
        return tuple(int(n) for n in self.inputs[in_][1:])

    # -- what is done
    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """order : of the axes, (2, 0, 1) for images (H, W, K). Raises DataError where it names others."""
        shape = self._shape(in_)
        if len(order) != len(shape):
            raise DataError(f"transpose {tuple(order)} must name the {len(shape)} axes of input {in_!r}")
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """order : which channel comes first, second, ... after transpose; (2, 1, 0) makes BGR of RGB.

        Raises DataError where it does not name as many channels as the input has.
        """
        channels = self._shape(in_)[0]
        if len(order) != channels:
            raise DataError(f"channel_swap {tuple(order)} must name the {channels} channels of input {in_!r}")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Multiply before the mean is subtracted: 255 brings images from 0..1 to what models learned on."""
        self._shape(in_)
        self.raw_scale[in_] = scale

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Multiply at the end, after the mean was subtracted."""
        self._shape(in_)
        self.input_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """The values to subtract.

        mean : (K,) one for each channel, or an image (K, H, W), (1, H, W) or (H, W), resized to the input's
        size where it has another. Raises DataError for other shapes.
        """
        shape = self._shape(in_)
        mean = np.asarray(mean)
        if mean.ndim == 1:
            if mean.shape[0] != shape[0]:
                raise DataError(f"mean of {mean.shape[0]} values, but input {in_!r} has {shape[0]} channels")
            self.mean[in_] = mean[:, None, None]
            return
        image = mean[None] if mean.ndim == 2 else mean
        if image.ndim != 3 or image.shape[0] not in (1, shape[0]):
            advice = "; take the first of its images, mean[0]" if mean.ndim == 4 else ""
            raise DataError(f"mean of shape {mean.shape} for input {in_!r} of shape {shape}{advice}")
        if image.shape[1:] != shape[1:]:
            mean = resize_image(image.transpose(1, 2, 0), shape[1:]).transpose(2, 0, 1)
        self.mean[in_] = mean

    # -- doing it
    def preprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """An image ready for the net.

        data : (H', W', K), any size and type; unlike pycaffe's it is never written to. Returns (K, H, W)
        float32. Raises DataError for another number of axes, or where it cannot be resized.
        """
        size = self._shape(in_)[1:]
        image = np.array(data, np.float32)
        if size and image.shape[: len(size)] != size:
            image = resize_image(image, size)
        if in_ in self.transpose:
            if image.ndim != len(self.transpose[in_]):
                raise DataError(
                    f"images for {in_!r} have axes (height, width, channels), found shape {image.shape}; "
                    "a gray image gets its channel by image[:, :, None]"
                )
            image = image.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            order = list(self.channel_swap[in_])
            if max(order) >= len(image):  # of more, such as a fourth of opacity, it takes those it names
                raise self._other_channels(in_, image, len(order))
            image = image[order]
        if in_ in self.raw_scale:
            image *= self.raw_scale[in_]
        if in_ in self.mean:
            mean = self.mean[in_]
            if image.ndim == mean.ndim == 3 and len(mean) not in (1, len(image)):  # one goes for all
                raise self._other_channels(in_, image, len(mean))
            image -= mean
        if in_ in self.input_scale:
            image *= self.input_scale[in_]
        return image

    def _other_channels(self, in_: str, image: np.ndarray, expected: int) -> DataError:
        """expected : channels that a step was set for."""
        advice = "caffe.io.load_image(file) gives three, with color=False one"
        if in_ not in self.transpose and image.shape[-1] == expected:
            advice = f"set_transpose({in_!r}, (2, 0, 1)) brings the last axis to the front"
        found = f"found {len(image)} in one of shape {image.shape}"
        return DataError(f"images for {in_!r} have {expected} channels, {found}; {advice}")

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """The way back: a blob's data of one image, (K, H, W) or (1, K, H, W), as an image (H, W, K).

        Axes of length 1 are dropped where the steps set leave that open. The size stays the net's.
        """
        axes = len(self._shape(in_))
        image = np.array(data, np.result_type(data, np.float32)).squeeze()
        if image.ndim != axes and (in_ in self.transpose or in_ in self.channel_swap):
            image = image.reshape(np.shape(data)[-axes:])
        if in_ in self.input_scale:
            image /= self.input_scale[in_]
        if in_ in self.mean:
            image = image + self.mean[in_].astype(image.dtype)
        if in_ in self.raw_scale:
            image /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            image = image.transpose(np.argsort(self.transpose[in_]))
        return image


def transformer_of(
    net: Net,
    mean: np.ndarray | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> Transformer:
    """What Classifier and Detector prepare images with: a Transformer for the net's first input.

    Raises DataError where the net has no input of four axes.
    """
    name = net.inputs[0] if net.inputs else None
    if name is None or len(net.blobs[name].shape) != 4:
        found = "none" if name is None else f"{name!r} of {tuple(net.blobs[name].shape)}"
        raise DataError(
            f"images need an input of shape (N, K, H, W); the net's first input is {found}: "
            "give the definition for deployment, not the one for training"
        )
    transformer = Transformer({name: tuple(net.blobs[name].shape)})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer
