"""One image on its way through a net, layer by layer: also where one layer writes over what another gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from owlkit.core.errors import OwlkitError
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.prediction import Prediction, predict, probability_layer
from owlkit.inspection.receptive_field import ReceptiveField, receptive_fields
from owlkit.inspection.twin import Twin
from owlkit.net import Net


@dataclass(frozen=True)
class LayerTop:
    """What a layer gave. shape : (C, H, W) or (C,). silent : channels of a plane without a positive value."""

    name: str
    type: str
    blob: str
    shape: tuple[int, ...]
    silent: int

    @property
    def has_plane(self) -> bool:
        return len(self.shape) == 3 and self.shape[1] * self.shape[2] > 1


class Layerwise:
    """The net itself is not touched: a twin with its weights runs the image, in test phase.

    image : as ImageInput takes it. Raises NetError where the net takes no images, DataError where the image
    does not fit.
    """

    def __init__(self, net: Net, image: Any, prepare: ImageInput | None = None) -> None:
        self.prepare = prepare or input_of(net)
        self._twin = Twin(net)
        self.prepared = self.prepare(image, self._twin.shape)
        self.layers: dict[str, LayerTop] = {}
        self._gathering = True
        self._twin.net.watch_layers("after_forward", self._gather)
        try:
            self._twin.net.blobs[self._twin.input].data[...] = self.prepared
            with self._twin.steady():
                self._twin.net.forward(end=self._twin.net.layer_names[-1])
        except OwlkitError:
            if not self.layers:  # else it is a loss that has no labels here: what came before it can be seen
                raise
        self._gathering = False
        self._fields = receptive_fields(self._twin.net.graph)

    def _gather(self, index: int) -> None:
        node = self._twin.net.graph.nodes[index]
        if not self._gathering or node.layer.type == "Split" or not node.top_names:
            return
        top = self._twin.net.blobs[node.top_names[0]]
        if top.ndim not in (2, 4) or top.shape[0] != 1 or not node.bottom:
            return
        known = LayerTop(node.name, node.layer.type, node.top_names[0], tuple(top.shape[1:]), 0)
        quiet = len(silent(np.asarray(top.data[0]))) if known.has_plane else 0
        self.layers[node.name] = LayerTop(known.name, known.type, known.blob, known.shape, quiet)

    @property
    def image(self) -> np.ndarray:
        """The image as the net got it: uint8 (H, W, 3) or (H, W)."""
        return self.prepare.restore(self.prepared)

    def layer_of(self, name: str) -> str:
        """The layer meant by a layer's or a blob's name; NetError for an unknown one."""
        return self._twin.layer_of(name)

    def values(self, layer: str) -> np.ndarray:
        """Copy of a layer's first top as that layer gave it, (C, H, W) or (C,)."""
        return self._twin.run(self.prepared[None], layer)[0]

    def classes(self, labels: Sequence[str] | None = None, k: int = 5) -> tuple[str, Prediction] | None:
        """The layer with a value per class, and the k most likely; None where the net does not classify.

        Raises NetError where there are more classes than labels, or values per class and place.
        """
        found = probability_layer(self._twin.net.graph)
        if found is None:
            return None
        layer, blob, softmax = found
        layer = self._twin.layer_of(blob) if softmax else layer
        return layer, predict(self.values(layer), labels, softmax=softmax, k=k)

    def field(self, layer: str) -> ReceptiveField | None:
        """What units of a layer's top see of the image; None where it cannot be told."""
        found = self._fields.get(self._twin.net.top_names[layer][0])
        return found if found is not None and found.input == self._twin.input else None


def silent(values: np.ndarray) -> np.ndarray:
    """Numbers of the channels of (C, H, W) without any positive value."""
    return np.flatnonzero(~(values > 0).any((1, 2)))
