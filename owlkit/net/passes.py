"""Passes over a net, forward and backward, whole or in part."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np

from owlkit.core.errors import NetError
from owlkit.core.gpu.device import GpuDevice
from owlkit.layers.base import Layer
from owlkit.net import debug_info
from owlkit.net.plan import Plan
from owlkit.net.planned import Planned
from owlkit.net.turns import in_turn


class Passes(Planned):
    """Runs a graph on a device, by a plan that is made anew when shapes change.

    loss : weighted sum of the losses of the last whole forward pass. fuse : see Plan.
    debug_info : whether whole passes are logged; as the definition says, but not in a solver's nets, of which
        the solver's own tells when.
    """

    @in_turn
    def forward(
        self, start: str | None = None, end: str | None = None, **inputs: Any
    ) -> dict[str, np.ndarray]:
        """Run layers `start` to `end` (names; by default all) and return the outputs' arrays.

        inputs : blob name -> array of the blob's shape, copied in first.
        Returns the net's outputs, or the tops of layer `end`. `loss` holds the weighted sum of the losses of
        a whole pass. Raises NetError for an unknown name or an array of another shape.
        """
        if not isinstance(start, str | None):
            raise NetError(self._not_a_layer(start))
        for name, array in inputs.items():
            self._set_input(name, array)
        self._check_layers(start, end)
        self._follow_input_shapes(end)
        if start is None and end is None:
            self._forward_whole()
            self.loss = self._sum_losses()
            self._check_measures()
            return {name: self.blobs[name].data for name in self.outputs}
        self._find_room(start, end)
        plan = self._plan_for(stepping=True)
        first = plan.position(start) if start is not None else 0
        last = plan.position(end) if end is not None else len(plan.steps) - 1
        self._run_forward(plan, first, last)
        return {name: self.blobs[name].data for name in self.graph.nodes[last].top_names}

    def _not_a_layer(self, found: Any) -> str:
        name = next(iter(self.inputs), None)
        if name is None:
            return (
                f"forward: a {type(found).__name__} names no layer, and the net reads its data itself; "
                "net.predict(images) runs yours"
            )
        shape = self.blobs[name].shape
        return (
            f"forward: arrays go by the blob's name, net.forward({name}=array) of shape {shape}; "
            "net.predict(images) takes images of any size and number"
        )

    @in_turn
    def forward_uncut(self, start: str, end: str) -> bool:
        """Run layers `start` to `end` on the plan of whole passes; False, and nothing is done, where that has
        steps which the range would cut.
        """
        self._check_layers(start, end)
        self._follow_input_shapes(end)
        self._find_room(start, end)
        plan = self._plan_for(stepping=False)
        if not plan.fits(start, end):
            return False
        self._run_forward(plan, plan.position(start), plan.position(end))
        return True

    @in_turn
    def backward(self, start: str | None = None, end: str | None = None) -> None:
        """Compute gradients from layer `start` (by default the last) down to layer `end` (the first).

        It follows the forward pass that ran last. Parameter gradients are added to what they hold; see
        `clear_param_diffs`. Raises NetError for an unknown name, or where a range would cut layers that run
        as one step.
        """
        self._check_layers(start, end)
        self._check_reach(start)
        try:
            self._run_backward(start, end)
        except BaseException:
            self._abandon_scale()
            raise
        self._settle_diffs()
        if self.debug_info and start is None and end is None:
            debug_info.log_backward(self)

    def _abandon_scale(self) -> None:
        """A backward pass failed: the next one does not start from scaled losses."""
        if self.loss_scale is not None:
            self.loss_scale.abandon()

    def _run_backward(self, start: str | None, end: str | None) -> None:
        whole = start is None and end is None
        if whole and self.captures and not self.watchers and self.captures.serves(self.plan):
            self.captures.backward(self.plan, self.working)
        else:
            calls = self.plan.backward_range(end, start)
            self._run(self.working.before_backward(whole) if self.working else ())
            if self.watchers:
                self._run_backward_watched(self.plan, end, start)
            else:
                self._run(calls)
            self._run(self.working.after_backward(whole) if self.working else ())

    @in_turn
    def forward_backward(self) -> float:
        """One forward and one backward pass; returns the loss."""
        self._follow_input_shapes(None)
        self._forward_whole()
        self.backward()
        self.loss = self._sum_losses()  # last: on a GPU this waits for what was queued
        return self.loss

    @in_turn
    def forward_backward_later(self, before: Callable[[], None] | None = None) -> Callable[[], float]:
        """As `forward_backward`, on a GPU and without waiting: what is returned waits for the loss.

        before : launches kernels only, before the pass.
        """
        self._follow_input_shapes(None)
        if before is not None:
            self._plan_for(stepping=False)  # layers are prepared
            self._run([before])
        self._forward_whole()
        read = self._read_losses_later()
        self.backward()
        return read

    @in_turn
    def iterate_later(
        self, update: Callable[[], None], variant: Hashable, before: Callable[[], None] | None = None
    ) -> Callable[[], float]:
        """As `forward_backward_later`, and an update after it: where possible, one CUDA graph for all.

        update : launches kernels only, as `before` does. variant : what these depend on besides memory.
        """
        assert self.captures is not None
        self._follow_input_shapes(None)
        plan = self._plan_for(stepping=False)
        if self.watchers or not self.captures.serves_iterations(plan):
            read = self.forward_backward_later(before)
            self.captures.repeat("update", variant, update)
            return read
        try:
            self.captures.iteration(plan, self.working, self._settle_diffs, update, variant, before)
        except BaseException:
            self._abandon_scale()
            raise
        return self._read_losses_later()

    def _read_losses_later(self) -> Callable[[], float]:
        assert isinstance(self.device, GpuDevice)
        gpu = self.device.gpu
        readings = [(gpu.read_later(blob.data_tensor), weight) for blob, weight in self._losses]

        def read() -> float:
            self.loss = sum(weight * float(values().sum()) for values, weight in readings)
            return self.loss

        return read

    def _forward_whole(self) -> None:
        self._find_room(None, None)
        plan = self._plan_for(stepping=False)
        if self.captures and not self.watchers and self.captures.serves(plan):
            self.captures.forward(plan, self.working)
        else:
            self._run_forward(plan)
        if self.debug_info:
            debug_info.log_forward(self)

    def _run_forward(self, plan: Plan, first: int = 0, last: int | None = None) -> None:
        if self.working:
            self._run([self.working.narrow])
        if self.watchers:
            self._run_forward_watched(plan, first, len(plan.steps) - 1 if last is None else last)
            return
        for calls in plan.forward_parts(first, last):
            self._run(calls)

    def _run_forward_watched(self, plan: Plan, first: int, last: int) -> None:
        """Step by step; with a stepping plan a step is a layer."""
        for index in range(first, last + 1):
            self.watchers.tell("before_forward", index)
            for calls in plan.forward_parts(index, index):
                self._run(calls)
            self.watchers.tell("after_forward", index)

    def _run_backward_watched(self, plan: Plan, end: str | None, start: str | None) -> None:
        first = plan.position(end) if end is not None else 0
        last = plan.position(start) if start is not None else len(plan.steps) - 1
        for index in range(last, first - 1, -1):
            self.watchers.tell("before_backward", index)
            self._run(plan.backward_calls_of(index))
            self.watchers.tell("after_backward", index)

    def watch_layers(self, moment: str, watcher: Callable[[int], None]) -> None:
        """Have `watcher(number of the layer)` called around each layer from now on; passes are then stepping.

        moment : "before_forward", "after_forward", "before_backward" or "after_backward".
        Raises NetError for another.
        """
        self.watchers.add(moment, watcher)
        self.plan_as(stepping=True)

    def _sum_losses(self) -> float:
        total = 0.0
        for blob, weight in self._losses:
            values = blob.data_tensor.peek()
            total += weight * float(values.sum() if blob.count != 1 else values.item())
        if self.captures and not math.isfinite(total):
            self.check_bottoms()
        return total

    def _check_measures(self) -> None:
        """An accuracy may be all that a net computes: where it is NaN, labels are wrong as well."""
        if not self.captures:
            return
        outputs = set(self.outputs)
        for node in self.graph.nodes:
            if not outputs.intersection(node.top_names) or node.top[0].count != 1:
                continue
            checks = type(node.layer).check_bottoms is not Layer.check_bottoms
            if checks and math.isnan(float(node.top[0].peek().item())):
                self.check_bottoms()

    def check_bottoms(self) -> None:
        """Raise what layers have to say of their bottoms, which kernels on a GPU cannot."""
        self._run([partial(node.layer.check_bottoms, node.bottom) for node in self.graph.nodes])

    def _settle_diffs(self) -> None:
        """Write the zeros of gradients that nothing was added to: the arena then holds what `diff` shows."""
        if self.captures is not None and not self.captures.has_cleared:
            return
        for parameter in self.learnable:
            parameter.blob.settle_diff()
