"""How images in NHWC order are divided among threads: a few channels each, and a block of threads per row."""

from __future__ import annotations

import math

from owlkit.core.tensor import Descriptor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda.program import THREADS, check_count, pack

#: What kernels that use `Channels` and VEC are compiled with.
HEADERS = ("cuda/images.cuh",)
#: Threads of a block that run over channels; the others run over the columns of a row.
MOST_ACROSS = 128

Shape = tuple[int, int, int]


def channels_at_once(dtype: str, *counts: int) -> int:
    """VEC: how many neighbours a thread takes, a power of 2 that divides every count; 16 bytes at most."""
    return math.gcd(pack(dtype), *counts)


def blocks_over_rows(
    rows: int, columns: int, units: int, most_across: int = MOST_ACROSS
) -> tuple[Shape, Shape]:
    """(grid, block): blockIdx.x a row, threadIdx.y columns of it, x (and blockIdx.y) units of channels.

    Neighbouring threads touch neighbouring memory, and no kernel has to divide by the number of channels.
    """
    parts = -(-units // most_across)
    across = -(-units // parts)
    return (rows, parts, 1), (across, max(1, min(columns, THREADS // across)), 1)


def check_images(*descriptors: Descriptor) -> None:
    """Raises Unsupported for what is not (N, C, H, W), channels-last and within 32-bit indices."""
    for descriptor in descriptors:
        if not descriptor.channels_last:
            raise Unsupported(f"not channels-last images: {descriptor.shape}")
    check_count(*descriptors)
