"""Net: a graph on a device, with memory, a plan and its learned parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device, resolve_device
from owlkit.core.errors import DataError, NetError, closest
from owlkit.core.fillers import fill
from owlkit.layers.base import Layer
from owlkit.net import diagnosis, state, tables
from owlkit.net.gradients import forbid_backward
from owlkit.net.graph import Graph
from owlkit.net.parameters import ArenaGroup, Parameter, build_arena
from owlkit.net.plan import Plan
from owlkit.net.watchers import LayerWatchers
from owlkit.net.weights import LoadReport, load_weights, match_weights, net_to_proto, save_hdf5, save_weights

log = logging.getLogger("owlkit")


class Net:
    """A net that runs.

    definition : path of a prototxt, NetParameter or NetSpec.
    phase : "train" or "test". weights : caffemodel to load. device : "cpu"; None takes the default.
    dtype : "float32" or "float64". seed : of weights, dropout and data; None draws one.
    level, stages : select layers by their include and exclude rules.
    share : a net whose parameters this one uses (a test net of a train net).
    fuse : whether layers are fused where no visible blob changes by it.
    backward : whether gradients can be asked for; False saves making the kernels.

    blobs : name -> Blob, in the order they are made. params : layer name -> its learned blobs.
    layers : all layers, Split layers included. inputs, outputs : blob names. loss : of the last forward pass.
    load_report : what of `weights` was loaded; None where none were given.
    Raises PrototxtError, NetError, DataError, FileFormatError: see Graph and `copy_from`.
    """

    def __init__(
        self,
        definition: Any,
        *,
        phase: str = "test",
        weights: str | Path | None = None,
        device: str | Device | None = None,
        dtype: str = "float32",
        seed: int | None = None,
        level: int = 0,
        stages: Sequence[str] = (),
        share: Net | None = None,
        fuse: bool = True,
        backward: bool = True,
    ) -> None:
        self.device = resolve_device(device)
        self.graph = Graph(definition, phase=phase, level=level, stages=stages, dtype=dtype, seed=seed)
        self.loss = 0.0
        self._fuse, self._stepping = fuse, False
        self.watchers = LayerWatchers()
        self._plan: Plan | None = None
        self._last_plan: Plan | None = None
        self._inferred_from = self._input_shapes()
        self._reach = len(self.graph.nodes)  # the number of layers whose shapes follow from the inputs'
        if not backward:
            forbid_backward(self.graph)
        self._allocate(share)
        self.load_report: LoadReport | None = None
        if weights is not None:
            self._load(weights)
        self._losses = self._loss_blobs()

    def _load(self, weights: str | Path) -> None:
        self.load_report = self.copy_from(weights)
        if not self.load_report.loaded:
            report = self.load_report
            mine, theirs = (", ".join(names) for names in (report.missing, report.unused))
            raise NetError(
                f"no layer of this net is named as one with weights in {weights}: the net has "
                f"{mine or 'none'}, the file {theirs}; give its own weights, or name layers as there"
            )

    def _allocate(self, share: Net | None) -> None:
        """Place the learned parameters, share them or fill them."""
        shared = self.graph.parameters.share_with(self.layers, share.layers) if share else []
        mine = [parameter for parameter in self.learnable if parameter not in shared]
        self.arena: list[ArenaGroup] = build_arena(mine, self.dtype)
        layers = self.layer_dict
        for parameter in mine:
            layer = layers[parameter.layer]
            filler = layer.fillers[parameter.index]
            if filler is not None:
                fill(parameter.blob.data, filler, layer.rng)
        self.clear_param_diffs()

    # -- what it is made of
    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def phase(self) -> str:
        return self.graph.phase

    @property
    def dtype(self) -> str:
        return self.graph.dtype

    @property
    def seed(self) -> int:
        return self.graph.seed

    @property
    def blobs(self) -> dict[str, Blob]:
        return self.graph.blobs

    @property
    def layers(self) -> list[Layer]:
        return [node.layer for node in self.graph.nodes]

    @property
    def layer_names(self) -> list[str]:
        return [node.name for node in self.graph.nodes]

    @property
    def layer_dict(self) -> dict[str, Layer]:
        return {node.name: node.layer for node in self.graph.nodes}

    @property
    def params(self) -> dict[str, list[Blob]]:
        return {node.name: node.layer.blobs for node in self.graph.nodes if node.layer.blobs}

    @property
    def learnable(self) -> list[Parameter]:
        """Parameters that a solver updates: each owner once, in Caffe's order."""
        return self.graph.parameters.owners

    @property
    def inputs(self) -> list[str]:
        return self.graph.inputs

    @property
    def outputs(self) -> list[str]:
        return self.graph.outputs

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        return {node.name: node.bottom_names for node in self.graph.nodes}

    @property
    def top_names(self) -> dict[str, list[str]]:
        return {node.name: node.top_names for node in self.graph.nodes}

    @property
    def batch_size(self) -> int:
        """Length of axis 0 of the first blob; 0 for a net without layers."""
        first = next(iter(self.blobs.values()), None)
        return first.shape[0] if first is not None and first.shape else 0

    @property
    def plan(self) -> Plan:
        """The bound schedule that ran last; made on first use and whenever a shape has changed."""
        return self._plan if self._plan is not None else self._plan_for(stepping=False)

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
        if self._plan is None or (self._plan.stepping, self._plan.reach) != (stepping, self._reach):
            previous, self._plan = self._last_plan, None
            self._plan = Plan(
                self.graph,
                self.device,
                fuse=self._fuse,
                stepping=stepping,
                previous=previous,
                reach=self._reach,
            )
            self._last_plan = self._plan
        return self._plan

    def _loss_blobs(self) -> list[tuple[Blob, float]]:
        pairs = []
        for node in self.graph.nodes:
            pairs += [(b, w) for b, w in zip(node.top, node.layer.loss_weights, strict=False) if w]
        return pairs

    # -- running
    def forward(
        self, start: str | None = None, end: str | None = None, **inputs: Any
    ) -> dict[str, np.ndarray]:
        """Run layers `start` to `end` (names; by default all) and return the outputs' arrays.

        inputs : blob name -> array of the blob's shape, copied in first.
        Returns the net's outputs, or the tops of layer `end`. `loss` holds the weighted sum of the losses of
        a whole pass. Raises NetError for an unknown name or an array of another shape.
        """
        for name, array in inputs.items():
            self._set_input(name, array)
        self._check_layers(start, end)
        self._follow_input_shapes(end)
        if start is None and end is None:
            self._run_forward(self._plan_for(stepping=False))
            self.loss = self._sum_losses()
            return {name: self.blobs[name].data for name in self.outputs}
        plan = self._plan_for(stepping=True)
        first = plan.position(start) if start is not None else 0
        last = plan.position(end) if end is not None else len(plan.steps) - 1
        self._run_forward(plan, first, last)
        return {name: self.blobs[name].data for name in self.graph.nodes[last].top_names}

    def forward_uncut(self, start: str, end: str) -> bool:
        """Run layers `start` to `end` on the plan of whole passes; False, and nothing is done, where that has
        steps which the range would cut.
        """
        self._check_layers(start, end)
        self._follow_input_shapes(end)
        plan = self._plan_for(stepping=False)
        if not plan.fits(start, end):
            return False
        self._run_forward(plan, plan.position(start), plan.position(end))
        return True

    def backward(self, start: str | None = None, end: str | None = None) -> None:
        """Compute gradients from layer `start` (by default the last) down to layer `end` (the first).

        It follows the forward pass that ran last. Parameter gradients are added to what they hold; see
        `clear_param_diffs`. Raises NetError for an unknown name, or where a range would cut layers that run
        as one step.
        """
        self._check_layers(start, end)
        self._check_reach(start)
        if self.watchers:
            self._run_backward_watched(self.plan, end, start)
        else:
            self._run(self.plan.backward_range(end, start))
        self._settle_diffs()

    def forward_backward(self) -> float:
        """One forward and one backward pass; returns the loss."""
        self.forward()
        self.backward()
        return self.loss

    def _run_forward(self, plan: Plan, first: int = 0, last: int | None = None) -> None:
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

    def _run(self, calls: Sequence[Any]) -> None:
        call = None
        try:
            for call in calls:
                call()
        except Exception as error:
            if isinstance(error, DataError) and error.place is not None:
                record = diagnosis.record_of(self.graph, *error.place)
                if record:
                    error.add(record)
            layer = getattr(getattr(call, "func", None), "__self__", None)
            if layer is not None:
                error.add_note(f"in {call.func.__name__} of layer {layer.name!r} ({layer.type})")  # type: ignore[union-attr]
            raise

    def _sum_losses(self) -> float:
        total = 0.0
        for blob, weight in self._losses:
            total += weight * float(blob.data.sum() if blob.count != 1 else blob.data.item())
        return total

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

    def _set_input(self, name: str, array: Any) -> None:
        if name not in self.blobs:
            raise NetError(f"there is no blob {name!r}{closest(name, self.blobs)}; inputs are {self.inputs}")
        blob, array = self.blobs[name], np.asarray(array)
        if array.shape != blob.shape:
            raise NetError(
                f"input {name!r} is {blob.shape}, but the array is {array.shape}; "
                f"net.blobs[{name!r}].reshape(...) changes the net's input"
            )
        blob.data[...] = array

    def _follow_input_shapes(self, end: str | None) -> None:
        """Infer shapes again where somebody has changed that of an input, before the first pass or later.

        Layers after `end` may refuse theirs: a part of a net runs on images that its last layers do not take.
        """
        last = self.layer_names.index(end) if end is not None else len(self.graph.nodes) - 1
        if self._inferred_from != self._input_shapes() or self._reach <= last:
            self._infer(last)

    def _input_shapes(self) -> list[tuple[int, ...]]:
        return [self.blobs[name].shape for name in self.inputs]

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

    # -- parameters
    def clear_param_diffs(self) -> None:
        """Let all parameter gradients count as zero; the next backward pass writes over them."""
        for parameter in self.learnable:
            parameter.blob.clear_diff()

    def _settle_diffs(self) -> None:
        """Write the zeros of gradients that nothing was added to: the arena then holds what `diff` shows."""
        for parameter in self.learnable:
            parameter.blob.settle_diff()

    def copy_from(self, source: Any, *, quiet: bool = False) -> LoadReport:
        """Load weights by layer name; returns, and unless `quiet` logs, a table of what was done.

        source : path of a caffemodel, binary or HDF5, or of a safetensors file; or a NetParameter. The table
        is a warning, so that it is seen, where a layer of the net or of the file was left out.
        Raises NetError where shapes differ, FileFormatError where the file is none of these; nothing is
        changed then.
        """
        report = load_weights(self.layers, source, self._followers)
        if not quiet:
            log.log(logging.INFO if report.complete else logging.WARNING, "%s", report)
        return report

    def match(self, source: Any) -> LoadReport:
        """What `copy_from` would do, without doing it; raises as that does."""
        return match_weights(self.layers, source, self._followers)[0]

    @property
    def _followers(self) -> set[int]:
        """Identities of learned blobs that share an earlier layer's memory by name."""
        return {id(blob) for blob, _ in self.graph.parameters.followers}

    def to_proto(self, write_diff: bool = False) -> Any:
        """The NetParameter with weights (and their gradients), as a caffemodel holds it."""
        return net_to_proto(self.graph.definition, self.layers, write_diff)

    def save(self, path: str | Path) -> None:
        """Write the weights, atomically: `.h5` as Caffe's HDF5, `.safetensors`, any other name a caffemodel.

        Raises DataError where the file cannot be written or an optional package is missing.
        """
        save_weights(path, self.graph.definition, self.layers, self._followers)

    def save_hdf5(self, path: str | Path, write_diff: bool = False) -> None:
        """Write the weights (and their gradients) in Caffe's HDF5 layout, atomically."""
        save_hdf5(path, self.layers, self._followers, write_diff=write_diff)

    # -- state beyond parameters
    def state(self) -> dict[str, Any]:
        """Positions of data layers and states of random generators, JSON-able; for a bit-identical resume."""
        return state.capture(self.layers)

    def restore_state(self, saved: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        state.restore(self.layers, saved)

    @property
    def data_wait_seconds(self) -> float:
        """How long forward passes have waited for data layers so far."""
        return float(sum(getattr(layer, "wait_seconds", 0.0) for layer in self.layers))

    def first_nonfinite(self) -> tuple[str, str, str] | None:
        """(layer, blob, what was found) of the first NaN or infinity, in the order of computation."""
        return diagnosis.first_nonfinite(self.graph)

    def zero_weights(self) -> list[str]:
        """Names of layers whose weights are all zero although they are to learn."""
        return diagnosis.zero_weights(self.graph)

    def __repr__(self) -> str:
        return tables.graph_text(self.graph)

    def _repr_html_(self) -> str:
        return tables.graph_html(self.graph)
