"""Programs: a family's kernels compiled for one type, and the launching of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported

if TYPE_CHECKING:
    from owlkit.core.gpu.device import GpuDevice
    from owlkit.core.gpu.gpu import Gpu

THREADS = 256
#: Blocks of a kernel that loops over its work-items: enough to fill any GPU several times over.
MOST_BLOCKS = 4096
#: An index and the step of a loop over work-items together fit into an int.
LARGEST_INDEX = 2**31 - 2 * THREADS * MOST_BLOCKS

_KERNELS = Path(__file__).parents[1]
_SIGNATURE = re.compile(r"^KERNEL\s+(\w+)\(([^)]*(?:\([^)]*\)[^)]*)*)\)\s*\{", re.MULTILINE)
_PARAMETER = re.compile(r"(?:(IN|OUT|INOUT)\((?:[\w ]+)\)|(int|long long|unsigned|float|double|T|A))\s+\w+")
#: T and A by dtype.
TYPES = {
    "float32": ("float", "float"),
    "float64": ("double", "double"),
    "float16": ("__half", "float"),
    "bfloat16": ("__nv_bfloat16", "float"),
}
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "int": np.int32, "unsigned": np.uint32, "long long": np.int64, "float": np.float32, "double": np.float64
}  # fmt: skip


def signatures(source: str) -> dict[str, list[str]]:
    """Kernel name -> per parameter "IN", "OUT", "INOUT" or the type of a number.

    Raises ValueError for a parameter that says neither.
    """
    found = {}
    for name, parameters in _SIGNATURE.findall(source):
        kinds = []
        for text in re.split(r",(?![^(]*\))", parameters):
            match = _PARAMETER.fullmatch(text.strip())
            if match is None:
                raise ValueError(
                    f"kernel {name}: parameter {text.strip()!r} is neither IN, OUT, INOUT nor a number"
                )
            kinds.append(match[1] or match[2])
        found[name] = kinds
    return found


@cache
def read_source(name: str) -> str:
    """The text of a .cu or .cuh file below owlkit/kernels."""
    return (_KERNELS / name).read_text(encoding="utf-8")


def pack(dtype: str) -> int:
    """Values of a Pack: 16 bytes, what one thread of an elementwise kernel takes at once."""
    return 4 if dtype == "float32" else 2 if dtype == "float64" else 8


def check_count(*descriptors: Descriptor) -> None:
    """Raise Unsupported for more values than kernels can count."""
    for descriptor in descriptors:
        if descriptor.count > LARGEST_INDEX:
            raise Unsupported(f"{descriptor.count} values are more than the kernels' indices reach")


class Program:
    """The kernels of one source, compiled for one dtype on one GPU.

    source : "lrn/lrn.cu", below owlkit/kernels. headers : further files put before it. defines : macros.
    """

    def __init__(
        self, gpu: Gpu, source: str, dtype: str, headers: Sequence[str], defines: dict[str, str]
    ) -> None:
        text = read_source(source)
        self._kinds = signatures(text)
        self._gpu = gpu
        t, a = TYPES[dtype]
        whole = "\n".join([*(read_source(name) for name in ("cuda/common.cuh", *headers)), text])
        self._compiled = gpu.driver.compile(whole, {"T": t, "A": a} | defines, list(self._kinds))
        self._accumulator = np.float64 if a == "double" else np.float32

    def function(self, name: str) -> Function:
        """The kernel with this name."""
        numbers = _NUMBERS | {"T": self._accumulator, "A": self._accumulator}
        takes = [kind if kind in ("IN", "OUT", "INOUT") else numbers[kind] for kind in self._kinds[name]]
        return Function(self._gpu, name, self._compiled[name], takes)


class Function:
    """A kernel that takes tensors.

    An argument for an array is a Tensor, an address of the GPU's memory (int), or None for no array; others
    are numbers. In half precision a number of type T is given as A would be, so kernels take A.
    """

    def __init__(self, gpu: Gpu, name: str, compiled: Any, takes: list[Any]) -> None:
        self.name = name
        self._gpu, self._compiled, self._takes = gpu, compiled, takes
        # What is read is made valid before what is written: both may be the same memory.
        order = {"IN": 0, "INOUT": 1, "OUT": 2}
        arrays = [i for i, kind in enumerate(takes) if isinstance(kind, str)]
        self._arrays = sorted(arrays, key=lambda i: order[takes[i]])

    def each(self, count: int, *args: Any, per_thread: int = 1) -> None:
        """Launch with a thread per work-item, or for so many; `count` is the kernel's first parameter."""
        if not count:
            return
        blocks = min(-(-count // (THREADS * per_thread)), MOST_BLOCKS)
        self.launch((blocks, 1, 1), (THREADS, 1, 1), (count, *args))

    def blocks(self, count: int, *args: Any, threads: int = THREADS, shared: int = 0) -> None:
        """Launch `count` blocks of `threads` threads, with `shared` bytes of dynamic shared memory each."""
        if count:
            self.launch((count, 1, 1), (threads, 1, 1), args, shared)

    def launch(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], args: Sequence[Any], shared: int = 0
    ) -> None:
        """Launch with any grid; without blocks nothing is launched."""
        if len(args) != len(self._takes):
            raise TypeError(f"kernel {self.name} takes {len(self._takes)} arguments, not {len(args)}")
        values = list(args)
        for i in self._arrays:
            values[i] = np.uint64(self._address(values[i], self._takes[i]))
        for i, take in enumerate(self._takes):
            if not isinstance(take, str):
                values[i] = take(values[i])
        if all(grid):  # CUDA takes none of 0
            self._compiled(grid, block, tuple(values), shared)

    def _address(self, value: Any, kind: str) -> int:
        if value is None:
            return 0
        if isinstance(value, Tensor):
            return self._gpu.pointer(value, reads=kind != "OUT", writes=kind != "IN")
        return int(value)


def program(
    device: GpuDevice, source: str, dtype: str, *, headers: Sequence[str] = (), **defines: Any
) -> Program:
    """The compiled program, from the GPU's cache where it is known."""
    text = {name: str(value) for name, value in defines.items()}
    key = (source, dtype, tuple(headers), tuple(sorted(text.items())))
    found = device.gpu.programs.get(key)
    if found is None:
        found = device.gpu.programs[key] = Program(device.gpu, source, dtype, headers, text)
    return found
