"""Kernels compiled by NVRTC, through CuPy, which keeps on disk what was compiled.

CuPy names a file in its cache by the source, the options, the GPU's architecture and NVRTC's version, writes
it under a temporary name and renames it: several processes may compile at the same time. It adds -ftz=true:
numbers of float32 below 1.2e-38 count as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.context import INSTALL, Context
from owlkit.core.gpu.launching import CupyFunction

_HEADERS = {"__half": "cuda_fp16.h", "__nv_bfloat16": "cuda_bf16.h"}


def compile_kernels(
    context: Context, source: str, defines: dict[str, str], names: Sequence[str]
) -> dict[str, CupyFunction]:
    """The kernels by name. Raises DeviceError with the compiler's words, or with what is missing."""
    cupy = context.cupy
    with context.at_work():
        module = cupy.RawModule(code=whole_source(source, defines), options=("--std=c++17",))
        try:
            return {name: CupyFunction(context, module.get_function(name)) for name in names}
        except context.errors:
            raise
        except cupy.cuda.compiler.CompileException as error:
            missing = f"; {INSTALL} brings the headers" if "cannot open source file" in str(error) else ""
            raise DeviceError(f"kernels do not compile: {error}{missing}") from error
        except (RuntimeError, OSError) as error:  # NVRTC or CUDA's headers are not there
            raise DeviceError(f"kernels cannot be compiled: {error}; {INSTALL}") from error


def whole_source(source: str, defines: dict[str, str]) -> str:
    """A source as NVRTC takes it: macros, and the headers of the types that they name."""
    headers = [header for kind, header in _HEADERS.items() if kind in defines.values()]
    lines = [f"#include <{header}>" for header in headers]
    # NVRTC has no math.h, whose functions it knows but not these.
    for name, bits in (("INFINITY", 0x7F800000), ("NAN", 0x7FFFFFFF)):
        lines.append(f"#ifndef {name}\n#define {name} __int_as_float({bits:#x})\n#endif")
    lines += [f"#define {name} {value}" for name, value in defines.items()]
    return "\n".join([*lines, source])
