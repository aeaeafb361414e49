"""CUDA without a GPU, beneath the real CuPy: tests/gpu run where CuPy is installed and no GPU is.

    OWLKIT_IMAGINED_GPU=lazy pytest tests/gpu          # or eager, random:1, random:2, ...

A library in the place of NVIDIA's driver keeps memory, streams, events and graphs of two imagined GPUs. What
is queued is done as late as it may be, as early, or when chance (of a seed) says so: what nothing orders
shows as a wrong result. Calls fail as CUDA's do. Kernels are compiled by g++, as `tests.support.emulated_gpu`
has them.

What it shows: how owlkit and CuPy call CUDA, the order of streams, captures, where memory is used that was
given back, and, with cuDNN's front end installed, its plans and how they are run. What it does not: speed,
cuDNN's kernels, races within ours, errors of NVIDIA's own.

Only tests know the variable. A program by hand needs PYTHONPATH=tests/support/imagined_cuda/site:. as well.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.util
import os
import platform
import re
import shutil
import sys
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

VARIABLE = "OWLKIT_IMAGINED_GPU"
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SITE = HERE / "site"


def wanted() -> bool:
    """Whether this process is to have imagined GPUs."""
    return bool(os.environ.get(VARIABLE))


def order(text: str) -> tuple[str, int]:
    """(name, seed) of "lazy", "eager", "random" or "random:3"; raises ValueError."""
    match = re.fullmatch(r"(lazy|eager|random)(?::(\d+))?", text)
    if match is None or (match[2] and match[1] != "random"):
        raise ValueError(f"{VARIABLE}={text!r}: write lazy, eager, random, or random:3 for another seed")
    return match[1], int(match[2] or 1)


def obstacle() -> str:
    """Why there can be none here; empty where nothing is in the way."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"it knows x86-64 Linux only, and this is {platform.machine()} {sys.platform}"
    if any(importlib.util.find_spec(name) is None for name in ("cupy_backends", "cuda")):
        return "CuPy is not installed; pip install 'owlkit[gpu]'"
    return "" if shutil.which("g++") else "g++ is not installed"


@cache
def begin() -> ctypes.CDLL:
    """Take the driver's place in this process, and in those that it starts."""
    order(os.environ[VARIABLE])
    why_not = obstacle()
    if why_not:
        raise RuntimeError(f"{VARIABLE}: {why_not}")
    from tests.support.imagined_cuda.building import cache_folder, kernels_folder, library

    cuda = ctypes.CDLL(str(library()), mode=ctypes.RTLD_GLOBAL)  # who asks for libcuda.so.1 gets this one
    _choose(cuda, os.environ[VARIABLE])
    # In its own folder CuPy would find code again that a real GPU cannot run.
    os.environ["CUPY_CACHE_DIR"] = str(kernels_folder())
    os.environ.setdefault("OWLKIT_CACHE", str(cache_folder() / "owlkit"))
    paths = [str(SITE), str(ROOT)]
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ["", *paths]]
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *others])
    sys.meta_path.insert(0, _Finder(cuda))
    return cuda


def choose(text: str) -> None:
    """Another order, from now on."""
    _choose(begin(), text)


def _choose(cuda: ctypes.CDLL, text: str) -> None:
    name, seed = order(text)
    cuda.imagined_order(name.encode(), seed)


class _Finder(importlib.abc.MetaPathFinder):
    """Puts the imagined CUDA beneath CuPy when somebody looks for CuPy, and finds the stand-in for cuDNN."""

    def __init__(self, cuda: ctypes.CDLL) -> None:
        self._cuda, self._installed = cuda, False

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name == "cupy" and not self._installed:
            self._installed = True
            from tests.support.imagined_cuda.patching import install

            install(self._cuda)
        if name == "cudnn":
            return self._cudnn(path)
        return None

    def _cudnn(self, path: Any) -> ModuleSpec | None:
        """cuDNN's own front end, which plans for an H100, where it is installed; or the stand-in."""
        own = PathFinder.find_spec("cudnn", path)
        if own is None or own.loader is None:
            return importlib.util.spec_from_file_location("cudnn", HERE / "cudnn_front_end.py")
        own.loader = _Planning(own.loader)
        return own


class _Planning(importlib.abc.Loader):
    """Loads cuDNN's front end, and has its graphs run on the imagined GPUs."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._loader.exec_module(module)
        from tests.support.imagined_cuda.cudnn_plans import install

        install(module)
