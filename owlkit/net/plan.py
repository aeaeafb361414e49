"""Plan: the bound schedule of a net. Steps are made once per set of shapes; running one allocates nothing.

Before steps are bound, a plan rewrites them; what a user can read after a whole pass stays the same:
- a layer absorbs the in-place layers that follow it (convolution + ReLU, BatchNorm + Scale + ReLU);
- where backward needs data that an in-place layer overwrites, they get a blob of their own beneath the
  visible one (the bottom of an in-place BatchNorm, the top of a Sigmoid before an in-place Dropout);
- where a gradient passes a layer unchanged (a sum), bottom and top share its memory.
A stepping plan makes none of these, so that each layer's result can be seen before the next one runs.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.device import Device, resolve_device
from owlkit.core.errors import NetError
from owlkit.layers.base import Layer
from owlkit.net import tables
from owlkit.net.graph import Graph, Node


def _nothing() -> None:
    """The call of an idle step."""


@dataclass
class Step:
    """One layer with those it absorbed, and the blobs it is bound to."""

    nodes: list[Node]
    bottom: list[Blob]
    top: list[Blob]

    @property
    def layer(self) -> Layer:
        return self.nodes[0].layer

    @property
    def name(self) -> str:
        return self.nodes[0].name

    @property
    def backward(self) -> bool:
        return self.nodes[0].backward

    @property
    def idle(self) -> bool:
        """Whether there is nothing to compute: all blobs are empty, as after a Filter that selects nothing.

        Kernels then need not cope with that.
        """
        empty = not any(blob.count for blob in (*self.bottom, *self.top))
        return bool(self.bottom) and empty and not self.layer.reshapes_in_forward

    def forward_call(self) -> Callable[[], None]:
        if self.idle:
            return _nothing
        return partial(self.layer.forward, self.bottom, self.top)

    def backward_call(self) -> Callable[[], None]:
        if self.idle:
            return _nothing
        return partial(self.layer.backward, self.top, self.nodes[0].propagate_down, self.bottom)


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
    """

    def __init__(
        self,
        definition: Any,
        device: str | Device | None = None,
        *,
        fuse: bool = True,
        stepping: bool = False,
        previous: Plan | None = None,
        **options: Any,
    ) -> None:
        self.graph = definition if isinstance(definition, Graph) else Graph(definition, **options)
        self.device = resolve_device(device)
        self.fuse, self.stepping = fuse and not stepping, stepping
        self.steps: list[Step] = []
        self.shapes: dict[str, tuple[int, ...]] = dict(previous.shapes) if previous else {}
        self._private: set[int] = set()
        self._append(self.graph.nodes)

    def _append(self, nodes: Sequence[Node], kept: int = 0) -> None:
        """Put the steps of `nodes` after the first `kept` steps and bind all calls."""
        steps = [step for part in _parts(nodes) for step in self._make_steps(part)]
        for step in steps:
            if not step.idle and (step.bottom or not self._has_kept_tops(step)):
                step.layer.prepare(self.device, step.bottom, step.top)
        self.steps[kept:] = steps
        self._private &= {id(step) for step in self.steps}
        self._set_loss_gradients()
        self.forward_calls = [step.forward_call() for step in self.steps]
        self.backward_steps = [step for step in reversed(self.steps) if step.backward]
        self.backward_calls = [step.backward_call() for step in self.backward_steps]
        self._barriers = [i for i, step in enumerate(self.steps) if step.layer.reshapes_in_forward]
        self.shapes = {name: blob.shape for name, blob in self.graph.blobs.items()}

    def _make_steps(self, nodes: Sequence[Node]) -> list[Step]:
        steps = _group(nodes, self.fuse)
        if not self.stepping:
            for number in range(len(steps)):
                self._keep_overwritten(steps[number:])
        if self.fuse:
            self._share_gradients(steps)
        return steps

    def _has_kept_tops(self, step: Step) -> bool:
        """Whether the tops have the shapes they had in the last plan: a source then need not start again."""
        node = step.nodes[0]
        return all(self.shapes.get(n) == top.shape for n, top in zip(node.top_names, node.top, strict=True))

    def renew_after(self, position: int) -> None:
        """Infer shapes and plan anew after step `position`, where that step has reshaped a top in forward."""
        if self._has_kept_tops(self.steps[position]):
            return
        done = sum(len(step.nodes) for step in self.steps[: position + 1])
        later = self.graph.nodes[done:]
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

    # -- rewrites
    @staticmethod
    def _writer(steps: Sequence[Step], blob: Blob, before: int) -> Step | None:
        """The last step before number `before` that writes `blob`."""
        found = (s for s in reversed(steps[:before]) if any(top is blob for top in s.top))
        return next(found, None)

    def _keep_overwritten(self, steps: Sequence[Step]) -> None:
        """Give versions of the first step's top that backward still needs a blob of their own.

        Version 0 is what the step writes, version i what the i-th in-place layer makes of it; the last one
        lies in the visible blob. All share the visible gradient. Sources keep theirs: not all write in every
        pass.
        """
        first = steps[0]
        if len(first.top) != 1 or first.nodes[0].runs_in_place:
            return
        visible = first.top[0]
        chain = [first, *(s for s in steps[1:] if s.nodes[0].runs_in_place and s.bottom[0] is visible)]
        for number, (writer, reader) in enumerate(itertools.pairwise(chain)):
            later = [node.layer for step in chain[number + 1 :] for node in step.nodes]
            for_reader = reader.backward and reader.layer.wants_private_bottom
            for_writer = writer.backward and not all(writer.layer.top_survives(layer) for layer in later)
            if writer.bottom and (for_reader or for_writer):
                private = Blob(visible.shape, visible.dtype, visible.name)
                private.share_diff(visible)
                writer.top = [private]
                reader.bottom = [private, *reader.bottom[1:]]
                self._private.add(id(reader))

    def _share_gradients(self, steps: Sequence[Step]) -> None:
        # From the losses down: a sum of sums hands the same memory on.
        for number, step in reversed(list(enumerate(steps))):
            if not step.backward:
                continue
            for index, wanted in enumerate(step.nodes[0].propagate_down):
                if wanted and step.layer.passes_gradient(index):
                    self._share_gradient(steps, number, index)

    def _share_gradient(self, steps: Sequence[Step], number: int, index: int) -> None:
        """Let the writer of a bottom read its gradient from this step's top, where it will not change it."""
        step = steps[number]
        blob, top = step.bottom[index], step.top[0]
        writer = self._writer(steps, blob, number)
        if writer is None or not writer.backward:
            return
        if id(writer) in self._private:
            # The visible blob keeps its own gradient: that of the writer's bottom.
            bound = Blob(blob.shape, blob.dtype, blob.name)
            bound.share_data(blob)
            bound.share_diff(top)
            writer.top = [bound if b is blob else b for b in writer.top]
            step.bottom[index] = bound
        elif len(writer.nodes) == 1 and not writer.nodes[0].runs_in_place:
            blob.share_diff(top)

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


def _parts(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """`nodes` cut after each layer that may reshape its tops in forward: rewrites do not reach over it."""
    start = 0
    for end, node in enumerate(nodes, 1):
        if node.layer.reshapes_in_forward or end == len(nodes):
            yield nodes[start:end]
            start = end


def _group(nodes: Sequence[Node], fuse: bool) -> list[Step]:
    """One step per layer, with the in-place layers that it absorbs."""
    for node in nodes:
        node.layer.absorbed.clear()
    taken: set[int] = set()
    steps = []
    for index, node in enumerate(nodes):
        if index in taken:
            continue
        group = [node]
        while fuse and (follower := _in_place_follower(nodes, node, index, taken)) is not None:
            if not node.layer.absorb(nodes[follower].layer):
                break
            taken.add(follower)
            group.append(nodes[follower])
        steps.append(Step(group, list(node.bottom), list(node.top)))
    return steps


def _in_place_follower(nodes: Sequence[Node], node: Node, index: int, taken: set[int]) -> int | None:
    """The next layer that reads the top of `node`, where it does so in place and alone."""
    if len(node.top) != 1:
        return None
    for later in range(index + 1, len(nodes)):
        reader = nodes[later]
        if later in taken or not any(blob is node.top[0] for blob in reader.bottom):
            continue
        alone = len(reader.bottom) == 1 and len(reader.top) == 1 and reader.runs_in_place
        return later if alone and reader.backward == node.backward else None
    return None
