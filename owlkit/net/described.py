"""What a net is made of, as it is asked for: names, blobs, layers and parameters of its graph."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from owlkit.core.blob import Blob
from owlkit.core.names import Named
from owlkit.layers.base import Layer
from owlkit.net import tables
from owlkit.net.graph import Graph
from owlkit.net.parameters import Parameter
from owlkit.net.watchers import MOMENTS

_BATCHES = "net.predict(images) and owlkit.features(net, images, blob) go through any number of images"
_PYCAFFE = {
    "load_hdf5": "net.copy_from(path) reads HDF5, too",
    "share_with": "owlkit.Net(definition, share=other) uses the parameters of another net",
    "forward_all": f"{_BATCHES}; owlkit.caffe.Net has it",
    "forward_backward_all": f"{_BATCHES}; owlkit.caffe.Net has it",
    "set_input_arrays": "of the MemoryData layer, net.layer_dict[name].reset(data, labels)",
    **{moment: f"net.watch_layers({moment!r}, ...)" for moment in MOMENTS},
}
"""Methods of pycaffe's nets that are others here."""


class Described:
    """Something with a `graph`, by the names that Caffe gives to its parts."""

    graph: Graph

    if not TYPE_CHECKING:  # there, what is not defined is a mistake

        def __getattr__(self, name: str) -> Any:
            if name in _PYCAFFE:
                raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}: {_PYCAFFE[name]}")
            return object.__getattribute__(self, name)  # its own error

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def phase(self) -> str:
        return self.graph.phase

    @property
    def dtype(self) -> str:
        return self.graph.dtype

    @property
    def seed(self) -> int:
        return self.graph.seed

    @property
    def blobs(self) -> dict[str, Blob]:
        return self.graph.blobs

    @property
    def layers(self) -> list[Layer]:
        return [node.layer for node in self.graph.nodes]

    @property
    def layer_names(self) -> list[str]:
        return [node.name for node in self.graph.nodes]

    @property
    def layer_dict(self) -> dict[str, Layer]:
        return Named(((node.name, node.layer) for node in self.graph.nodes), ("layer", "net.layer_dict"))

    @cached_property
    def data_layers(self) -> list[Layer]:
        """Those that read data; a graph keeps its layers."""
        return [layer for layer in self.layers if layer.is_data]

    @property
    def params(self) -> dict[str, list[Blob]]:
        return params_of(self.graph)

    @property
    def learnable(self) -> list[Parameter]:
        """Parameters that a solver updates: each owner once, in Caffe's order."""
        return self.graph.parameters.owners

    @property
    def inputs(self) -> list[str]:
        return self.graph.inputs

    @property
    def outputs(self) -> list[str]:
        return self.graph.outputs

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        named = ((node.name, node.bottom_names) for node in self.graph.nodes)
        return Named(named, ("layer", "net.bottom_names"))

    @property
    def top_names(self) -> dict[str, list[str]]:
        return Named(((node.name, node.top_names) for node in self.graph.nodes), ("layer", "net.top_names"))

    @property
    def batch_size(self) -> int:
        """Length of axis 0 of the first blob; 0 for a net without layers."""
        first = next(iter(self.blobs.values()), None)
        return first.shape[0] if first is not None and first.shape else 0

    def __repr__(self) -> str:
        return tables.graph_text(self.graph)

    def _repr_html_(self) -> str:
        return tables.graph_html(self.graph)


def params_of(graph: Graph) -> Named[list[Blob]]:
    """Layer name -> its learned blobs, of layers that have any."""
    layers = [node.layer for node in graph.nodes]
    return Named(
        ((layer.name, layer.blobs) for layer in layers if layer.blobs),
        ("layer with parameters", "net.params"),
        {layer.name: f"{layer.type} learns nothing" for layer in layers if not layer.blobs},
    )
