"""One image on its way through a net: every blob as it was, and what the net says in the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, NetError, OwlkitError, closest
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.prediction import Prediction, predict, probability_layer
from owlkit.inspection.twin import Twin
from owlkit.io.photographs import open_image
from owlkit.net import Net


class Look:
    """The net itself is not touched: a twin with its weights runs the image, in test phase, unfused.

    image : as `ImageInput` takes it, or the bytes of an image file. Raises NetError where the net takes no
    images, DataError where the image is missing or does not fit.
    """

    def __init__(
        self, net: Net, image: Any, prepare: ImageInput | None = None, labels: Sequence[str] | None = None
    ) -> None:
        if image is None:
            raise DataError("there is no image to look at; give one (a path, a PIL image, a uint8 array)")
        self._prepare = prepare or input_of(net)
        self._labels = labels
        self._twin = Twin(net)
        self.prepared = self._prepare(_opened(image), self._twin.shape)
        self.reached = self._run()

    def _run(self) -> int:
        """Run as many layers as can be: a loss may refuse labels that are not there."""
        graph = self._twin.net.graph
        found = probability_layer(graph)
        last = found[0] if found is not None else graph.nodes[-1].name
        self._twin.net.blobs[self._twin.input].data[...] = self.prepared
        with self._twin.steady():
            try:
                self._twin.net.forward(end=graph.nodes[-1].name)
                last = graph.nodes[-1].name
            except OwlkitError:
                if found is None:
                    raise
                self._twin.net.forward(end=last)
        return self._twin.net.layer_names.index(last)

    @property
    def shown(self) -> np.ndarray:
        """The image as the net got it: uint8 (H, W, 3) or (H, W)."""
        return self._prepare.restore(self.prepared)

    @property
    def input(self) -> str:
        """Name of the blob that the image was put into."""
        return self._twin.input

    @cached_property
    def blobs(self) -> list[str]:
        """Names of blobs that hold values of this image: (1, C), (1, C, H, W) and the like."""
        nodes = self._twin.net.graph.nodes[: self.reached + 1]
        names = dict.fromkeys(name for node in nodes if node.layer.type != "Split" for name in node.top_names)
        return [name for name in names if self._twin.net.blobs[name].ndim in (2, 4)]

    def blob(self, name: str) -> np.ndarray:
        """Copy of a blob, (C, H, W) or (C,), as the layers in place on it left it.

        Raises NetError for a blob that the net does not have, or that holds no values of an image.
        """
        if name not in self.blobs:
            raise NetError(f"there is no blob {name!r} with values of the image{closest(name, self.blobs)}")
        return np.array(self._twin.net.blobs[name].data[0])

    def predict(self, k: int = 5) -> Prediction:
        """The k most likely classes. Raises NetError where the net does not classify."""
        found = probability_layer(self._twin.net.graph)
        if found is None:
            raise NetError(
                "the net has no Softmax and no SoftmaxWithLoss: it gives no probabilities of classes"
            )
        _, blob, softmax = found
        return predict(self.blob(blob), self._labels, softmax=softmax, k=k)


def _opened(image: Any) -> Any:
    """Arrays of floats count as prepared, bytes are those of an image file, the rest is for ImageInput."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        import io

        try:
            return open_image(io.BytesIO(bytes(image)))
        except DataError:
            raise DataError("what was given is no image that can be read; try PNG or JPEG") from None
    return image
