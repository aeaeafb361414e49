"""Layers as cards: a card is a layer and those that only finish its work (ReLU, Pooling, LRN ...)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from owlkit.inspection.graphs.facts import LayerFacts

# These are part of the layer before them where nothing else reads what lies between; pooling and LRN only
# after a layer with weights, because after a Concat or a sum they are steps of their own.
_FINISHING = {
    "BatchNorm", "Bias", "BNLL", "Clip", "Dropout", "ELU", "PReLU", "Power", "ReLU", "Scale", "Sigmoid",
    "Swish", "TanH",
}  # fmt: skip
_AFTER_WEIGHTS = {"LRN", "Pooling"}


@dataclass
class Card:
    """A layer (`host`) with the layers that are folded into it, in order."""

    host: LayerFacts
    folded: list[LayerFacts] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.host.key

    @property
    def layers(self) -> list[LayerFacts]:
        return [self.host, *self.folded]

    @property
    def last(self) -> LayerFacts:
        """The layer whose top the next cards see."""
        return self.folded[-1] if self.folded else self.host


@dataclass(frozen=True)
class Wire:
    """A blob on its way from one card to another: keys, the blob's name, and its number of values."""

    source: str
    target: str
    blob: str
    count: int = 1


@dataclass
class Sheet:
    """All cards of a net by key, in order, and what connects them; `keys` are names for grouping.

    keys : card -> the card it is part of when everything is folded; by it stages are told, so that folding
    moves no card from one stage to another.
    """

    cards: dict[str, Card]
    wires: list[Wire]
    keys: dict[str, str]


def make_sheet(layers: Sequence[LayerFacts], fold: bool = True) -> Sheet:
    """fold : whether finishing layers go into the card of the layer before."""
    owners = _fold(layers)
    if fold:
        cards: dict[str, Card] = {}
        for layer in layers:
            owner = owners[layer.key]
            if owner == layer.key:
                cards[owner] = Card(layer)
            else:
                cards[owner].folded.append(layer)
        return Sheet(cards, _wires(layers, owners), {key: key for key in cards})
    alone = {layer.key: layer.key for layer in layers}
    return Sheet({layer.key: Card(layer) for layer in layers}, _wires(layers, alone), owners)


def _fold(layers: Sequence[LayerFacts]) -> dict[str, str]:
    """Layer -> the layer in whose card it is, itself for a card of its own."""
    readers = Counter(name for layer in layers for name in set(layer.bottoms) if not layer.runs_in_place)
    by_key = {layer.key: layer for layer in layers}
    owners: dict[str, str] = {}
    made: dict[str, str] = {}
    for layer in layers:
        owner = made.get(layer.bottoms[0]) if len(layer.bottoms) == 1 else None
        if owner is None or not _finishes(layer, by_key[owner], readers):
            owner = layer.key
        owners[layer.key] = owner
        made.update(dict.fromkeys(layer.tops, owner))
    return owners


def _finishes(layer: LayerFacts, host: LayerFacts, readers: Counter[str]) -> bool:
    if layer.runs_in_place:
        return True
    if len(layer.tops) != 1 or readers[layer.bottoms[0]] != 1 or not host.bottoms:
        return False
    weighted = host.type in ("Convolution", "Deconvolution", "InnerProduct")
    return layer.type in _FINISHING or (layer.type in _AFTER_WEIGHTS and weighted)


def _wires(layers: Sequence[LayerFacts], owners: dict[str, str]) -> list[Wire]:
    made: dict[str, str] = {}
    counts: dict[str, int] = {}
    found: dict[Wire, None] = {}
    for layer in layers:
        owner = owners[layer.key]
        for name in layer.bottoms:
            if name in made and made[name] != owner:
                found[Wire(made[name], owner, name, counts.get(name, 1))] = None
        made.update(dict.fromkeys(layer.tops, owner))
        for name, shape in zip(layer.tops, layer.top_shapes or (), strict=False):
            counts[name] = 1
            for length in shape[1:] if len(shape) > 1 else ():
                counts[name] *= length
    return list(found)
