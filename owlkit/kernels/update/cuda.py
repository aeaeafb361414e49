"""Solver updates by our CUDA kernels: one launch per group, which passes memory once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.update import Clip, Update

_THREADS, _BLOCKS = 256, 528  # of the sums of squares: four blocks for each multiprocessor of an H100

_RULES = {"SGD": 0, "Nesterov": 1, "AdaGrad": 2, "RMSProp": 3, "AdaDelta": 4, "Adam": 5}


class UpdateKernel:
    """The solver's constants are compiled in; what changes between iterations lies in the GPU's memory, where
    a captured launch finds it."""

    def __init__(self, device: GpuDevice, spec: Update) -> None:
        check_count(spec.values)
        keep = spec.rms_decay if spec.rule == "RMSProp" else spec.momentum
        compiled = program(
            device, "update/update.cu", spec.values.dtype,
            RULE=_RULES[spec.rule], L1=int(spec.l1),
            KEEP=float(keep), KEEP2=float(spec.momentum2), DELTA=float(spec.delta),
        )  # fmt: skip
        self._count, self._per_thread = spec.values.count, pack(spec.values.dtype)
        self._functions = {
            leave: compiled.function(name) for leave, name in ((False, "update"), (True, "update_and_leave"))
        }
        wide = "float64" if spec.values.dtype == "float64" else "float32"
        self._factors = Tensor(Descriptor((3,), wide))
        self._known: tuple[float, float, float] | None = None

    def lay_factors(self, table: Tensor) -> None:
        """Keep what changes in `table`, (3,) of the type of sums, with that of other groups: one copy brings
        all of it to the GPU. Before anything was captured.
        """
        self._factors, self._known = table, None

    def set_factors(self, rate: float, scale: float, decay: float) -> None:
        if self._known != (rate, scale, decay):
            self._known = (rate, scale, decay)
            self._factors.flat[...] = self._known

    def __call__(
        self,
        data: Tensor,
        diff: Tensor,
        history: Sequence[Tensor],
        clip: Tensor | None = None,
        leave: bool = False,
        state: Tensor | None = None,
    ) -> None:
        first, second = (*history, None)[:2]
        self._functions[leave].each(
            self._count, data, diff, first, second, self._factors, clip, state, per_thread=self._per_thread
        )


class ClipKernel:
    """Sums of squares per block and group, then one warp for the rest: the same order in every run."""

    def __init__(self, device: GpuDevice, spec: Clip) -> None:
        check_count(*spec.values)
        programs = [program(device, "update/clip.cu", values.dtype) for values in spec.values]
        self._functions = [compiled.function("squares") for compiled in programs]
        self._finish = program(device, "update/clip.cu", "float32").function("clip")
        self._grids = [
            min(-(-values.count // (_THREADS * pack(values.dtype))), _BLOCKS) for values in spec.values
        ]
        self._sums = Tensor(Descriptor((sum(self._grids),), "float64"))

    def __call__(self, diffs: Sequence[Tensor], limit: float, factor: Tensor) -> None:
        first = 0
        for diff, function, blocks in zip(diffs, self._functions, self._grids, strict=True):
            function.blocks(blocks, diff.descriptor.count, diff, self._sums, first, threads=_THREADS)
            first += blocks
        self._finish.blocks(1, self._sums, first, limit, factor, threads=32)
