"""Cards and stages of a net together, with the words and sums that are written on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.inspection.graphs.cards import Card, Sheet, make_sheet
from owlkit.inspection.graphs.facts import LayerFacts
from owlkit.inspection.graphs.stages import Tree, make_tree, open_at_first
from owlkit.net import tables

# What is written on a card for a type; others are written as they are called, in small letters.
_SHORT = {
    "BatchNorm": "norm", "LRN": "norm", "Pooling": "pool", "InnerProduct": "full", "Convolution": "conv",
    "Deconvolution": "deconv", "SoftmaxWithLoss": "softmax loss", "EuclideanLoss": "euclidean loss",
    "ReLU": "relu", "PReLU": "prelu", "ELU": "elu", "Eltwise": "sum",
}  # fmt: skip


@dataclass(frozen=True)
class Cards:
    """sheet : cards and wires. tree : stages. first_open : stages that are open at first."""

    sheet: Sheet
    tree: Tree
    first_open: list[str]

    def parent(self, key: str) -> str | None:
        """The group that a card or group is in."""
        return next((g.key for g in self.tree.groups.values() if key in g.children), None)

    def title(self, key: str) -> str:
        """A name without what the group around it says already: `inception_3a/1x1` -> `1x1`."""
        group = self.tree.groups.get(key)
        if group is not None:
            return group.name
        name, parent = self.sheet.cards[key].host.name, self.parent(key)
        if parent is None or parent.startswith("stage"):
            return name
        inner = re.sub(rf"^{re.escape(self.tree.groups[parent].name)}[/_-]", "", name)
        return inner or name

    def members(self, key: str) -> list[LayerFacts]:
        """All layers under a card or a group."""
        return [layer for card in self.tree.cards(key) for layer in self.sheet.cards[card].layers]

    def describe(self, key: str) -> dict[str, Any]:
        """Words and sums of a card or group, JSON-able.

        name, short : whole and without its group's. kind : "card" or "group". type, folded : words. shape :
        of the output, without the batch. parameters, macs : sums; macs None where not known.
        """
        members = self.members(key)
        macs = [layer.macs for layer in members if layer.macs is not None]
        group = self.tree.groups.get(key)
        return {
            "key": key,
            "name": group.name if group else self.sheet.cards[key].host.name,
            "short": self.title(key),
            "kind": "group" if group else "card",
            "type": self._group_words(key) if group else card_words(self.sheet.cards[key].host),
            "folded": self._contents(key) if group else folded_words(self.sheet.cards[key]),
            "shape": shape_words(self.main(key)),
            "layers": [layer.key for layer in members],
            "children": list(group.children) if group else [],
            "parent": self.parent(key),
            "parameters": sum(layer.parameters for layer in members),
            "macs": sum(macs) if macs else None,
            "learns": any(layer.params for layer in members),
        }

    def main(self, key: str) -> LayerFacts:
        """The layer whose output is told of: a card's own, and the last one of a group."""
        if key in self.sheet.cards:
            return self.sheet.cards[key].host
        return self.sheet.cards[list(self.tree.cards(key))[-1]].last

    def _group_words(self, key: str) -> str:
        children = self.tree.groups[key].children
        blocks = sum(child in self.tree.groups for child in children)
        return f"{blocks} blocks" if blocks == len(children) else f"{len(children)} parts"

    def _contents(self, key: str) -> str:
        """The most frequent types, "9 conv, 3 sum"."""
        counts: dict[str, int] = {}
        for card in self.tree.cards(key):
            kind = self.sheet.cards[card].host.type
            counts[kind] = counts.get(kind, 0) + 1
        most = sorted(counts.items(), key=lambda item: -item[1])[:2]
        return ", ".join(f"{count} {short_type(kind)}" for kind, count in most)


def arrange(layers: Sequence[LayerFacts], fold: bool = True) -> Cards:
    """Cards and stages of these layers."""
    sheet = make_sheet(layers, fold)
    tree = make_tree(sheet)
    return Cards(sheet, tree, open_at_first(tree))


def short_type(kind: str) -> str:
    return _SHORT.get(kind, kind.lower())


def card_words(layer: LayerFacts) -> str:
    """Kernel, stride and group of a layer with a window, else its type."""
    found = re.search(r"(\d+)x(\d+)", layer.settings)
    if layer.type not in ("Convolution", "Deconvolution", "Pooling") or not found:
        return short_type(layer.type)
    words = [f"{found[1]}×{found[2]}"]
    stride = re.search(r"stride (\d+)", layer.settings)
    if stride and stride[1] != "1":
        words[0] += f" /{stride[1]}"
    group = re.search(r"group (\d+)", layer.settings)
    if group and group[1] != "1":
        words.append(f"group {group[1]}")
    if layer.type != "Convolution":
        words.append(short_type(layer.type))
    return ", ".join(words)


def folded_words(card: Card) -> str:
    return ", ".join(dict.fromkeys(short_type(layer.type) for layer in card.folded))


def shape_words(layer: LayerFacts) -> str:
    """Of the first top, without the batch: "96×55×55"."""
    if not layer.top_shapes:
        return ""
    shape = layer.top_shapes[0]
    inner = shape[1:] if len(shape) > 1 else shape
    while len(inner) > 1 and inner[-1] == 1:
        inner = inner[:-1]
    return tables.shape(inner).replace("x", "×")
