"""Timing what a net will replay, and not the host that queues it."""

from __future__ import annotations

from collections.abc import Callable

from owlkit.core.gpu.device import GpuDevice


def ready(device: GpuDevice, work: Callable[[], None]) -> Callable[[], None]:
    """The work, to be timed: it has run once, which took what memory it wants, and is captured.

    Queued call by call, a kernel of a few microseconds is done before the host has queued the next. Raises
    DeviceError where the work fails.
    """
    work()
    return work if device.graph is False else device.gpu.capture(work).launch
