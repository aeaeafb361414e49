"""Numerics: one folder per family of operations, each with a reference in NumPy and faster implementations.

A family offers a frozen dataclass that describes the operation for one set of shapes, and
`make(device, spec) -> kernel`. Implementations are asked in the device's order of preference; one that cannot
serve raises `Unsupported`, and the reference serves everything. `kernel.implementation` says which it is:
"onednn", "threads" (NumPy in blocks of a cache's size, shared by cores) or "reference" (NumPy, for reading).
Where only a clock can tell which is the fastest, a family has its rivals timed (`kernels.cudnn.trials`), and
`choose` asks them in that order.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from owlkit.core.device import Device


class Unsupported(Exception):
    """An implementation cannot serve this operation; the text says why."""


_NOT_TIMED: Mapping[str, float] = MappingProxyType({})


def choose(
    device: Device,
    spec: Any,
    implementations: Mapping[str, Callable[..., Any]],
    seconds: Mapping[str, float] = _NOT_TIMED,
) -> Any:
    """The first implementation, in the device's order, that can serve `spec`.

    implementations : name -> callable(device, spec) that returns a kernel or raises Unsupported. The kernel
        gets `implementation` (its name, with the library's own detail if it has one) and `refused` (reasons
        of the implementations that were asked before). A name may have a second word, for another way of the
        same library: "cudnn space-to-depth" is asked after "cudnn" or before it, as they stand here.
    seconds : by name, what was measured of some: these are asked first, the fastest before the others.
    """
    names = in_order(device, implementations, seconds)
    refused: dict[str, str] = {}
    for place, name in enumerate(names):
        if name == "onednn" and not onednn_available():
            refused[name] = "the oneDNN library was not found"
            continue
        try:
            kernel = implementations[name](device, spec)
        except Unsupported as why:
            refused[name] = str(why)
            continue
        details = [getattr(kernel, "detail", ""), _milliseconds(seconds.get(name))]
        detail = ", ".join(text for text in details if text)
        kernel.implementation = f"{name} ({detail})" if detail else name
        slower = (other for other in names[place + 1 :] if other in seconds)
        kernel.refused = refused | {other: f"slower, {_milliseconds(seconds[other])}" for other in slower}
        return kernel
    raise Unsupported(f"no implementation serves {spec}: {refused}")


def in_order(device: Device, implementations: Mapping[str, Any], seconds: Mapping[str, float]) -> list[str]:
    """Names of those that the device takes, in the order in which `choose` asks them."""
    names = [
        name
        for wanted in device.implementations
        for name in implementations
        if wanted in (name, name.partition(" ")[0])
    ]
    return sorted(names, key=lambda name: seconds.get(name, math.inf))


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.3g} ms"


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
