"""The end of every loss on a GPU: partial sums become the loss and what it was divided by."""

from __future__ import annotations

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.program import program

THREADS, MOST_BLOCKS = (
    256,
    528,
)  # of kernels that make partial sums: four blocks per multiprocessor of an H100


def accumulator(dtype: str) -> str:
    """The dtype in which values of `dtype` are summed."""
    return "float64" if dtype == "float64" else "float32"


def loss_type(dtype: str) -> str:
    """The macro for labels and losses: half precision cannot hold every label."""
    return "float" if dtype in ("float16", "bfloat16") else "T"


class LossTotal:
    """Sums `parts` costs, and how many values count, to the loss.

    costs, counts : tensors, (parts,), that another kernel fills. normalizer : (1,), by what the loss was
    divided. mode, positions, batch : see `kernels.losses.normalizer`.
    """

    def __init__(
        self, device: GpuDevice, dtype: str, parts: int, mode: int, positions: int, batch: int
    ) -> None:
        sums = accumulator(dtype)
        self.costs, self.counts = (Tensor(Descriptor((parts,), sums)) for _ in range(2))
        self.normalizer = Tensor(Descriptor((1,), sums))
        compiled = program(device, "cuda/loss_total.cu", dtype, LOSS=loss_type(dtype), MODE=mode)
        self._total = compiled.function("loss_total")
        self._parts, self._positions, self._batch = parts, positions, batch

    def write(self, loss: Tensor) -> None:
        """Write the loss, a tensor of one value, and the normalizer."""
        sizes = (self._positions, self._batch)
        threads = 1024 if self._parts > THREADS else THREADS
        args = (self._parts, self.costs, self.counts, loss, self.normalizer, *sizes)
        self._total.blocks(1, *args, threads=threads)


def blocks(count: int) -> int:
    """How many blocks share `count` values for partial sums."""
    return max(1, min(-(-count // THREADS), MOST_BLOCKS))
