"""Detector: windows of images, each warped to a net's input and classified, as R-CNN does it."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from owlkit.caffe.image_file import load_image
from owlkit.caffe.images import resize_image
from owlkit.caffe.mode import TEST
from owlkit.caffe.net import Net
from owlkit.caffe.transformer import transformer_of
from owlkit.core.errors import DataError, OwlkitError


class SelectiveSearchError(OwlkitError, ImportError):
    """The program that proposes windows is not there."""


class Detector(Net):
    """A net for windows of images.

    model_file, pretrained_file : prototxt and caffemodel.
    mean, input_scale, raw_scale, channel_swap : see `io.Transformer`.
    context_pad : pixels of the net's input, on each side, that show what surrounds the window; None or 0
    warps the window alone. Raises DataError where the net has no input for images.
    """

    def __init__(
        self,
        model_file: Any,
        pretrained_file: Any,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[Any, Iterable[Any]]]) -> list[dict[str, Any]]:
        """Classify windows of image files.

        images_windows : (file, windows) each; a window is (ymin, xmin, ymax, xmax), the last ones excluded.
        Returns for each window a dict of `window`, `filename` and `prediction`, the first output's row.
        Raises DataError for a file that is no image, or a window outside its image.
        """
        asked = [(file, list(windows)) for file, windows in images_windows]
        cuts = self._cuts(asked)
        name = self.inputs[0]
        predictions: list[np.ndarray] = []
        # Batch by batch: the thousands of windows of R-CNN do not fit into memory at once.
        size = self.blobs[name].shape[0]
        while batch := list(itertools.islice(cuts, size)):
            ready = np.stack([self.transformer.preprocess(name, cut) for cut in batch])
            inputs: dict[str, Any] = {name: ready}
            predictions.extend(self.forward_all(**inputs)[self.outputs[0]])
        names = [(file, window) for file, windows in asked for window in windows]
        return [
            {"window": window, "prediction": prediction, "filename": file}
            for (file, window), prediction in zip(names, predictions, strict=True)
        ]

    def _cuts(self, asked: list[tuple[Any, list[Any]]]) -> Iterator[np.ndarray]:
        for file, windows in asked:
            image = load_image(file)
            for window in windows:
                try:
                    yield self.crop(image, window)
                except DataError as error:
                    error.add(f"image {file}")
                    raise

    def detect_selective_search(self, image_fnames: Sequence[Any]) -> list[dict[str, Any]]:
        """Classify the windows that Selective Search proposes for image files; see `detect_windows`.

        The proposals come, as in pycaffe, from the package selective_search_ijcv_with_python, which runs
        MATLAB. Raises SelectiveSearchError (an ImportError) where it is not there.
        """
        try:
            search = importlib.import_module("selective_search_ijcv_with_python")
        except ImportError as error:
            raise SelectiveSearchError(
                "detect_selective_search needs selective_search_ijcv_with_python "
                "(github.com/sergeyk/selective_search_ijcv_with_python) on Python's path, and MATLAB; or "
                "take windows from another method and call detect_windows([(file, windows), ...])"
            ) from error
        files = [os.path.abspath(file) for file in image_fnames]
        windows = search.get_windows(files, cmd="selective_search_rcnn")
        return self.detect_windows(zip(files, windows, strict=True))

    def configure_crop(self, context_pad: int | None) -> None:
        """Set how much context windows get, and with which values it is filled outside the image.

        The filling is the mean as images have it, so that it becomes 0 in the net's input.
        """
        name = self.inputs[0]
        back = np.argsort(self.transformer.transpose[name])
        self.crop_dims = np.array(self.blobs[name].shape[1:])[back]
        self.context_pad = context_pad
        if not context_pad:
            return
        if self.crop_dims[0] != self.crop_dims[1] or 2 * context_pad >= self.crop_dims[0]:
            raise DataError(
                f"context_pad={context_pad} needs a square input of more than {2 * context_pad} pixels; "
                f"the net's is {self.crop_dims[0]}x{self.crop_dims[1]}"
            )
        mean = self.transformer.mean.get(name)
        if mean is None:
            self.crop_mean = np.zeros(self.crop_dims, np.float32)
            return
        filling = np.array(mean, np.float32).reshape((1,) * (3 - mean.ndim) + mean.shape).transpose(back)
        if name in self.transformer.channel_swap and filling.shape[2] > 1:
            filling = filling[:, :, np.argsort(self.transformer.channel_swap[name])]
        self.crop_mean = filling / self.transformer.raw_scale.get(name, 1)

    def crop(self, im: np.ndarray, window: Sequence[float]) -> np.ndarray:
        """The part of an image that a window shows, with its context where that is configured.

        im : (H, W, K). window : (ymin, xmin, ymax, xmax). Returns (h, w, K), with context (H, W, K) of the
        net's input. Raises DataError for a window outside the image.
        """
        box = np.array(window, np.float64)
        top, left, bottom, right = box.astype(int)
        if not self.context_pad:
            part = im[top:bottom, left:right]
            self._check(part, im, window)
            return part
        return self._with_context(im, box, window)

    def _with_context(self, im: np.ndarray, box: np.ndarray, window: Sequence[float]) -> np.ndarray:
        """Grow the box such that it fills the input but for `context_pad`; what lies outside is the mean."""
        size, pad = int(self.crop_dims[0]), int(self.context_pad or 0)
        half = (box[2:] - box[:2] + 1) / 2
        reach = half * size / (size - 2 * pad)
        centre = box[:2] + half
        low, high = np.rint(centre - reach), np.rint(centre + reach)
        scale = size / (high - low + 1)  # pixels of the input for one of the image, by axis
        start = _round(np.maximum(0, -low) * scale)
        limit = np.array(im.shape[:2])
        low, high = (np.clip(edge, 0, limit).astype(int) for edge in (low, high))
        extent = np.minimum(_round((high - low + 1) * scale), size - start)
        part = im[low[0] : high[0], low[1] : high[1]]
        self._check(part, im, window)
        crop = np.ones(self.crop_dims, np.float32) * self.crop_mean
        (y, x), (rows, columns) = start, extent
        crop[y : y + rows, x : x + columns] = resize_image(part, (rows, columns))
        return crop

    @staticmethod
    def _check(part: np.ndarray, im: np.ndarray, window: Sequence[float]) -> None:
        if 0 in part.shape:
            shown = tuple(float(n) for n in window)
            raise DataError(
                f"window (ymin, xmin, ymax, xmax) = {shown} shows nothing of an image of "
                f"{im.shape[0]}x{im.shape[1]}"
            )


def _round(values: np.ndarray) -> np.ndarray:
    """Halves away from zero, as Python 2 rounded when pycaffe was written; values are not negative."""
    return np.floor(values + 0.5).astype(int)
