"""Timing as a net will replay it: not the host that queues it, and not what the cache still holds.

Values are random, for a GPU that multiplies zeros draws less power and keeps a higher clock. Before each run
twice the size of the level 2 cache is written, so that nothing of the run before lies there. Run upon run on
the same arrays would find up to 50 MB of them in an H100's cache, where in an iteration other layers come
between. What the cache is full of then has to be written back, as the output of the layer before would.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Cudnn
from owlkit.core.gpu.gpu import Gpu
from owlkit.core.tensor import Descriptor, Tensor

CONDITIONS = "random values, cold cache"  # in the keys of what is kept: other times cannot be compared
CACHES = 2  # sizes of the cache that are written
PATTERN = 1 << 20  # bytes of random values, which are repeated


class Stopwatch:
    """Takes times on a GPU. Raises OutOfMemoryError where there is no room for what empties the cache."""

    def __init__(self, device: GpuDevice, library: Cudnn) -> None:
        driver, self._library = device.gpu.driver, library
        nbytes = CACHES * int(driver.properties()["l2_bytes"])
        self._buffer = device.gpu.allocate(nbytes)
        self._empty_cache = partial(driver.zero, self._buffer.pointer, nbytes)

    def seconds(self, work: Callable[[], None]) -> float:
        """How long the GPU takes for what `work` queues."""
        return self._library.seconds(work, self._empty_cache)


def ready(device: GpuDevice, work: Callable[[], None]) -> Callable[[], None]:
    """The work, to be timed: it has run once, which took what memory it wants, and is captured.

    Queued call by call, a kernel of a few microseconds is done before the host has queued the next. Raises
    DeviceError where the work fails.
    """
    work()
    return work if device.graph is False else device.gpu.capture(work).launch


def filled(device: GpuDevice, descriptor: Descriptor) -> Tensor:
    """A tensor of random values that lies on the GPU; what the host has is stale."""
    tensor = Tensor(descriptor)
    fill(device.gpu, device.gpu.pointer(tensor, reads=False, writes=True), descriptor)
    return tensor


def fill(gpu: Gpu, pointer: int, descriptor: Descriptor) -> None:
    """Write random values, uniform in [-1, 1), at an address."""
    nbytes = descriptor.nbytes
    count = min(nbytes, PATTERN) // np.dtype(descriptor.dtype).itemsize
    pattern = np.random.default_rng(0).uniform(-1, 1, count).astype(descriptor.dtype)
    if count:
        gpu.put(pointer, pattern.view(np.uint8))
    done = pattern.nbytes
    while 0 < done < nbytes:
        step = min(done, nbytes - done)
        gpu.driver.copy(pointer + done, pointer, step)
        done += step
