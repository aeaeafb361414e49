"""Net: a graph on a device, with memory, a plan and its learned parameters."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from owlkit.core import frontends
from owlkit.core.conveniences import resolve
from owlkit.core.device import Device, resolve_device
from owlkit.core.dtypes import is_half, wide
from owlkit.core.errors import NetError
from owlkit.core.fillers import fill
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tracebacks import Shortened
from owlkit.layers.base import Layer
from owlkit.net import diagnosis, saving, state
from owlkit.net.deploying import check_learned, deploy_definition, told_of_batch
from owlkit.net.gradients import forbid_backward
from owlkit.net.graph import Graph
from owlkit.net.guard import Guard
from owlkit.net.parameters import ArenaGroup, build_arena
from owlkit.net.passes import Passes
from owlkit.net.plan import Plan
from owlkit.net.reuse import Reuse
from owlkit.net.rewind import HostStates, Rewind
from owlkit.net.turns import in_turn
from owlkit.net.weights import LoadReport, load_weights, match_weights, take_blobs
from owlkit.net.working import LossScale, Working

log = logging.getLogger("owlkit")


class Net(Passes):
    """A net that runs.

    definition : path of a prototxt, NetParameter or NetSpec; where its layers have blobs, as those of
        `to_proto` do, these are the first weights.
    weights : caffemodel to load. phase : "train" or "test". device : "cpu"; None takes the default.
    dtype : "float32" or "float64"; on a GPU "float16" or "bfloat16" too, with weights in float32 beside (see
        `net.precision`). seed : of weights, dropout and data; None draws one.
    level, stages : select layers by their include and exclude rules.
    share : a net whose parameters this one uses (a test net of a train net). While that one is trained in
        another thread, a pass may see weights of two iterations; `with net.at_rest(): ...` sees one.
    fuse : whether layers are fused where no visible blob changes by it.
    backward : whether gradients can be asked for; False saves making the kernels.
    memory : "keep" lets every blob last; "reuse" lets those share memory that are not in use at one time,
        so that after a pass only inputs, outputs and blobs named in `keep` can be read.

    blobs : name -> Blob, in the order they are made. params : layer name -> its learned blobs.
    layers : all layers, Split layers included. inputs, outputs : blob names. loss : of the last forward pass.
    load_report : what of `weights` was loaded; None where none were given.
    Raises PrototxtError, NetError, DataError, FileFormatError: see Graph and `copy_from`.
    """

    _drawing: tuple[Plan, list[Layer]] | None = None  # layers that draw on the host, by a plan
    _unmoved: Plan | None = None  # one whose passes change nothing for good

    def __init__(
        self,
        definition: Any,
        weights: str | Path | None = None,
        *,
        phase: str = "test",
        device: str | Device | None = None,
        dtype: str = "float32",
        seed: int | None = None,
        level: int = 0,
        stages: Sequence[str] = (),
        share: Net | None = None,
        fuse: bool = True,
        backward: bool = True,
        memory: str = "keep",
        keep: Sequence[str] = (),
    ) -> None:
        if weights in ("train", "test", 0, 1):
            raise NetError(
                f"weights are {weights!r}: that is a phase; give it as phase='train' or phase='test'"
            )
        with Shortened():
            graph = Graph(definition, phase=phase, level=level, stages=stages, dtype=dtype, seed=seed)
        if memory not in ("keep", "reuse"):
            raise NetError(f"memory={memory!r}: give 'keep', or 'reuse'")
        reuse = Reuse(graph, keep) if memory == "reuse" else None
        if reuse is not None and graph.definition.debug_info:
            log.warning("debug_info shows nothing of a net with memory='reuse': take memory='keep'")
        super().__init__(graph, _device_for(graph.dtype, device), fuse=fuse, reuse=reuse)
        if not backward:
            forbid_backward(self.graph)
        self._allocate(share)
        take_blobs(self.layers, self.graph.definition, self._followers, load=share is None)
        self.load_report: LoadReport | None = None
        if weights is not None:
            self._load(weights)

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
        if self.device.filters_channels_last:
            self.graph.parameters.lay_filters_channels_last(self.layers)
        shared = self.graph.parameters.share_with(self.layers, share.layers) if share else []
        if share:
            self.follow(share)
        mine = [parameter for parameter in self.learnable if parameter not in shared]
        self.arena: list[ArenaGroup] = build_arena(mine, wide(self.dtype))
        layers = self.layer_dict
        for parameter in mine:
            layer = layers[parameter.layer]
            filler = layer.fillers[parameter.index]
            if filler is not None:
                fill(parameter.blob.data, filler, layer.rng)
        self.clear_param_diffs()
        if is_half(self.dtype):
            self.graph.parameters.join_working(self.layers)
            self.working = self._make_working()

    def _make_working(self) -> Working:
        """What rounds the weights and brings gradients back; float16 takes a loss scale besides."""
        followers = self._followers
        pairs = [
            (blob, working)
            for layer in self.layers
            for blob, working in zip(layer.blobs, layer.working, strict=True)
            if id(blob) not in followers
        ]
        scales = self.dtype == "float16" and self._losses
        scale = LossScale(self.device, self._losses) if scales else None
        return Working(self.device, pairs, self.learnable, scale)

    @cached_property
    def guard(self) -> Guard:
        """What keeps a net on a GPU from being updated after a loss that is not finite."""
        scale = self.loss_scale
        return Guard(self.device, [blob for blob, _ in self._losses], scale.state if scale else None)

    @cached_property
    def rewind(self) -> Rewind:
        """What takes back what a pass changes for good; with `host_states` a batch can be run again."""
        return Rewind(self.device, self.layers, self.guard.state if self.captures is not None else None)

    @in_turn
    def remember(self) -> None:
        """Keep what the next pass will change for good; `rewind.restore()` then takes it back."""
        if self._plan is not None and self._plan is self._unmoved:
            return
        self._follow_input_shapes(None)
        self._find_room(None, None)
        plan = self._plan_for(stepping=False)  # layers are prepared
        self._run([self.rewind.keep])
        self._unmoved = plan if self.rewind.is_empty else None

    def host_states(self) -> HostStates:
        """What forward passes change on the host, as it is now."""
        plan = self.plan  # made where there is none: layers are prepared, and some draw from their generator
        if self._drawing is None or self._drawing[0] is not plan:
            self._drawing = plan, [layer for layer in self.layers if layer.draws_on_host]
        return HostStates(self.data_layers, self._drawing[1])

    # -- parameters
    @in_turn
    def clear_param_diffs(self) -> None:
        """Let all parameter gradients count as zero; the next backward pass writes over them."""
        if self.captures is not None:
            self.captures.clear_gradients()
            return
        for parameter in self.learnable:
            parameter.blob.clear_diff()

    @in_turn
    def copy_from(self, source: Any, *, skip: Collection[str] = (), quiet: bool = False) -> LoadReport:
        """Load weights by layer name; returns, and unless `quiet` logs, a table of what was done.

        source : path of a caffemodel, binary or HDF5, or of a safetensors file; or a NetParameter. The table
        is a warning, so that it is seen, where a layer of the net or of the file was left out.
        skip : names of layers that keep their values, such as a last one that is to tell other classes apart.
        Raises NetError where shapes differ, FileFormatError where the file is none of these; nothing is
        changed then.
        """
        report = load_weights(self.layers, source, self._followers, skip)
        if not quiet:
            say = log.info if report.complete else frontends.remark
            say(str(report))
        return report

    def match(self, source: Any) -> LoadReport:
        """What `copy_from` would do, without doing it; raises as that does."""
        return match_weights(self.layers, source, self._followers)[0]

    @property
    def _followers(self) -> set[int]:
        """Identities of learned blobs that share an earlier layer's memory by name."""
        return {id(blob) for blob, _ in self.graph.parameters.followers}

    def to_proto(self, write_diff: bool = False) -> Any:
        """The NetParameter with weights (and their gradients), as a caffemodel holds it.

        While a training goes on they are those between two iterations; see `at_rest`.
        """
        return saving.to_proto(self, write_diff=write_diff)

    def save(self, path: str | Path) -> None:
        """Write the weights, atomically: `.h5` as Caffe's HDF5, `.safetensors`, any other name a caffemodel.

        While a training goes on they are those between two iterations: it waits for the copy, not the disk.
        Raises DataError where the file cannot be written or an optional package is missing.
        """
        saving.save(self, path)

    def save_hdf5(self, path: str | Path, write_diff: bool = False) -> None:
        """Write the weights (and their gradients) in Caffe's HDF5 layout, atomically."""
        saving.save_hdf5(self, path, write_diff=write_diff)

    def deploy(self, batch: int = 1) -> Net:
        """The net as it is used: in test phase, with an Input in place of data, without labels and losses,
        with a Softmax `prob` where it had a SoftmaxWithLoss; the weights are copies.
        How the data layer prepares images is kept in the definition, so that `predict` does it. Layers are
        those of tests, where the definition has both: what it says for training alone goes.

        batch : images at a time. `save_definition` and `save` write its two files; `owlkit.export_onnx` takes
            it.
        Raises NetError where nothing is left, `batch` is no number of images, or the net does not take that
        many.
        """
        definition = deploy_definition(self.graph, batch)
        try:
            made = Net(definition, phase="test", device=self.device, dtype=wide(self.dtype))
            check_learned(made.graph, self.graph)
            made.copy_from(self.to_proto(), quiet=True)
            return made
        except NetError as error:
            told = told_of_batch(error, self.graph, batch)
        raise told

    def save_definition(self, path: str | Path) -> Path:
        """Write the definition, filtered for the net's phase and without weights, as a prototxt file; returns
        its path.
        """
        return saving.save_definition(self, path)

    def predict(
        self,
        images: Any,
        *,
        truth: Any = None,
        labels: Any = None,
        prepare: Any = None,
        top: int = 5,
        limit: int | None = None,
        progress: bool = True,
    ) -> Any:
        """What the net says of images: `net.predict("cat.jpg")` a Prediction, of several Predictions.

        images : one (a path, a PIL image, uint8 (H, W, 3) RGB or (H, W), prepared floats (C, H, W)), or many:
            a list or array (N, ...) of these, a folder, an LMDB set.
        truth : (N,) right classes, whole numbers or names out of `labels`, for `accuracy`, `confusion`,
            `wrong` and the figure of many images; those of a set by default.
        labels : names of classes, a list or a file with one per line. top : how many are told of an image.
        prepare : an ImageInput; by default images are prepared as the net's data layer does it in tests.
        limit : so many images at most. progress : a line of text where it takes long.
        The net is left alone, in training too: a twin with its weights runs the images, in test phase. Of
        several Softmax layers the last one answers.
        Raises NetError for a net that does not classify, DataError where no image can be read, or `truth` or
        `labels` do not fit.
        """
        return resolve("inspection.predicting:predictions")(
            self, images, truth=truth, labels=labels, prepare=prepare, top=top, limit=limit, progress=progress
        )

    # -- state beyond parameters
    def state(self) -> dict[str, Any]:
        """Positions of data layers and states of random generators, JSON-able; for a bit-identical resume."""
        scale = self.loss_scale
        return state.capture(self.layers) | ({"loss_scale": scale.saved()} if scale else {})

    @in_turn
    def restore_state(self, saved: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        state.restore(self.layers, saved)
        if self.loss_scale is not None and "loss_scale" in saved:
            self.loss_scale.restore(saved["loss_scale"])

    @property
    def data_wait_seconds(self) -> float:
        """How long forward passes have waited for data layers so far."""
        return float(sum([getattr(layer, "wait_seconds", 0.0) for layer in self.data_layers]))

    def first_nonfinite(self) -> tuple[str, str, str] | None:
        """(layer, blob, what was found) of the first NaN or infinity, in the order of computation."""
        gone = {n for n, roles in self.reuse.recycled.items() if "data" in roles} if self.reuse else set()
        return diagnosis.first_nonfinite(self.graph, gone)

    def first_nonfinite_weight(self) -> tuple[str, str, str] | None:
        """As `first_nonfinite`, of the learned blobs alone."""
        return diagnosis.first_nonfinite_weight(self.graph)

    def zero_weights(self) -> list[str]:
        """Names of layers whose weights are all zero although they are to learn."""
        return diagnosis.zero_weights(self.graph)


def _device_for(dtype: str, device: str | Device | None) -> Device:
    """The device; NetError where it is none that computes in `dtype`."""
    found = resolve_device(device)
    if is_half(dtype) and not isinstance(found, GpuDevice):
        raise NetError(
            f"dtype {dtype!r} is for GPUs; on {found.name} nets compute in float32 or float64: leave dtype "
            "out, or give device='gpu'"
        )
    return found
