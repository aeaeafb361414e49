"""What a net is made of, as it is asked for: names, blobs, layers and parameters of its graph."""

from __future__ import annotations

from owlkit.core.blob import Blob
from owlkit.layers.base import Layer
from owlkit.net import tables
from owlkit.net.graph import Graph
from owlkit.net.parameters import Parameter


class Described:
    """Something with a `graph`, by the names that Caffe gives to its parts."""

    graph: Graph

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
        return {node.name: node.layer for node in self.graph.nodes}

    @property
    def params(self) -> dict[str, list[Blob]]:
        return {node.name: node.layer.blobs for node in self.graph.nodes if node.layer.blobs}

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
        return {node.name: node.bottom_names for node in self.graph.nodes}

    @property
    def top_names(self) -> dict[str, list[str]]:
        return {node.name: node.top_names for node in self.graph.nodes}

    @property
    def batch_size(self) -> int:
        """Length of axis 0 of the first blob; 0 for a net without layers."""
        first = next(iter(self.blobs.values()), None)
        return first.shape[0] if first is not None and first.shape else 0

    def __repr__(self) -> str:
        return tables.graph_text(self.graph)

    def _repr_html_(self) -> str:
        return tables.graph_html(self.graph)
