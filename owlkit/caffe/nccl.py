"""Training on several GPUs, as pycaffe names it; owlkit trains in one process, on one device."""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import DeviceError


def _refuse(call: str) -> DeviceError:
    return DeviceError(
        f"{call}: owlkit trains in one process, on the CPU or one GPU; leave out caffe.NCCL and the "
        "calls that prepare it (has_nccl() is False), and use solver.solve()"
    )


def has_nccl() -> bool:
    """Whether training on several GPUs is possible: no."""
    return False


class NCCL:
    """Sums gradients over GPUs in pycaffe. Making one raises DeviceError."""

    def __init__(self, solver: Any, uid: Any) -> None:
        raise _refuse("caffe.NCCL")

    @staticmethod
    def new_uid() -> bytes:
        """Raises DeviceError."""
        raise _refuse("caffe.NCCL.new_uid()")

    def bcast(self) -> None:
        """Raises DeviceError."""
        raise _refuse("caffe.NCCL.bcast()")


def solver_count() -> int:
    """How many solvers train together: 1."""
    return 1


def solver_rank() -> int:
    """Which of them this one is: 0."""
    return 0


def set_solver_count(count: int) -> None:
    """Raises DeviceError for more than one."""
    if count != 1:
        raise _refuse(f"caffe.set_solver_count({count})")


def set_solver_rank(rank: int) -> None:
    """Raises DeviceError for another than the first."""
    if rank != 0:
        raise _refuse(f"caffe.set_solver_rank({rank})")


def set_multiprocess(multiprocess: bool) -> None:
    """Raises DeviceError for several processes."""
    if multiprocess:
        raise _refuse(f"caffe.set_multiprocess({multiprocess})")
