"""Which outputs of a test net are its loss and its accuracies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FURTHER = 1000
"""Rows of a test net's second accuracy have this added to the net's number, of its third twice this, ..."""


@dataclass(frozen=True)
class Outputs:
    """Names of outputs. loss : None where there is none. accuracies : the one that counts first."""

    loss: str | None
    accuracies: tuple[str, ...]

    @classmethod
    def of(cls, net: Any) -> Outputs:
        """By layer type: the loss with the greatest weight, and the tops of Accuracy layers.

        Of several accuracies the one that counts has the least top_k and lies last: an auxiliary classifier
        lies before the net's own.
        """
        losses: list[tuple[float, str]] = []
        accuracies: list[tuple[int, int, str]] = []
        for place, layer in enumerate(net.layers):
            tops = net.top_names[layer.name]
            losses += [(weight, top) for weight, top in zip(layer.loss_weights, tops, strict=False) if weight]
            if layer.type == "Accuracy" and tops:
                accuracies.append((layer.param.accuracy_param.top_k, -place, tops[0]))
        greatest = max((weight for weight, _ in losses), default=0.0)
        loss = [top for weight, top in losses if weight == greatest][-1:]
        return cls(loss[0] if loss else None, tuple(top for *_, top in sorted(accuracies)))

    @classmethod
    def named(cls, names: Iterable[str]) -> Outputs:
        """By their names, where a log is all there is: what has "loss" in it; "acc" or "top-"."""
        names = list(names)
        losses = [name for name in names if "loss" in name.lower() and "top" not in name.lower()]
        accuracies = [name for name in names if "acc" in name.lower() or "top-" in name.lower()]
        return cls(losses[0] if losses else None, tuple(accuracies))

    def among(self, names: Mapping[str, float]) -> Outputs:
        """Those that are there."""
        there = tuple(name for name in self.accuracies if name in names)
        return Outputs(self.loss if self.loss in names else None, there)


def outputs_of(run: Any, net_index: int) -> Outputs | None:
    """Those of a run's test net; None where only its log is known."""
    nets = getattr(getattr(run, "solver", None), "test_nets", ())
    return Outputs.of(nets[net_index]) if net_index < len(nets) else None
