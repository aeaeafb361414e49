"""How a net is planned: which schedule its passes run by, made anew where shapes have changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from owlkit.core import forks
from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.errors import DataError, NetError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.layers.base import Layer
from owlkit.net import diagnosis, needs
from owlkit.net.capturing import CapturedPasses
from owlkit.net.casts import Casts
from owlkit.net.graph import Graph
from owlkit.net.plan import Plan
from owlkit.net.reuse import Reuse
from owlkit.net.room import check_room
from owlkit.net.shaped import Shaped
from owlkit.net.turns import in_turn
from owlkit.net.watchers import LayerWatchers
from owlkit.net.working import LossScale, Working


class Planned(Shaped):
    """A graph on a device, with a plan that is made anew when shapes change; Passes run it.

    loss, fuse, debug_info : see Passes.
    """

    def __init__(self, graph: Graph, device: Device, *, fuse: bool, reuse: Reuse | None = None) -> None:
        self.device, self.reuse = device, reuse
        self._made_in = forks.generation()
        super().__init__(graph)
        self.loss = 0.0
        self.debug_info: bool = graph.definition.debug_info and reuse is None  # which leaves little to show
        self.watchers = LayerWatchers()
        self._fuse, self._stepping = fuse, False
        self._last_plan: Plan | None = None
        self._roomy: set[tuple[str | None, str | None]] = set()  # (start, end) of passes by the last plan
        self._losses = self._loss_blobs()
        self.working: Working | None = None  # of a net in half precision
        self.captures: CapturedPasses | None = None
        if isinstance(device, GpuDevice):
            self.captures = CapturedPasses(device, graph, self._run)

    @property
    def blobs(self) -> dict[str, Blob]:
        """The blobs by name; with `memory="reuse"`, those that do not last raise when they are read."""
        return self.graph.blobs if self.reuse is None else self.reuse.visible()

    @property
    def plan(self) -> Plan:
        """The bound schedule that ran last; made on first use and whenever a shape has changed."""
        plan = self._plan
        if plan is None:
            # The thread that runs the net may be making it: blobs are shared by one plan.
            with self.turns.taken():
                plan = self._plan if self._plan is not None else self._plan_for(stepping=False)
        return plan

    @in_turn
    def plan_as(self, *, fuse: bool = False, stepping: bool = False) -> None:
        """Choose how whole passes are planned from now on.

        fuse : as for the constructor. stepping : make every pass one that can stop between any two layers, as
        `forward` does for a part of the net.
        """
        self._fuse, self._stepping = fuse, stepping
        if self._plan is not None and (self._plan.fuse, self._plan.stepping) != (fuse, stepping):
            self._plan = None

    def _plan_for(self, *, stepping: bool) -> Plan:
        """The plan for whole passes, or the one that stops between any two layers."""
        stepping = stepping or self._stepping
        forks.check(self._made_in)
        if stepping and self.reuse is not None:
            raise NetError(
                "memory='reuse' runs whole passes only, for between layers blobs are gone; make the net with "
                "memory='keep' to run a part of it"
            )
        if self._plan is None or (self._plan.stepping, self._plan.reach) != (stepping, self._reach):
            previous, self._plan = self._last_plan, None
            forks.tell()
            sources = [n for n in self.graph.nodes if not n.bottom and n.layer.type != "Input"]
            check_room(self, sources)  # they show their first values now
            self._plan = Plan(
                self.graph,
                self.device,
                fuse=self._fuse,
                stepping=stepping,
                previous=previous,
                reach=self._reach,
                reuse=self.reuse,
            )
            self._last_plan = self._plan
            self._roomy.clear()
            if self.captures is not None:
                self._plan.remark = partial(self.captures.describe, self._plan)
        return self._plan

    def _find_room(self, start: str | None, end: str | None) -> None:
        """For what a pass over layers `start` to `end` writes to, until it has been found; see `check_room`.

        Before its kernels are made, which take memory, too. A plan alone may be made to be looked at.
        """
        if self._plan is None or (start, end) not in self._roomy:
            first = self.layer_names.index(start) if start is not None else 0
            last = self.layer_names.index(end) if end is not None else len(self.graph.nodes) - 1
            check_room(self, self.graph.nodes[first : last + 1])
            if self._plan is not None:
                self._roomy.add((start, end))

    @in_turn
    def warmup(self) -> None:
        """Make the plan and take the memory of all blobs now, so that the first pass waits for nothing.

        Kernels are compiled and chosen with the plan. Nothing is computed, so no value changes and no random
        number is drawn. Raises what a first pass would: an OutOfMemoryError says which layers take most.
        """
        self._follow_input_shapes(None)
        self._find_room(None, None)
        plan = self._plan_for(stepping=False)
        if isinstance(self.device, GpuDevice):
            self._run([partial(needs.take_memory, self.device, self.graph, bool(plan.backward_steps))])

    @property
    def loss_scale(self) -> LossScale | None:
        """What a float16 net multiplies its losses by; None for other nets and for those without a loss."""
        return self.working.scale if self.working is not None else None

    def _loss_blobs(self) -> list[tuple[Blob, float]]:
        pairs = []
        for node in self.graph.nodes:
            pairs += [(b, w) for b, w in zip(node.top, node.layer.loss_weights, strict=False) if w]
        return pairs

    def _run(self, calls: Sequence[Any]) -> None:
        call = None
        try:
            for call in calls:
                call()
        except Exception as error:
            if isinstance(error, OutOfMemoryError):
                needs.explain(error, self.graph, self._plan is None or bool(self._plan.backward_steps))
            if isinstance(error, DataError) and error.place is not None:
                record = diagnosis.record_of(self.graph, *error.place)
                if record:
                    error.add(record)
            owner = getattr(getattr(call, "func", None), "__self__", None)
            layer = owner.layer if isinstance(owner, Casts) else owner
            if isinstance(layer, Layer):
                error.add_note(f"in {call.func.__name__} of layer {layer.name!r} ({layer.type})")  # type: ignore[union-attr]
            raise
