"""The shapes of a net follow those of its inputs, as far as its layers take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.errors import NetError, closest
from owlkit.net.graph import Graph
from owlkit.net.plan import Plan
from owlkit.net.turns import TakesTurns, in_turn


class Shaped(TakesTurns):
    """Infers shapes again where somebody has changed that of an input; the plan is then made anew."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self._plan: Plan | None = None
        self._inferred_from = self._input_shapes()
        self._reach = len(graph.nodes)  # the number of layers whose shapes follow from the inputs'

    def _set_input(self, name: str, array: Any) -> None:
        if name not in self.blobs:
            raise NetError(f"there is no blob {name!r}{closest(name, self.blobs)}; inputs are {self.inputs}")
        blob = self.blobs[name]
        if not hasattr(array, "shape"):
            array = np.asarray(array)
        if tuple(array.shape) != blob.shape:
            raise NetError(
                f"input {name!r} is {blob.shape}, but the array is {tuple(array.shape)}; "
                f"net.blobs[{name!r}].reshape(...) changes the net's input"
            )
        blob.copy_from(array)

    def _follow_input_shapes(self, end: str | None) -> None:
        """Infer shapes again where somebody has changed that of an input, before the first pass or later.

        Layers after `end` may refuse theirs: a part of a net runs on images that its last layers do not take.
        """
        last = self.layer_names.index(end) if end is not None else len(self.graph.nodes) - 1
        if self._inferred_from != self._input_shapes() or self._reach <= last:
            self._infer(last)

    def _input_shapes(self) -> list[tuple[int, ...]]:
        return [self.blobs[name].shape for name in self.inputs]

    @in_turn
    def reshape(self) -> None:
        """Infer all shapes again and make a new plan where one changed."""
        self._infer(len(self.graph.nodes) - 1)

    def _infer(self, last: int) -> None:
        """Infer the shapes of layers up to number `last`, and of as many after it as take theirs."""
        reach = 0
        for reach, node in enumerate(self.graph.nodes, 1):
            if node.layer.type == "Input":
                continue
            try:
                node.layer.reshape(node.bottom, node.top)
            except Exception:
                if reach <= last + 1:
                    raise
                reach -= 1
                break
        self._reach = reach
        self._inferred_from = self._input_shapes()
        if self._plan is not None and not self._plan.is_current():
            self._plan = None

    def _check_layers(self, *names: str | None) -> None:
        for name in names:
            if name is not None and name not in self.layer_names:
                raise NetError(f"there is no layer {name!r}{closest(name, self.layer_names)}")

    def _check_reach(self, start: str | None) -> None:
        names = self.layer_names
        if self._reach < len(names) and (start is None or names.index(start) >= self._reach):
            refusing = names[self._reach]
            raise NetError(
                f"layer {refusing!r} does not take what the present shape of the inputs gives it; run "
                "backward from a layer before it with start=..."
            )
