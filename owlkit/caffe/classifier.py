"""Classifier: a net that takes images and gives the probabilities of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.caffe.images import oversample as ten_crops
from owlkit.caffe.images import resize_image
from owlkit.caffe.mode import TEST
from owlkit.caffe.net import Net
from owlkit.caffe.transformer import transformer_of
from owlkit.core.errors import DataError


class Classifier(Net):
    """A net for images.

    model_file, pretrained_file : prototxt and caffemodel. image_dims : (height, width) to which images are
    resized before they are cropped to the net's input; None takes the input's.
    mean, input_scale, raw_scale, channel_swap : see `io.Transformer`.
    Raises DataError where the net has no input for images, and what `Net` raises.
    """

    def __init__(
        self,
        model_file: Any,
        pretrained_file: Any,
        image_dims: Sequence[int] | None = None,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        given = image_dims is not None and len(image_dims) > 0
        self.image_dims = np.array(image_dims) if given else self.crop_dims

    def predict(self, inputs: Sequence[np.ndarray], oversample: bool = True) -> np.ndarray:
        """The first output for each image.

        inputs : images (H, W, K) of any sizes, as `io.load_image` gives them.
        oversample : average over the four corners, the centre and their mirrors; otherwise the centre alone.
        Returns (N, classes) float32 with oversample, else (N, ...) as the output has it. Raises DataError for
        no images, or for crops larger than `image_dims`.
        """
        if not len(inputs):
            raise DataError("predict takes one image or more, (height, width, channels) each, in a list")
        resized = np.stack([resize_image(image, self.image_dims) for image in inputs])
        # The centre is the fifth of the ten crops.
        crops = ten_crops(resized, self.crop_dims)
        if not oversample:
            crops = crops[4::10]
        name = self.inputs[0]
        ready: dict[str, Any] = {name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])}
        predictions = self.forward_all(**ready)[self.outputs[0]]
        if oversample:
            predictions = predictions.reshape(len(inputs), 10, -1).mean(1)
        return predictions
