"""Steps: layers bound to blobs, and the rewrites that a plan makes before it binds them.

What a user can read after a whole pass stays the same:
- a layer absorbs the in-place layers that follow it (convolution + ReLU, BatchNorm + Scale + ReLU);
- where backward needs data that an in-place layer overwrites, they get a blob of their own beneath the
  visible one (the bottom of an in-place BatchNorm, the top of a Sigmoid before an in-place Dropout);
- where a gradient passes a layer unchanged (a sum), bottom and top share its memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from owlkit.core.blob import Blob
from owlkit.core.claims import Claims
from owlkit.core.device import Device
from owlkit.core.tensor import own_memories
from owlkit.layers.base import Layer
from owlkit.net.casts import Casts, needed
from owlkit.net.graph import Node


def _nothing() -> None:
    """The call of an idle step."""


@dataclass
class Step:
    """One layer with those it absorbed, and the blobs it is bound to.

    private_bottom : whether its bottom 0 is a version of the visible blob that lies elsewhere. casts : where
    bottoms come in another type than the layer takes.
    """

    nodes: list[Node]
    bottom: list[Blob]
    top: list[Blob]
    private_bottom: bool = False
    casts: Casts | None = None

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

    def prepare(self, device: Device) -> None:
        """Make the layer's kernels, and casts where they are needed."""
        with own_memories() as own:
            self.casts = Casts(device, self.layer, self.bottom) if needed(self.layer, self.bottom) else None
            bottom = self.bottom if self.casts is None else self.casts.inner
            self.layer.prepare(device, bottom, self.top)
            if self.casts is not None:
                self.casts.spare()
        seen = {id(blob) for node in self.nodes for blob in (*node.bottom, *node.top)}
        hidden = [blob for blob in (*self.bottom, *self.top) if id(blob) not in seen]
        self.layer.claims = Claims(device, hidden, own)

    def forward_call(self) -> Callable[[], None]:
        if self.idle:
            return _nothing
        if self.casts is not None:
            return partial(self.casts.forward, self.top)
        return partial(self.layer.forward, self.bottom, self.top)

    def backward_call(self) -> Callable[[], None]:
        if self.idle:
            return _nothing
        if self.casts is not None:
            return partial(self.casts.backward, self.top, self.nodes[0].propagate_down)
        return partial(self.layer.backward, self.top, self.nodes[0].propagate_down, self.bottom)


def make_steps(nodes: Sequence[Node], *, fuse: bool, stepping: bool) -> list[Step]:
    """The steps of `nodes`, rewritten; with `fuse=False` by the second rewrite only, `stepping` by none."""
    return [step for part in _parts(nodes) for step in _make_part(part, fuse and not stepping, stepping)]


def _make_part(nodes: Sequence[Node], fuse: bool, stepping: bool) -> list[Step]:
    steps = _group(nodes, fuse)
    if not stepping:
        for number in range(len(steps)):
            _keep_overwritten(steps[number:])
    if fuse:
        _share_gradients(steps)
    return steps


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


def _keep_overwritten(steps: Sequence[Step]) -> None:
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
            reader.private_bottom = True


def hides_needed_data(nodes: Sequence[Node]) -> bool:
    """Whether a layer reads its own top in backward although a later layer has overwritten that in place.

    Without the second rewrite (see the module) its gradient is wrong, as it is in Caffe.
    """
    for number, first in enumerate(nodes):
        if len(first.top) != 1 or first.runs_in_place:
            continue
        chain = [first, *(n for n in nodes[number:] if n.runs_in_place and n.bottom[0] is first.top[0])]
        for place, writer in enumerate(chain):
            if writer.backward and not all(writer.layer.top_survives(n.layer) for n in chain[place + 1 :]):
                return True
    return False


def _share_gradients(steps: Sequence[Step]) -> None:
    # From the losses down: a sum of sums hands the same memory on.
    for number, step in reversed(list(enumerate(steps))):
        if not step.backward:
            continue
        for index, wanted in enumerate(step.nodes[0].propagate_down):
            if wanted and step.layer.passes_gradient(index) and step.bottom[index].dtype == step.top[0].dtype:
                _share_gradient(steps, number, index)


def _share_gradient(steps: Sequence[Step], number: int, index: int) -> None:
    """Let the writer of a bottom read its gradient from this step's top, where it will not change it."""
    step = steps[number]
    blob, top = step.bottom[index], step.top[0]
    writer = _writer(steps, blob, number)
    if writer is None or not writer.backward:
        return
    if writer.private_bottom:
        # The visible blob keeps its own gradient: that of the writer's bottom.
        bound = Blob(blob.shape, blob.dtype, blob.name)
        bound.given_name = blob.given_name
        bound.share_data(blob)
        bound.share_diff(top)
        writer.top = [bound if b is blob else b for b in writer.top]
        step.bottom[index] = bound
    elif len(writer.nodes) == 1 and not writer.nodes[0].runs_in_place:
        blob.share_diff(top)


def _writer(steps: Sequence[Step], blob: Blob, before: int) -> Step | None:
    """The last step before number `before` that writes `blob`."""
    found = (s for s in reversed(steps[:before]) if any(top is blob for top in s.top))
    return next(found, None)
