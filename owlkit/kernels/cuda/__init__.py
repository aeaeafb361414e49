"""Our CUDA kernels: what their sources share, how they are compiled and launched, and products of matrices.

A family keeps its kernels in `<family>.cu` beside the `cuda.py` that launches them. Signatures say what a
kernel does with each array: IN(T) is read, OUT(T) is written whole without being read, INOUT(T) is both. The
launcher makes the copies valid by that.
"""

from owlkit.kernels.cuda.program import Function, Program, check_count, pack, program

__all__ = ["Function", "Program", "check_count", "pack", "program"]
