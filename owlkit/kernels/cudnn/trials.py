"""Which of several implementations is the fastest on this GPU: each is run, and the times are kept on disk.

What `choose` is given as `seconds`. With one implementation alone, or on a device that does not `tune`,
nothing is run.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from owlkit import __version__
from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Cudnn
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.kernels import Unsupported
from owlkit.kernels.cudnn import kept
from owlkit.kernels.cudnn.plans import open_library, rules_of
from owlkit.kernels.cudnn.timing import CONDITIONS, Stopwatch, ready

TURNS = 3

_log = logging.getLogger("owlkit")

#: (device, spec) -> a kernel, or raises Unsupported.
Makers = Mapping[str, Callable[[Any, Any], Any]]
#: (device, spec) -> the calls of one iteration, as a function of the kernel.
Rehearsal = Callable[[Any, Any], Callable[[Any], None]]


def measured(device: Device, spec: Any, rivals: Makers, rehearse: Rehearsal) -> dict[str, float]:
    """Seconds of one iteration for each of the rivals that serves, by name.

    Empty where there is nothing to time: fewer than two serve, the device does not tune, cuDNN is missing, or
    too little memory is free (a line says so).
    """
    if not isinstance(device, GpuDevice) or not device.tune:
        return {}
    try:
        library = open_library(device)
    except Unsupported:
        return {}
    ours = f"owlkit {__version__}: times of {', '.join(rivals)}, {CONDITIONS}"
    key = f"{ours}\n{library.about}\n{rules_of(device)}\n{spec}"
    known = device.gpu.choices
    with device.gpu.lock, library.lock:  # not while another thread's capture forbids to take memory
        seconds: dict[str, float] | None = known.get(key)
        if seconds is None:
            found = kept.read(library.cache, key, "times")
            seconds = found.facts if found else _timed(device, library, spec, rivals, rehearse, key)
            known.keep(key, seconds)
    return seconds


def _timed(
    device: GpuDevice, library: Cudnn, spec: Any, rivals: Makers, rehearse: Rehearsal, key: str
) -> dict[str, float]:
    # A device of their own: scratch memory that only a loser wants is not the net's.
    aside = GpuDevice(
        device.gpu, tf32=device.tf32, deterministic=device.deterministic, graph=device.graph, tune=True
    )
    kernels = _serving(aside, spec, rivals)
    if len(kernels) < 2:
        return {}
    try:
        run = rehearse(aside, spec)
        works = {name: _ready(aside, name, partial(run, kernel)) for name, kernel in kernels.items()}
        found = _in_turn(Stopwatch(aside, library), works)
    except OutOfMemoryError as why:
        _log.warning("owlkit: %s are not timed against each other: %s", " and ".join(kernels), why)
        return {}
    kept.write(library.cache, key, kept.Kept(found), "times")
    return found


def _serving(device: GpuDevice, spec: Any, rivals: Makers) -> dict[str, Any]:
    """Kernels by name, of those that serve."""
    kernels = {}
    for name, make in rivals.items():
        try:
            kernels[name] = make(device, spec)
        except Unsupported:
            continue  # `choose` asks it again, and notes why
    return kernels


def _ready(device: GpuDevice, name: str, work: Callable[[], None]) -> Callable[[], None] | None:
    """The work, to be timed; None where it fails, and a line says so."""
    try:
        return ready(device, work)
    except OutOfMemoryError:
        raise
    except DeviceError as why:
        _log.warning("owlkit: %s fails and is left out: %s", name, why)
        return None


def _in_turn(watch: Stopwatch, works: Mapping[str, Callable[[], None] | None]) -> dict[str, float]:
    """The shortest of several times, taken in turn: the first finds a GPU that is still slow."""
    found: dict[str, float] = {}
    for _ in range(TURNS):
        for name, work in works.items():
            if work is not None:
                found[name] = min(found.get(name, math.inf), watch.seconds(work))
    return found
