"""The imagined CUDA, built by g++ and kept by content in a temporary folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
HEADERS = HERE / "headers"
_SOURCES = HERE / "sources"
# Sums may be made in any order, several at once; who waits for them is the reason.
_FLAGS = (
    "-std=c++17", "-O2", "-ftree-vectorize", "-march=native", "-fassociative-math", "-fno-signed-zeros",
    "-fno-trapping-math", "-fPIC", "-fvisibility=hidden", "-Wall",
)  # fmt: skip


def cache_folder() -> Path:
    """Where all that is built lies; nothing of it is of use to a real GPU."""
    folder = Path(tempfile.gettempdir()) / f"owlkit-imagined-cuda-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    return folder


def kernels_folder() -> Path:
    """Where CuPy keeps what it has compiled, as long as it would be compiled the same."""
    ours = [HERE / "kernels.py", _SOURCES / "parameters.h", *sorted(HEADERS.rglob("*.*h"))]
    stand_in = HERE.parent / "emulated_gpu"
    files = [*ours, stand_in / "compiler.py", stand_in / "cuda_on_cpu.h"]
    return cache_folder() / f"cupy-{_key(files)}"


def _key(files: Iterable[Path], more: str = "") -> str:
    text = b"".join(path.read_bytes() for path in files) + more.encode()
    return hashlib.sha256(text).hexdigest()[:20]


def library() -> Path:
    """The library in the place of the driver."""
    files = sorted([*_SOURCES.iterdir(), *HEADERS.rglob("*.h")])
    found = cache_folder() / f"libcuda-{_key(files, f'{_FLAGS}{sys.prefix}')}.so"
    if not found.exists():
        _build(found)
    return found


def _build(target: Path) -> None:
    objects = []
    running = []
    folder = Path(tempfile.mkdtemp(dir=cache_folder()))
    for source in sorted(_SOURCES.glob("*.cpp")):
        objects.append(folder / f"{source.stem}.o")
        running.append(_start(["-c", str(source), "-o", str(objects[-1]), *_includes()]))
    for process in running:
        _finish(process)
    made = folder / "libcuda.so"
    options = ["-shared", "-Wl,-soname,libcuda.so.1", "-o", str(made), *map(str, objects), "-ldl"]
    _finish(_start(options))
    made.replace(target)  # another process may have come first
    for path in objects:
        path.unlink()
    folder.rmdir()


def _includes() -> list[str]:
    """CUDA's headers come with CuPy's companions; ours, where those want files of another package, first."""
    from cuda.pathfinder import find_nvidia_header_directory

    found = [find_nvidia_header_directory(name) for name in ("cudart", "cublas", "nvrtc")]
    if None in found:
        raise RuntimeError("the imagined CUDA needs CUDA's headers; pip install 'owlkit[gpu]'")
    return [f"-I{folder}" for folder in [HEADERS, *dict.fromkeys(found)]]


def _start(options: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(["g++", *_FLAGS, *options], stderr=subprocess.PIPE, text=True)


def _finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the imagined CUDA does not compile:\n{errors[:4000]}")
