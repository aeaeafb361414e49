"""Numerics: one folder per family of operations, each with a reference in NumPy and faster implementations.

A family offers a frozen dataclass that describes the operation for one set of shapes, and
`make(device, spec) -> kernel`. Implementations are asked in the device's order of preference; one that cannot
serve raises `Unsupported`, and the reference serves everything. `kernel.implementation` says which it is:
"onednn", "threads" (NumPy in blocks of a cache's size, shared by cores) or "reference" (NumPy, for reading).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from owlkit.core.device import Device


class Unsupported(Exception):
    """An implementation cannot serve this operation; the text says why."""


def choose(device: Device, spec: Any, implementations: Mapping[str, Callable[..., Any]]) -> Any:
    """The first implementation, in the device's order, that can serve `spec`.

    implementations : name -> callable(device, spec) that returns a kernel or raises Unsupported. The kernel
        gets `implementation` (its name, with the library's own detail if it has one) and `refused` (reasons
        of the implementations that were asked before).
    """
    refused: dict[str, str] = {}
    for name in device.implementations:
        if name not in implementations:
            continue
        if name == "onednn" and not onednn_available():
            refused[name] = "the oneDNN library was not found"
            continue
        try:
            kernel = implementations[name](device, spec)
        except Unsupported as why:
            refused[name] = str(why)
            continue
        detail = getattr(kernel, "detail", "")
        kernel.implementation = f"{name} ({detail})" if detail else name
        kernel.refused = refused
        return kernel
    raise Unsupported(f"no implementation serves {spec}: {refused}")


@cache
def onednn_available() -> bool:
    """Whether oneDNN could be loaded; where it could not, one line says so, once."""
    from owlkit.kernels.dnnl import library

    try:
        library.load()
    except ImportError as why:
        message = "owlkit: oneDNN is not available, NumPy computes instead (much slower): %s"
        logging.getLogger("owlkit").warning(message, why)
        return False
    return True
