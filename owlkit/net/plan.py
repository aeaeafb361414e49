"""Plan: the bound schedule of a net. Steps are made once per set of shapes; running one allocates nothing.

Three rewrites make it faster and leave every visible blob as it would be without them:
- a layer absorbs the in-place layers that follow it (convolution + ReLU, BatchNorm + Scale + ReLU);
- an in-place BatchNorm gets a bottom of its own, so that it need not copy what it overwrites;
- where a gradient passes a layer unchanged (a sum), bottom and top share its memory.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.layers.base import Layer
from owlkit.net import tables
from owlkit.net.graph import Graph, Node


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

    def forward_call(self) -> Callable[[], None]:
        return partial(self.layer.forward, self.bottom, self.top)

    def backward_call(self) -> Callable[[], None]:
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

    fuse : whether rewrites are made; without them each layer is a step of its own.
    """

    def __init__(self, graph: Graph, device: Device, *, fuse: bool = True) -> None:
        self.graph, self.device, self.fuse = graph, device, fuse
        self.steps = _group(graph.nodes, fuse)
        self._private: set[int] = set()
        if fuse:
            self._separate_in_place()
            self._share_gradients()
        for step in self.steps:
            step.layer.prepare(device, step.bottom, step.top)
        self._set_loss_gradients()
        self.forward_calls = [step.forward_call() for step in self.steps]
        self.backward_steps = [step for step in reversed(self.steps) if step.backward]
        self.backward_calls = [step.backward_call() for step in self.backward_steps]
        self.shapes = {name: blob.shape for name, blob in graph.blobs.items()}

    # -- rewrites
    def _writer(self, blob: Blob, before: int) -> Step | None:
        """The last step before number `before` that writes `blob`."""
        found = (s for s in reversed(self.steps[:before]) if any(top is blob for top in s.top))
        return next(found, None)

    def _separate_in_place(self) -> None:
        for number, step in enumerate(self.steps):
            if not (step.layer.wants_private_bottom and step.nodes[0].runs_in_place and step.backward):
                continue
            visible = step.bottom[0]
            writer = self._writer(visible, number)
            if writer is None or writer.nodes[0].runs_in_place:
                continue
            private = Blob(visible.shape, visible.dtype, visible.name)
            private.share_diff(visible)
            writer.top = [private if top is visible else top for top in writer.top]
            step.bottom = [private, *step.bottom[1:]]
            self._private.add(id(step))

    def _share_gradients(self) -> None:
        for number, step in enumerate(self.steps):
            if not step.backward:
                continue
            for index, wanted in enumerate(step.nodes[0].propagate_down):
                if wanted and step.layer.passes_gradient(index):
                    self._share_gradient(number, index)

    def _share_gradient(self, number: int, index: int) -> None:
        """Let the writer of a bottom read its gradient from this step's top, where it will not change it."""
        step = self.steps[number]
        blob, top = step.bottom[index], step.top[0]
        writer = self._writer(blob, number)
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

    def is_current(self) -> bool:
        """Whether all blobs still have the shapes this plan was made for."""
        return all(blob.shape == self.shapes[name] for name, blob in self.graph.blobs.items())

    def profile(self, iterations: int = 10) -> list[StepTime]:
        """Median seconds of each step, forward and backward, over whole iterations."""
        forward: list[list[float]] = [[] for _ in self.forward_calls]
        backward: list[list[float]] = [[] for _ in self.backward_calls]
        for _ in range(iterations):
            self._clear_param_diffs()
            _time_calls(self.forward_calls, forward)
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
