"""pycaffe's Net."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.caffe import alias, batches, mode
from owlkit.caffe.blobs import Blob
from owlkit.caffe.files import existing
from owlkit.caffe.logs import tell_loaded
from owlkit.caffe.structure import Structure
from owlkit.core.errors import NetError, closest
from owlkit.layers.memory_data import MemoryData
from owlkit.net import LoadReport
from owlkit.net import Net as CoreNet
from owlkit.net.steps import hides_needed_data
from owlkit.solvers import loading

Arrayed = dict[str, np.ndarray]


class Net(Structure):
    """A net with pycaffe's interface.

    Net(network_file, phase, level=0, stages=None, weights=None), or as it was until 2016
    Net(network_file, weights, phase); network_file : prototxt (also a NetParameter or NetSpec), weights :
    caffemodel, phase : caffe.TRAIN or caffe.TEST, level and stages : select layers by their rules.
    Raises DataError (a RuntimeError too) for a missing file, PrototxtError, NetError or FileFormatError for
    one that does not fit; TypeError where the phase is missing.
    """

    def __init__(
        self,
        network_file: Any,
        phase: Any = None,
        level: Any = None,
        stages: Sequence[str] | None = None,
        weights: Any = None,
    ) -> None:
        if isinstance(phase, str | Path) and phase not in ("train", "test"):
            phase, level, weights = level, None, phase  # Net(network_file, weights, phase)
        if isinstance(level, str | Path):
            raise TypeError(f"the third argument of caffe.Net is the level; give weights={str(level)!r}")
        if phase is None:
            raise TypeError("caffe.Net needs a phase: caffe.Net(network_file, caffe.TEST, weights=...)")
        definition = proto.net_param(existing(network_file))
        weights = None if weights is None else existing(weights)
        with alias.offered():
            net = CoreNet(
                definition,
                phase=mode.phase_name(phase),
                device=mode.device(),
                seed=mode.next_seed(),
                level=0 if level is None else int(level),
                stages=() if stages is None else list(stages),
            )
        if weights is not None and net.params:
            tell_loaded(loading.load(net, weights))
        super().__init__(net)
        self._solver_trains = self._solver_tests = self._is_run_by_user = False
        self._run_by_user()
        if any(not node.bottom and node.layer.type != "Input" for node in net.graph.nodes):
            net.plan  # noqa: B018  # sources show their first values before anything runs, as in Caffe

    @classmethod
    def of_solver(cls, net: CoreNet) -> Net:
        """The net of a solver in pycaffe's form."""
        made = cls.__new__(cls)
        Structure.__init__(made, net)
        made._is_run_by_user = False
        made._solver_trains, made._solver_tests = net.phase == "train", net.phase == "test"
        net.plan  # noqa: B018
        return made

    @property
    def owlkit_net(self) -> CoreNet:
        """The owlkit.Net beneath, with all that was written to the arrays: for what pycaffe does not have.

        `owlkit.check_gradients`, `owlkit.export_onnx` and the like take a caffe.Net and ask for this.
        """
        self._arrays.put_in()
        return self._net

    def _run_by_user(self) -> None:
        """Plan for passes of which any part may be run next, also backward, where there are gradients.

        A solver's own loop runs whole passes, which are faster planned as a whole. A plan is not changed
        later where that can be helped: with it go the masks and the like that a later backward pass needs.
        """
        if self._is_run_by_user:
            return
        self._is_run_by_user = True
        if self._has_gradients:
            self._net.plan_as(stepping=not self._hides_needed_data)

    @cached_property
    def _hides_needed_data(self) -> bool:
        return hides_needed_data(self._net.graph.nodes)

    @cached_property
    def _has_gradients(self) -> bool:
        return any(node.backward for node in self._net.graph.nodes)

    # -- running
    def forward(
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrayed:
        """Run layers `start` to `end`, by default all; returns {name: data} of the outputs.

        blobs : names to return besides. kwargs : every input's array, its batch size that of the input blob.
        The arrays returned show the blobs: the next pass writes over them; copy what is to stay.
        Returns the tops of layer `end` where that is given. Raises NetError for a name that there is not, or
        inputs that do not match.
        """
        first, last = self._range(start, end)
        wanted = [*(self.outputs if end is None else self.top_names[end]), *(blobs or [])]
        self._fill("data", kwargs)
        self._forward(first, last)
        return {name: self._blob(name).data for name in wanted}

    def _forward(self, first: int, last: int) -> float:
        """Run layers by number; the loss, after a whole pass."""
        self._run_by_user()
        names = self._layer_names
        with self._arrays.passed_on():
            if (first, last) == (0, len(names) - 1):
                self._plan_whole()
                self._net.forward()
            elif not self._net.forward_uncut(names[first], names[last]):
                self._net.plan_as(stepping=True)
                self._net.forward_uncut(names[first], names[last])
        return self._net.loss

    def _plan_whole(self) -> None:
        """After a part that cut between layers in place: gradients need the versions of their blob again."""
        if self._has_gradients and self._hides_needed_data and not self._net.watchers:
            self._net.plan_as(stepping=False)

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrayed:
        """Run backward from layer `start`, by default the last, down to `end`; returns {input: diff}.

        diffs : names to return besides. kwargs : every output's gradient. Returns the gradients of the
        bottoms of layer `end` where that is given; they show the blobs, as in `forward`. Gradients of
        parameters are added to what is there (`clear_param_diffs`). Raises as `forward`.
        """
        first, last = self._range(end, start)
        wanted = [*(self.inputs if end is None else self.bottom_names[end]), *(diffs or [])]
        self._fill("diff", kwargs)
        self._backward(last, first)
        return {name: self._blob(name).diff for name in wanted}

    def _backward(self, last: int, first: int) -> None:
        if self._solver_tests:
            raise NetError(
                "a solver's test net runs forward only; make one that runs backward as well with "
                "caffe.Net(file, caffe.TEST), and solver.share_weights(net)"
            )
        if not self._has_gradients:
            return  # no layer runs backward: a deployed net without force_backward, as in Caffe
        # On the plan of the forward pass before it, whosever that was: it holds what backward needs.
        names = self._layer_names
        whole = (first, last) == (0, len(names) - 1)
        with self._arrays.passed_on():
            if whole:
                self._net.backward()
            else:
                self._net.backward(names[last], names[first])

    def forward_all(self, blobs: Sequence[str] | None = None, **kwargs: Any) -> Arrayed:
        """`forward` for any number of inputs, in batches; returns {name: array} with one entry per input.

        kwargs : every input's array, (M, ...). The last batch is filled up with zeros; these are dropped
        again.
        """
        return batches.forward_all(self, blobs or (), kwargs)

    def forward_backward_all(
        self, blobs: Sequence[str] | None = None, diffs: Sequence[str] | None = None, **kwargs: Any
    ) -> tuple[Arrayed, Arrayed]:
        """`forward` and `backward` in batches; returns ({name: data}, {name: diff}) over all of them.

        kwargs : arrays of inputs, and gradients of outputs, (M, ...); either may be left out.
        """
        return batches.forward_backward_all(self, blobs or (), diffs or (), kwargs)

    def _batch(self, arrays: Mapping[str, Any]) -> Iterator[dict[str, np.ndarray]]:
        """The arrays cut into batches of the net's size."""
        return batches.cut(arrays, self._net.batch_size)

    def _range(self, start: str | None, end: str | None) -> tuple[int, int]:
        return self._layer(start, 0), self._layer(end, len(self._layers_shown) - 1)

    def _layer(self, name: str | None, default: int) -> int:
        if name is None:
            return default
        names = self._layer_names
        if name not in names:
            raise NetError(f"there is no layer {name!r}{closest(name, names)}")
        return names.index(name)

    def _blob(self, name: str) -> Blob:
        if name not in self._blobs_shown:
            raise NetError(f"there is no blob {name!r}{closest(name, self._blobs_shown)}")
        return self._blobs_shown[name]

    def _fill(self, role: str, given: Mapping[str, Any]) -> None:
        """Write `data` of all inputs, or `diff` of all outputs; nothing where nothing is given."""
        what, names = ("input", self.inputs) if role == "data" else ("output", self.outputs)
        if given and set(given) != set(names):
            raise NetError(f"{what}s given: {sorted(given)}; the net's are {list(names)}: give them all")
        for name, value in given.items():
            blob, array = self._blobs_shown[name], np.asarray(value)
            if array.ndim == 0 or array.shape[0] != blob.shape[0]:
                raise NetError(
                    f"{what} {name!r} is {blob.shape}, but the array is {array.shape}; its axis 0 must be "
                    f"the batch size: net.blobs[{name!r}].reshape(...) changes it, forward_all cuts batches"
                )
            self._arrays.write(self._net.blobs[name], role, array)

    def reshape(self) -> None:
        """Infer all shapes from those of the inputs."""
        with self._arrays.passed_on():
            self._net.reshape()

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Let the MemoryData layer, the first, take batches from these arrays; they are kept, not copied.

        data : (M, C, H, W) float32 as memory_data_param says; labels : M numbers, any shape.
        Raises NetError where the first layer is another, DataError for other shapes.
        """
        first = self._net.layers[0] if self._net.layers else None
        if not isinstance(first, MemoryData):
            found = f"{first.name!r} ({first.type})" if first is not None else "missing"
            raise NetError(f"set_input_arrays needs a MemoryData layer as the first one; it is {found}")
        first.reset(data, labels)

    # -- callbacks
    def before_forward(self, run: Callable[[int], Any]) -> None:
        """Have `run(number)` called before each layer's forward."""
        self._watch("before_forward", run)

    def after_forward(self, run: Callable[[int], Any]) -> None:
        """Have `run(number)` called after each layer's forward."""
        self._watch("after_forward", run)

    def before_backward(self, run: Callable[[int], Any]) -> None:
        """Have `run(number)` called before each layer's backward."""
        self._watch("before_backward", run)

    def after_backward(self, run: Callable[[int], Any]) -> None:
        """Have `run(number)` called after each layer's backward."""
        self._watch("after_backward", run)

    def _watch(self, moment: str, run: Callable[[int], Any]) -> None:
        arrays = self._arrays

        def watcher(layer: int) -> None:
            with arrays.shown():
                run(layer)

        self._is_run_by_user = True
        self._net.watch_layers(moment, watcher)

    # -- parameters
    def clear_param_diffs(self) -> None:
        """Set the parameters' gradients to zero."""
        self._net.clear_param_diffs()
        for parameter in self._net.learnable:
            parameter.blob.settle_diff()  # arrays that someone holds show the zeros at once

    def copy_from(self, path: Any) -> LoadReport:
        """Load weights by layer name; returns what was loaded, kept and skipped. Raises as making a net."""
        return self._net.copy_from(existing(path))

    def share_with(self, other: Net) -> None:
        """Use the parameters of the equally named layers of another net from now on.

        Raises NetError where shapes differ, or for a net that a solver trains.
        """
        if self._solver_trains:
            raise NetError(
                "a solver updates this net's own parameters: other.share_with(solver.net) shares them"
            )
        self._net.graph.parameters.share_with(self._net.layers, other._net.layers)

    def save(self, path: str | Path) -> None:
        """Write a caffemodel, atomically."""
        self._net.save(path)

    def save_hdf5(self, path: str | Path) -> None:
        """Write the weights as HDF5 in Caffe's layout, atomically; needs h5py."""
        self._net.save_hdf5(path)

    def load_hdf5(self, path: str | Path) -> LoadReport:
        """Load weights from HDF5 in Caffe's layout, by layer name; needs h5py."""
        return self.copy_from(path)

    def __repr__(self) -> str:
        return repr(self._net)

    def _repr_html_(self) -> str:
        return self._net._repr_html_()
