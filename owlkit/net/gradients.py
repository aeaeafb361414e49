"""Which layers run backward, and which bottoms get a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from owlkit.net.graph import Graph, Node


def mark_gradients(nodes: Sequence[Node], force_backward: bool) -> None:
    """Set `backward` and `propagate_down` of every node, walking from the losses down (Caffe's Net::Init).

    A layer runs backward where something before it (or it itself) learns and something after it is a loss.
    With `force_backward` every layer runs backward, labels and the like excepted.
    """
    _limit_to_losses(nodes)
    for node in nodes:
        if force_backward:
            node.backward = True
            labels = node.layer.no_gradient
            wanted = enumerate(node.propagate_down)
            node.propagate_down = [already or index not in labels for index, already in wanted]
        node.layer.propagate_down = node.propagate_down
        if not node.backward:
            node.layer.propagate_down = [False] * len(node.bottom)
            node.layer.param_propagate_down = [False] * len(node.layer.blobs)


def _limit_to_losses(nodes: Sequence[Node]) -> None:
    under_loss: set[str] = set()
    skipped: set[str] = set()
    for node in reversed(nodes):
        weights = node.layer.loss_weights
        contributes = any(w != 0 for w in weights) or any(name in under_loss for name in node.top_names)
        if all(name in skipped for name in node.top_names):
            node.backward = False
            node.propagate_down = [False] * len(node.bottom)
        if not contributes:
            node.backward = False
            node.propagate_down = [False] * len(node.bottom)
        else:
            under_loss.update(node.bottom_names)
        skipped.update(
            n for n, wanted in zip(node.bottom_names, node.propagate_down, strict=True) if not wanted
        )


def forbid_backward(graph: Graph) -> None:
    """Take all gradients out of a graph that will only run forward."""
    for node in graph.nodes:
        node.backward = False
        node.propagate_down = [False] * len(node.bottom)
        node.layer.propagate_down = list(node.propagate_down)
        node.layer.param_propagate_down = [False] * len(node.layer.blobs)
