"""Plan: the bound schedule of a net. Steps are made once per set of shapes; running one allocates nothing.

`steps` tells how the steps are rewritten before they are bound. A stepping plan is not rewritten at all, so
that each layer's result can be seen before the next one runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device, resolve_device
from owlkit.core.errors import NetError
from owlkit.net import tables
from owlkit.net.graph import Graph, Node
from owlkit.net.reuse import Reuse
from owlkit.net.steps import Step, make_steps


@dataclass(frozen=True)
class StepTime:
    """Median time of one step, in seconds; backward is 0 where the step runs none."""

    layers: tuple[str, ...]
    type: str
    forward: float
    backward: float


class Plan:
    """The steps of a graph on a device.

    definition : Graph, or whatever makes one (path, NetParameter, NetSpec); `options` are then the graph's.
    device : name or Device; None takes the default.
    fuse : whether layers absorb others and gradients share memory. stepping : see the module.
    previous : the plan of the same graph that this one replaces; data sources go on where they are.
    reach : the number of layers to plan; None takes all. reuse : what lets blobs share memory; None: none do.
    """

    def __init__(
        self,
        definition: Any,
        device: str | Device | None = None,
        *,
        fuse: bool = True,
        stepping: bool = False,
        previous: Plan | None = None,
        reach: int | None = None,
        reuse: Reuse | None = None,
        **options: Any,
    ) -> None:
        self.graph = definition if isinstance(definition, Graph) else Graph(definition, **options)
        self.device = resolve_device(device)
        self.fuse, self.stepping = fuse and not stepping, stepping
        self.reuse = reuse
        self.steps: list[Step] = []
        #: What a table of the plan says besides: a net on a GPU tells what is captured.
        self.remark: Callable[[], str] = str
        self.shapes: dict[str, tuple[int, ...]] = dict(previous.shapes) if previous else {}
        self.reach = len(self.graph.nodes) if reach is None else reach
        self._append(self.graph.nodes[: self.reach])

    def _append(self, nodes: Sequence[Node], kept: int = 0) -> None:
        """Put the steps of `nodes` after the first `kept` steps and bind all calls."""
        steps = make_steps(nodes, fuse=self.fuse, stepping=self.stepping)
        if self.reuse is not None:
            self.reuse.apply(steps, self.device)
        for step in steps:
            if not step.idle and (step.bottom or not self._has_kept_tops(step)):
                step.prepare(self.device)
        self.steps[kept:] = steps
        self._set_loss_gradients()
        self.forward_calls = [step.forward_call() for step in self.steps]
        self.backward_steps = [step for step in reversed(self.steps) if step.backward]
        self.backward_calls = [step.backward_call() for step in self.backward_steps]
        self._barriers = [i for i, step in enumerate(self.steps) if step.layer.reshapes_in_forward]
        self.shapes = {name: blob.shape for name, blob in self.graph.blobs.items()}

    def _has_kept_tops(self, step: Step) -> bool:
        """Whether the tops have the shapes they had in the last plan: a source then need not start again."""
        node = step.nodes[0]
        return all(self.shapes.get(n) == top.shape for n, top in zip(node.top_names, node.top, strict=True))

    def renew_after(self, position: int) -> None:
        """Infer shapes and plan anew after step `position`, where that step has reshaped a top in forward."""
        if self._has_kept_tops(self.steps[position]):
            return
        done = sum(len(step.nodes) for step in self.steps[: position + 1])
        later = self.graph.nodes[done : self.reach]
        # Where a layer refuses its new shape, the next pass has to come here again.
        before, self.shapes = self.shapes, {}
        for node in later:
            node.layer.reshape(node.bottom, node.top)
        self.shapes = before
        try:
            self._append(later, position + 1)
        except BaseException:
            self.shapes = {}
            raise

    def _set_loss_gradients(self) -> None:
        for step in self.steps:
            for node in step.nodes:
                for blob, weight in zip(node.top, node.layer.loss_weights, strict=False):
                    if weight:
                        blob.diff[...] = weight

    # -- use
    def position(self, layer: str) -> int:
        """Number of the step that runs `layer`."""
        return next(i for i, step in enumerate(self.steps) if any(n.name == layer for n in step.nodes))

    def fits(self, first: str, last: str) -> bool:
        """Whether running forward layers `first` to `last` alone shows and uses the blobs that one can see.

        It does not where a step of several layers would be cut, nor between a layer whose result lies
        beneath a visible blob and the one that reads it there.
        """
        low, high = self.position(first), self.position(last)
        if self.steps[low].nodes[0].name != first or self.steps[high].nodes[-1].name != last:
            return False
        readers = {id(step.bottom[0]): i for i, step in enumerate(self.steps) if step.private_bottom}
        for writer, step in enumerate(self.steps):
            for reader in (readers[id(top)] for top in step.top if id(top) in readers):
                if writer <= high < reader or writer < low <= reader:
                    return False
        return True

    def backward_calls_of(self, index: int) -> list[Callable[[], None]]:
        """The backward call of step `index`, none where it runs none."""
        pairs = zip(self.backward_steps, self.backward_calls, strict=True)
        return [call for step, call in pairs if step is self.steps[index]]

    def backward_range(self, first: str | None, last: str | None) -> list[Callable[[], None]]:
        """The backward calls of layers `first` to `last` (in forward order; None: no limit), as they run.

        Raises NetError where the range begins or ends within a step of several layers.
        """
        for name, edge in ((first, 0), (last, -1)):
            step = self.steps[self.position(name)] if name is not None else None
            if step is not None and step.nodes[edge].name != name:
                together = " + ".join(node.name for node in step.nodes)
                raise NetError(
                    f"{name} cannot be run backward on its own: {together} run as one step; "
                    "make the net with fuse=False, or run forward(start, end) before"
                )
        if first is None and last is None:
            return self.backward_calls
        low = self.position(first) if first is not None else 0
        high = self.position(last) if last is not None else len(self.steps) - 1
        wanted = {id(step) for step in self.steps[low : high + 1]}
        pairs = zip(self.backward_steps, self.backward_calls, strict=True)
        return [call for step, call in pairs if id(step) in wanted]

    def is_current(self) -> bool:
        """Whether all blobs still have the shapes this plan was made for."""
        return all(blob.shape == self.shapes.get(name) for name, blob in self.graph.blobs.items())

    def forward_parts(self, first: int = 0, last: int | None = None) -> Iterator[list[Callable[[], None]]]:
        """The calls of steps `first` to `last` (by default the last one).

        They come in parts, each but the last one ending with a layer that may reshape its tops; between two
        parts, what follows is planned anew where that happened.
        """
        start = first
        for barrier in self._barriers:
            if start <= barrier and (last is None or barrier <= last):
                yield self.forward_calls[start : barrier + 1]
                self.renew_after(barrier)
                start = barrier + 1
        yield self.forward_calls[start : None if last is None else last + 1]

    def profile(self, iterations: int = 10) -> list[StepTime]:
        """Median seconds of each step, forward and backward, over whole iterations."""
        forward: list[list[float]] = [[] for _ in self.forward_calls]
        backward: list[list[float]] = [[] for _ in self.backward_calls]
        for _ in range(iterations):
            self._clear_param_diffs()
            started = 0
            for calls in self.forward_parts():
                _time_calls(calls, forward[started : started + len(calls)])
                started += len(calls)
            _time_calls(self.backward_calls, backward)
        medians = dict(zip(map(id, self.backward_steps), map(statistics.median, backward), strict=True))
        return [
            StepTime(
                tuple(n.name for n in step.nodes),
                step.layer.type,
                statistics.median(t),
                medians.get(id(step), 0.0),
            )
            for step, t in zip(self.steps, forward, strict=True)
        ]

    def _clear_param_diffs(self) -> None:
        for node in self.graph.nodes:
            for blob in node.layer.blobs:
                blob.clear_diff()

    def __repr__(self) -> str:
        return tables.plan_text(self)

    def _repr_html_(self) -> str:
        return tables.plan_html(self)


def _time_calls(calls: Sequence[Callable[[], None]], seconds: list[list[float]]) -> None:
    last = time.perf_counter()
    for call, record in zip(calls, seconds, strict=True):
        call()
        now = time.perf_counter()
        record.append(now - last)
        last = now
