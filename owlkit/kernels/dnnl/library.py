"""Find and load oneDNN's shared library."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

NAMES = {"linux": "libdnnl.so.3", "darwin": "libdnnl.3.dylib", "win32": "dnnl.dll"}


class _Version(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
        ("patch", ctypes.c_int),
        ("hash", ctypes.c_char_p),
        ("cpu_runtime", ctypes.c_uint),
        ("gpu_runtime", ctypes.c_uint),
    )


def candidates() -> Iterator[str]:
    """Where to look: $OWLKIT_DNNL, the environment's lib folder, the system's loader."""
    name = NAMES.get(sys.platform, "libdnnl.so.3")
    if given := os.environ.get("OWLKIT_DNNL"):
        yield given
        return
    yield str(Path(sys.prefix) / "lib" / name)
    yield name


def _open(path: str) -> ctypes.CDLL:
    """Load one candidate; where only libgomp is missing, bring scikit-learn's copy in first."""
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        if "libgomp" not in str(error):
            raise
        from owlkit.kernels.dnnl.gomp import find_libgomp

        gomp = find_libgomp()
        if gomp is None:
            raise
        ctypes.CDLL(str(gomp), mode=ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(path)


def _limit_spinning() -> None:
    """Let OpenMP's idle threads spin for about half a millisecond, then sleep; read when libgomp is loaded.

    Without spinning each of a step's many small calls pays 20 us to wake a thread (LeNet batch 64: 6.3 ms
    instead of 5.2); with libgomp's own far longer spinning an idle thread burns the core that NumPy or the
    prefetch thread needs.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


@cache
def load() -> ctypes.CDLL:
    """oneDNN 3.x.

    Raises ImportError with every place that was tried where there is none, or where it is another version.
    """
    if os.environ.get("OWLKIT_DNNL") == "none":
        raise ImportError("OWLKIT_DNNL=none asks to do without it")
    _limit_spinning()
    tried = []
    for path in candidates():
        try:
            library = _open(path)
        except OSError as error:
            tried.append(str(error))
            continue
        library.dnnl_version.restype = ctypes.POINTER(_Version)
        found = library.dnnl_version().contents
        if found.major == 3:
            return library
        tried.append(f"{path}: oneDNN {found.major}.{found.minor}, need 3.x")
    raise ImportError("; ".join(tried) + " (pip install onednn-cpu-gomp, or set OWLKIT_DNNL)")


def version() -> str:
    """oneDNN's version, "3.2.0"."""
    found = load().dnnl_version().contents
    return f"{found.major}.{found.minor}.{found.patch}"


def compute_alone() -> bool:
    """Take one thread from now on; False where there was no other, or OpenMP cannot be asked."""
    library = load()
    if not hasattr(library, "omp_set_num_threads") or library.omp_get_max_threads() < 2:
        return False
    library.omp_set_num_threads(1)
    return True
