"""What can be said about each layer of a net without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.inspection.receptive_field import ReceptiveField, receptive_fields
from owlkit.net.graph import Graph, Node

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerFacts:
    """One layer. What follows from shapes is None where they are not known.

    key : unique in the net, even where two layers share a name. bottoms, tops : names of blobs, looking
    through Split layers. params : shapes of its learned blobs. macs : multiply-adds of a forward pass with
    the whole batch. bytes : memory of the tops' data, 0 in place. field : what a unit of the first top sees.
    trains : whether the layer has a gradient of its own or passes one on. shared : number of learned values
    that belong to an earlier layer.
    """

    key: str
    name: str
    type: str
    settings: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    bottom_shapes: tuple[Shape, ...] | None = None
    top_shapes: tuple[Shape, ...] | None = None
    params: tuple[Shape, ...] = ()
    macs: int | None = None
    bytes: int | None = None
    field: ReceptiveField | None = None
    trains: bool = False
    shared: int = 0

    @property
    def runs_in_place(self) -> bool:
        return bool(self.bottoms) and bool(self.tops) and self.bottoms[0] == self.tops[0]

    @property
    def parameters(self) -> int:
        """Number of learned values, those of an earlier layer left out."""
        return sum(_count(shape) for shape in self.params) - self.shared


def _count(shape: Shape) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def facts_of(graph: Graph) -> list[LayerFacts]:
    """Every layer but Splits, in order."""
    fields = receptive_fields(graph)
    followers = {id(blob) for blob, _ in graph.parameters.followers}
    found = []
    nodes = [(node, names) for node, names in _unsplit(graph) if node.layer.type != "Split"]
    for key, (node, bottoms) in zip(unique([node.name for node, _ in nodes]), nodes, strict=True):
        layer = node.layer
        found.append(
            LayerFacts(
                key,
                node.name,
                layer.type,
                layer.describe(),
                bottoms,
                tuple(node.top_names),
                tuple(blob.shape for blob in node.bottom),
                tuple(blob.shape for blob in node.top),
                tuple(blob.shape for blob in layer.blobs),
                node.macs(),
                0 if node.runs_in_place else sum(top.descriptor.nbytes for top in node.top),
                fields.get(node.top_names[0]) if node.top_names else None,
                node.backward,
                sum(blob.count for blob in layer.blobs if id(blob) in followers),
            )
        )
    return found


def facts_of_definition(layers: Sequence[Any]) -> list[LayerFacts]:
    """The same from LayerParameters alone, for a net that cannot be made here: names and connections."""
    original: dict[str, str] = {}
    kept = []
    for layer in layers:
        bottoms = tuple(original.get(name, name) for name in layer.bottom)
        if layer.type == "Split":
            original.update(dict.fromkeys(layer.top, bottoms[0]))
        else:
            kept.append((layer, bottoms))
    keys = unique([layer.name for layer, _ in kept])
    return [
        LayerFacts(key, layer.name, layer.type, "", bottoms, tuple(layer.top))
        for key, (layer, bottoms) in zip(keys, kept, strict=True)
    ]


def _unsplit(graph: Graph) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Each node with the names of its bottoms before they were split."""
    original: dict[str, str] = {}
    for node in graph.nodes:
        names = tuple(original.get(name, name) for name in node.bottom_names)
        if node.layer.type == "Split":
            original.update(dict.fromkeys(node.top_names, names[0]))
        yield node, names


def unique(names: Sequence[str]) -> list[str]:
    """The names; those that come again with a number behind."""
    seen: dict[str, int] = {}
    keys = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        keys.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return keys
