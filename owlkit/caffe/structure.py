"""What a net is made of, by pycaffe's names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from owlkit.caffe.arrays import Arrays
from owlkit.caffe.blobs import Blob, BlobVec
from owlkit.caffe.layer import shown_layer
from owlkit.core.names import NamedInOrder
from owlkit.net import Net as CoreNet
from owlkit.net.described import params_of

_PHASE = "the phase is an argument, caffe.Net(file, weights, caffe.TEST)"
_UNTIL_2014 = {
    "set_phase_test": _PHASE,
    "set_phase_train": _PHASE,
    "set_mode_cpu": "caffe.set_mode_cpu(), before the net is made",
    "set_mode_gpu": "caffe.set_mode_gpu(), before the net is made",
    "set_device": "caffe.set_device(number), before the net is made",
} | {
    name: f"a caffe.io.Transformer has {name}"
    for name in ("set_mean", "set_input_scale", "set_raw_scale", "set_channel_swap", "preprocess")
}
"""What pycaffe's nets had at first, and where it went."""


class Structure:
    """Base of Net: its blobs, parameters, layers and their names. Running is Net's part."""

    if not TYPE_CHECKING:  # there, what is not defined is a mistake

        def __getattr__(self, name: str) -> Any:
            if name in _UNTIL_2014:
                raise AttributeError(f"a caffe.Net has no {name} since 2014: {_UNTIL_2014[name]}")
            return object.__getattribute__(self, name)  # its own error

    def __init__(self, net: CoreNet) -> None:
        self._net, self._arrays = net, Arrays()
        self._layer_names = net.layer_names
        blobs, params = net.graph.blobs, params_of(net.graph)
        self._blobs_shown: NamedInOrder[Blob] = NamedInOrder(
            ((name, Blob(b, self._arrays)) for name, b in blobs.items()), blobs.what, blobs.hints
        )
        self._params_shown: NamedInOrder[BlobVec] = NamedInOrder(
            ((name, BlobVec(b, self._arrays)) for name, b in params.items()), params.what, params.hints
        )
        self._layers_shown = [shown_layer(layer, self._arrays) for layer in net.layers]

    @property
    def blobs(self) -> OrderedDict[str, Blob]:
        """Blob name -> Blob, in the order in which they are made."""
        return self._blobs_shown

    @property
    def params(self) -> OrderedDict[str, BlobVec]:
        """Layer name -> its learned blobs (weights, bias), for layers that have any."""
        return self._params_shown

    @property
    def layers(self) -> list[Any]:
        """All layers, Split layers included; a Python layer is the object of the user's class."""
        return self._layers_shown

    @property
    def layer_dict(self) -> OrderedDict[str, Any]:
        """Layer name -> layer."""
        layers = zip(self._layer_names, self._layers_shown, strict=True)
        return NamedInOrder(layers, ("layer", "net.layer_dict"))

    @property
    def inputs(self) -> list[str]:
        """Names of the blobs that the user fills."""
        return list(self._net.inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return list(self._net.outputs)

    @property
    def top_names(self) -> OrderedDict[str, list[str]]:
        """Layer name -> names of the blobs that it makes."""
        return _copied(self._net.top_names, "net.top_names")

    @property
    def bottom_names(self) -> OrderedDict[str, list[str]]:
        """Layer name -> names of the blobs that it reads."""
        return _copied(self._net.bottom_names, "net.bottom_names")

    @property
    def blob_loss_weights(self) -> OrderedDict[str, float]:
        """Blob name -> its weight in the loss, 0 for most."""
        weights = OrderedDict.fromkeys(self._net.blobs, 0.0)
        for node in self._net.graph.nodes:
            weights.update(zip(node.top_names, node.layer.loss_weights, strict=False))
        return weights

    _blob_names = property(lambda self: list(self._net.blobs))
    _blobs = property(lambda self: list(self._blobs_shown.values()))
    _blob_loss_weights = property(lambda self: list(self.blob_loss_weights.values()))
    _inputs = property(lambda self: self._indices(self._net.inputs))
    _outputs = property(lambda self: self._indices(self._net.outputs))

    def _bottom_ids(self, layer: int) -> list[int]:
        return self._indices(self._net.graph.nodes[layer].bottom_names)

    def _top_ids(self, layer: int) -> list[int]:
        return self._indices(self._net.graph.nodes[layer].top_names)

    def _indices(self, names: Iterable[str]) -> list[int]:
        known = self._blob_names
        return [known.index(name) for name in names]


def _copied(names: dict[str, list[str]], place: str) -> NamedInOrder[list[str]]:
    return NamedInOrder(((name, list(of_layer)) for name, of_layer in names.items()), ("layer", place))
