"""A net made to look into another: its weights, inputs in place of its data layers, a batch of one's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.dtypes import wide
from owlkit.core.errors import NetError, closest
from owlkit.net import Net
from owlkit.net.graph import Graph
from owlkit.net.in_use import images_at_a_time, refit, stands_for_data
from owlkit.proto import caffe_pb2

BATCH = 16
MOST_BYTES = 1 << 29  # of blobs


class Twin:
    """A net in test phase that shares the weights of `net`; the net itself is left alone.

    While a Run trains it, the weights are copies of those between two iterations, so that all answers of a
    twin are those of one net. Of a training that is stepped by hand, or that begins later, each pass waits
    for the end of the iteration.

    batch : length of axis 0 of its inputs. gradients : whether gradients reach the input.
    Raises NetError where the net has no input with the axes N, C, H, W.
    """

    def __init__(self, net: Net, batch: int = 1, *, gradients: bool = False) -> None:
        net = getattr(net, "owlkit_net", net)  # of a caffe.Net
        definition = with_inputs(net.graph, _shapes(net, batch))
        trained = images_at_a_time(net.graph)
        for layer in definition.layer:
            refit(net.graph, layer, trained, batch)
        definition.force_backward = gradients
        dtype = wide(net.dtype)  # of its weights, in half precision too
        self.net = Net(definition, phase="test", device=net.device, dtype=dtype, share=net, fuse=False)
        images = [name for name in self.net.inputs if self.net.blobs[name].ndim == 4]
        if not images:
            raise NetError(f"{net.name or 'the net'} has no input (N, C, H, W) to put images in")
        self.input = images[0]
        self._gradients = gradients
        self._copied = self.net.in_training_elsewhere
        if self._copied:
            self._take_copies()

    def _take_copies(self) -> None:
        with self.net.at_rest():
            values = [(blob, np.array(blob.peek())) for layer in self.net.layers for blob in layer.blobs]
        for blob, array in values:
            blob.own_data()
            blob.data[...] = array

    def steady(self) -> AbstractContextManager[None]:
        """Meanwhile no training changes the weights: passes are those of one net. It waits, so be short.

        Whoever wants its turn of the twin besides asks for this first.
        """
        return nullcontext() if self._copied else self.net.at_rest()

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W) of the input."""
        return self.net.blobs[self.input].shape

    def layer_of(self, name: str) -> str:
        """The layer that is meant by a layer's or a blob's name; of several that write a blob the last.

        Raises NetError for an unknown name, and for a blob that is no first top: `run` is about these.
        """
        if name in self.net.layer_names:
            return name
        writers = [layer for layer, tops in self.net.top_names.items() if name in tops]
        if not writers:
            known = [*self.net.layer_names, *self.net.blobs]
            raise NetError(f"there is no layer or blob {name!r}{closest(name, known)}")
        first = self.net.top_names[writers[-1]][0]
        if name != first:
            raise NetError(
                f"blob {name!r} is not the first top of layer {writers[-1]!r} (that is {first!r}), and only "
                f"first tops are shown; ask for a layer that reads {name!r}"
            )
        return writers[-1]

    def top(self, layer: str) -> Blob:
        """First top of a layer."""
        return self.net.blobs[self.net.top_names[layer][0]]

    def run(self, images: np.ndarray, layer: str) -> np.ndarray:
        """Copy of the first top of `layer`, (n, ...), for n prepared images (n, C, H, W), at most a batch."""
        with self.steady(), self.net.turns.taken():  # what another thread runs is in the same blobs
            data = self.net.blobs[self.input].data
            data[: len(images)] = images
            data[len(images) :] = 0
            self.net.forward(end=layer)
            return np.array(self.top(layer).data[: len(images)])

    def gradient(self, layer: str, wanted: np.ndarray) -> np.ndarray:
        """Gradient of sum(wanted * top of `layer`) with respect to the input, (N, C, H, W), after `run`.

        Of one net where both are called while it is `steady`.
        """
        if not self._gradients:
            raise ValueError("this twin was made without gradients=True")
        for blob in self.net.blobs.values():
            blob.diff[...] = 0
        self.top(layer).diff[...] = wanted
        with self.steady():
            self.net.backward(start=layer)
        return np.array(self.net.blobs[self.input].diff)


def batch_for(net: Net, images: int) -> int:
    """How many images to run at a time: up to 16, fewer where the blobs of a batch would fill memory."""
    net = getattr(net, "owlkit_net", net)
    shapes = (blob.shape for blob in net.blobs.values() if blob.shape)
    per_image = sum(math.prod(shape[1:]) for shape in shapes) * np.dtype(net.dtype).itemsize
    return max(1, min(BATCH, images, MOST_BYTES // max(per_image, 1)))


def with_inputs(graph: Graph, shapes: Mapping[str, Sequence[int]]) -> Any:
    """The definition of a graph as it was filtered; Input layers make the tops that `shapes` names."""
    definition = caffe_pb2.NetParameter()
    definition.CopyFrom(graph.definition)
    for layer in definition.layer:
        layer.ClearField("include")
        layer.ClearField("exclude")
        if layer.top and not layer.bottom and all(name in shapes for name in layer.top):
            name, tops = layer.name, list(layer.top)
            layer.Clear()
            layer.name, layer.type = name, "Input"
            layer.top.extend(tops)
            for top in tops:
                layer.input_param.shape.add(dim=shapes[top])
    return definition


def _shapes(net: Net, batch: int) -> dict[str, tuple[int, ...]]:
    """Of what layers without bottoms and weights make, for a batch of this length; constants stay."""
    sources = [node for node in net.graph.nodes if not node.bottom and not node.layer.blobs]
    others = any(node.layer.type != "DummyData" for node in sources)
    made = [
        top
        for node in sources
        if node.layer.type != "DummyData" or stands_for_data(node.layer.param, others)
        for top in node.top
    ]
    return {top.name: (batch, *top.shape[1:]) if top.shape else () for top in made}
