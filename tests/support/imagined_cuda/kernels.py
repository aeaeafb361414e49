"""What NVRTC is given, compiled by g++ for the imagined GPUs: owlkit's kernels, a user's own, and CuPy's."""

from __future__ import annotations

import ctypes
import re
import traceback

from tests.support.imagined_cuda.building import HEADERS, HERE

_KERNEL = re.compile(
    r"^\s*(?:KERNEL|extern \"C\"\s+__global__\s+void)\s+(?:__launch_bounds__\([^;{]*?\)\s*)?(\w+)\s*\(", re.M
)


def _compile(source: bytes, options: bytes, out: int, room: int) -> int:
    """See `Compiler` of sources/nvrtc.cpp."""
    try:
        told, failed = build(source.decode(), options.decode().splitlines()), 0
    except Exception as error:
        told, failed = f"{error}\n{traceback.format_exc()}", 1
    content = told.encode()[: room - 1] + b"\0"
    ctypes.memmove(out, content, len(content))
    return failed


def build(source: str, options: list[str]) -> str:
    """The path of a library with `launch_NAME` and `parameters_NAME` for each kernel."""
    from tests.support.emulated_gpu import compiler

    macros = [f"#define {option[2:].replace('=', ' ', 1)}" for option in options if option.startswith("-D")]
    names = _KERNEL.findall(source)
    tellers = [f'#include "{HERE / "sources" / "parameters.h"}"', *(f"PARAMETERS({name})" for name in names)]
    text = "\n".join([*macros, source, *tellers])
    includes = ["-I", HEADERS, *(option for option in options if option.startswith("-I"))]
    if "cupy/" not in source:
        return str(compiler.build_library(text, names, includes))
    # CuPy's headers are for compilers that take more than the standard allows, and want the C++ library.
    return str(compiler.build_library(text, names, ["-fpermissive", *includes], ("-lm",)))


COMPILER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)(
    _compile
)
