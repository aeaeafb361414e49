"""Passes of a net as CUDA graphs: which calls are captured, and what a plan says about it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import is_

import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.memory import Memory
from owlkit.net.graph import Graph
from owlkit.net.plan import Plan
from owlkit.net.replays import HostAccess, Part, Replays, describe, names_of
from owlkit.net.working import Working


class CapturedPasses:
    """Whole passes over a net on a GPU, captured where nothing in them touches the host.

    A pass forward, one backward and an update are captured one by one, or all three as an iteration, for
    whoever asks for nothing between them.

    Layers without bottoms (data) run as they are, before the rest; what they put into their tops is copied to
    the GPU, and the rest is replayed. A net with a layer that may reshape its tops is not captured.
    """

    def __init__(
        self, device: GpuDevice, graph: Graph, execute: Callable[[Sequence[Callable[[], None]]], None]
    ) -> None:
        self._device, self._graph, self._execute = device, graph, execute
        gradients: list[Memory] = [p.blob.memory("diff") for p in graph.parameters.owners]
        self._replays = Replays(device.gpu, execute, gradients)
        self._plan: Plan | None = None
        self._serves: tuple[Plan, bool] | None = None
        self._sources: list[Callable[[], None]] = []
        self._given: list[Memory] = []  # what sources put into, and the bytes that it lay in
        self._places: list[np.ndarray | None] = []
        self._forward: list[Part] = []
        self._backward: list[Part] = []

    def forward(self, plan: Plan, working: Working | None = None) -> None:
        """Run all layers; of a net in half precision, `working` rounds the weights before."""
        self._follow(plan, working)
        self._execute(self._sources)
        self._run("forward", self._forward)

    def backward(self, plan: Plan, working: Working | None = None) -> None:
        """Run all layers backward; `working` brings the gradients of the weights back."""
        self._follow(plan, working)
        self._run("backward", self._backward)

    def iteration(
        self,
        plan: Plan,
        working: Working | None,
        settle: Callable[[], None],
        update: Callable[[], None],
        variant: Hashable,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Run all layers, all backward, and an update, as one piece of work; see `serves_iterations`.

        settle : makes gradients whole that nothing was added to. variant : what `update` depends on, and
        whether there is a `before`, which comes first.
        """
        self._follow(plan, working)
        self._execute(self._sources)
        parts: list[Part] = [] if before is None else [("what a pass changes", before)]
        parts += [*self._forward, *self._backward]
        parts += [("the gradients of weights", settle), ("update", update)]
        self._replays.run("iteration", parts, (variant, before is None))

    def serves_iterations(self, plan: Plan) -> bool:
        """Whether nothing is known to prevent the capture of whole iterations."""
        return self.serves(plan) and not (plan is self._plan and self._replays.refusal("iteration"))

    def repeat(self, kind: str, variant: Hashable, call: Callable[[], None]) -> None:
        """Do other work on the net that repeats, such as a solver's update; variant : what it depends on."""
        if self._device.graph is False:
            call()
        else:
            self._run(kind, [(kind, call)], variant)

    def serves(self, plan: Plan) -> bool:
        """Whether passes by this plan may be captured at all."""
        if self._serves is None or self._serves[0] is not plan:
            serves = self._device.graph is not False and not plan.stepping and not _barrier(plan)
            self._serves = plan, serves
        return self._serves[1]

    def clear_gradients(self) -> None:
        """As `Blob.clear_diff` of every parameter."""
        flags = self._replays.flags
        flags[:] = b"\1" * len(flags)

    @property
    def has_cleared(self) -> bool:
        """Whether any gradient counts as zero although nothing was written."""
        return 1 in self._replays.flags

    def _run(self, kind: str, parts: Sequence[Part], variant: Hashable = None) -> None:
        self._replays.run(kind, parts, variant)
        refusal = self._replays.refusal(kind)
        if refusal and self._device.graph:
            why = self._described(refusal)
            raise DeviceError(f"graph=True, but the {kind} pass cannot be captured: {why}")

    def forget(self) -> None:
        """Drop all captures: what they refer to has changed."""
        self._plan = None

    def _have_moved(self) -> bool:
        """Whether inputs lie elsewhere than before: somebody gave them a larger shape and their own again.

        The plan is the same, but graphs go on reading what is there no more.
        """
        places = [memory.bytes for memory in self._given]
        if all(map(is_, places, self._places)):  # in every iteration
            return False
        before, self._places = self._places, places  # None: none was taken yet
        return any(a is not None and a is not b for a, b in zip(before, places, strict=True))

    def _follow(self, plan: Plan, working: Working | None) -> None:
        if plan is self._plan and not self._have_moved():
            return
        self._replays.forget()
        self._plan = plan
        given = [blob for step in plan.steps if not step.bottom for blob in step.top]
        self._given = [blob.memory(role) for blob in given for role in ("data", "diff")]
        self._places = [memory.bytes for memory in self._given]
        pairs = list(zip(plan.steps, plan.forward_calls, strict=True))
        self._sources = [call for step, call in pairs if not step.bottom]
        self._forward = [_part(step.layer, call) for step, call in pairs if step.bottom]
        backward = zip(plan.backward_steps, plan.backward_calls, strict=True)
        self._backward = [_part(step.layer, call) for step, call in backward]
        if working is not None:
            before, after = working.before_backward(), working.after_backward()
            name = "the gradients of weights"
            self._forward.insert(0, ("the weights", working.narrow))
            self._backward[:0] = [(name, call) for call in before]
            self._backward += [(name, call) for call in after]

    def _described(self, refusal: Sequence[HostAccess]) -> str:
        params = {p.name: p.blob for p in self._graph.parameters.owners}
        return describe(refusal, names_of({**self._graph.blobs, **params}))

    def describe(self, plan: Plan) -> str:
        """One line: what is captured, and what prevents the rest."""
        if self._device.graph is False:
            return "CUDA graphs are off"
        barrier = _barrier(plan)
        if barrier:
            return f"not captured as a CUDA graph: {barrier} may reshape its tops in forward"
        texts = []
        if self._replays.captured("iteration"):
            texts.append("an iteration is captured")
        for kind in ("forward", "backward", "update"):
            refusal = self._replays.refusal(kind)
            if refusal:
                texts.append(f"{kind} is not captured: {self._described(refusal)}")
            elif self._replays.captured(kind):
                texts.append(f"{kind} is captured")
        return "CUDA graphs: " + ("; ".join(texts) or "from the second pass on")


def _part(layer: object, call: Callable[[], None]) -> Part:
    return f"{layer.name} ({layer.type})", call  # type: ignore[attr-defined]


def _barrier(plan: Plan) -> str:
    """The first layer that may reshape its tops in forward, empty where there is none."""
    found = (step.layer for step in plan.steps if step.layer.reshapes_in_forward)
    return next((f"{layer.name} ({layer.type})" for layer in found), "")
