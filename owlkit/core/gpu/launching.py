"""Launching a kernel with little work in Python: its arguments are packed into memory that is kept."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from owlkit.core.gpu.context import Context

_CODES = {"uint64": "Q", "int64": "q", "uint32": "I", "int32": "i", "float32": "f", "float64": "d"}
_SLOT = 16  # bytes from one argument to the next: enough for the alignment of any number
_USUAL_SHARED = 48 * 1024  # bytes of dynamic shared memory that need no permission


class Frame:
    """Memory for the arguments of one kernel, and the array of their addresses that CUDA reads."""

    def __init__(self, args: Sequence[Any]) -> None:
        codes = (_CODES[arg.dtype.name] for arg in args)
        layout = struct.Struct("=" + "".join(f"{code}{_SLOT - struct.calcsize(code)}x" for code in codes))
        self._values = ctypes.create_string_buffer(max(layout.size, 1))
        first = ctypes.addressof(self._values)
        places = [first + i * _SLOT for i in range(len(args))]
        self._places = (ctypes.c_void_p * len(places))(*places)
        self.address = ctypes.addressof(self._places)
        self._pack: Callable[..., None] = layout.pack_into

    def fill(self, args: Sequence[Any]) -> None:
        """Write the values."""
        self._pack(self._values, 0, *args)


class _Frames(threading.local):
    """Each thread's own: CUDA reads the arguments while other threads may run."""

    frame: Frame | None = None


class CupyFunction:
    """A kernel. Its arguments are NumPy scalars, of the same types in every call."""

    __slots__ = ("_context", "_frames", "_kernel", "_launch", "_pointer", "_shared")

    def __init__(self, context: Context, kernel: Any) -> None:
        self._context = context
        self._kernel = kernel.kernel  # compiled now, for this GPU; keeps the module loaded
        self._pointer = int(self._kernel.ptr)
        self._launch = context.launcher.launchKernel
        self._frames, self._shared = _Frames(), _USUAL_SHARED

    def __call__(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], args: Sequence[Any], shared: int
    ) -> None:
        """Queue it. shared : bytes of dynamic shared memory."""
        context = self._context
        frame = self._frames.frame
        if frame is None:
            frame = self._frames.frame = Frame(args)
        frame.fill(args)
        before = context.enter()
        try:
            if shared > self._shared:
                self._permit(shared)
            self._launch(self._pointer, *grid, *block, shared, context.stream, frame.address, 0)
        except context.errors as error:
            raise context.explained(error) from error
        finally:
            context.leave(before)

    def _permit(self, shared: int) -> None:
        cuda = self._context.launcher
        cuda.funcSetAttribute(self._pointer, cuda.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)
        self._shared = shared
