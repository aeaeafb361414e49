"""CUDA C++ compiled for the CPU by g++ and a header, kept by content."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.kernels.cuda.program import read_source

_HEADER = Path(__file__).with_name("cuda_on_cpu.h")
# A GPU's loads of several values want their alignment, and a CPU's do not: here they end the process.
_FLAGS = (
    "-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-w", "-fsanitize=alignment",
    "-fsanitize-undefined-trap-on-error", "-fno-threadsafe-statics",
)  # fmt: skip
# Without the C++ library, linking takes a fifth of the time.
_LIBRARIES = ("-nodefaultlibs", "-lgcc", "-lm", "-lc")
_DTYPES = {"f": "float32", "d": "float64", "h": "float16", "b": "bfloat16"}
_WAITS = ("__syncthreads", "__syncwarp", "__shfl", "__ballot", "block_all<", "warp_all<")


def _cache() -> Path:
    folder = Path(tempfile.gettempdir()) / f"owlkit-emulated-gpu-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    return folder


@cache
def _standard_headers() -> Path:
    """What the header includes, compiled once: half of the time that a few kernels take."""
    lines = [line for line in _HEADER.read_text().splitlines() if line.startswith("#include <")]
    text = "\n".join([*lines, f"// {_FLAGS}"]) + "\n"
    header = _cache() / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.h"
    compiled = Path(f"{header}.gch")
    if not compiled.exists():
        made = Path(f"{header}.{os.getpid()}")
        made.write_text(text)
        made.replace(header)  # another process may be reading it
        _run(["-x", "c++-header", "-o", made, header])
        made.replace(compiled)
    return header


def compile_kernels(
    source: str, defines: dict[str, str], names: Sequence[str]
) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Kernel name -> function(grid, block, args) in a shared library, and per parameter the dtype to which it
    points; "" for numbers, and for what is no type of a blob.
    """
    text = "\n".join([*(f"#define {name} {value}" for name, value in defines.items()), source])
    loaded = ctypes.CDLL(str(build_library(text, names)))
    return {name: (getattr(loaded, f"launch_{name}"), _types(loaded, name)) for name in names}


def build_library(
    source: str, names: Sequence[str], options: Sequence[Any] = (), libraries: Sequence[str] = _LIBRARIES
) -> Path:
    """A shared library with `launch_NAME(grid, block, args)` for each kernel. options : more for g++."""
    own = source.replace(read_source("cuda/common.cuh"), "")
    fibers = ["#define FIBERS"] if any(word in own for word in _WAITS) else []
    text = "\n".join([*fibers, f'#include "{_HEADER.name}"', source])
    text += "\n" + "\n".join(f"LAUNCHER({name})" for name in names) + "\n"
    flags = (*_FLAGS, *map(str, options), *libraries)
    key = hashlib.sha256((text + _HEADER.read_text() + str(flags)).encode()).hexdigest()[:20]
    library = _cache() / f"{key}.so"
    if not library.exists():
        _build(text, library, options, libraries)
    return library


def _types(library: ctypes.CDLL, kernel: str) -> tuple[str, ...]:
    tell = getattr(library, f"types_{kernel}")
    tell.restype = ctypes.c_char_p
    return tuple(_DTYPES.get(letter, "") for letter in tell().decode())


def _build(text: str, library: Path, options: Sequence[Any], libraries: Sequence[str]) -> None:
    source = library.with_suffix(f".{os.getpid()}.cpp")
    source.write_text(text)
    built = library.with_suffix(f".{os.getpid()}.so")
    headers = ["-include", _standard_headers(), "-I", _HEADER.parent, *options]
    _run([*headers, "-shared", "-o", built, source, *libraries])
    built.replace(library)
    source.unlink()


def _run(options: Sequence[Any]) -> None:
    command = ["g++", *_FLAGS, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeviceError(f"the kernels do not compile:\n{done.stderr[:4000]}")
