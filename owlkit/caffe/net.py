"""pycaffe's Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.caffe import alias, mode
from owlkit.caffe.files import existing
from owlkit.caffe.logs import tell_loaded
from owlkit.caffe.passes import Passes
from owlkit.core.errors import NetError
from owlkit.layers.memory_data import MemoryData
from owlkit.net import LoadReport
from owlkit.net import Net as CoreNet
from owlkit.solvers import loading


class Net(Passes):
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
        super().__init__(net, run_by_user=True, solver_tests=False)
        self._solver_trains = False
        if any(not node.bottom and node.layer.type != "Input" for node in net.graph.nodes):
            net.plan  # noqa: B018  # sources show their first values before anything runs, as in Caffe

    @classmethod
    def of_solver(cls, net: CoreNet) -> Net:
        """The net of a solver in pycaffe's form."""
        made = cls.__new__(cls)
        Passes.__init__(made, net, run_by_user=False, solver_tests=net.phase == "test")
        made._solver_trains = net.phase == "train"
        net.plan  # noqa: B018
        return made

    @property
    def owlkit_net(self) -> CoreNet:
        """The owlkit.Net beneath, with all that was written to the arrays: for what pycaffe does not have.

        `owlkit.check_gradients`, `owlkit.export_onnx` and the like take a caffe.Net and ask for this.
        """
        self._arrays.put_in()
        return self._net

    # -- shapes and inputs
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
        if self._net.captures is not None:
            self._net.captures.forget()
        self._net.follow(other._net)

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
