"""Threads whose nets share weights on a GPU: each uses the copy that the others use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.memory import Memory, allocate
from owlkit.core.tensor import Descriptor, Tensor
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
MOMENT = 0.2  # seconds in which the other thread does its part, where nothing holds it


@pytest.fixture
def device() -> GpuDevice:
    return emulated_gpu.emulated_device(1 << 20)


class Slow:
    """A call whose first caller stands still in it, until another thread is done or a moment has passed."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call, self.begun, self.done = call, threading.Event(), threading.Event()

    def __call__(self, *args: Any) -> Any:
        if not self.begun.is_set():
            self.begun.set()
            self.done.wait(MOMENT)
        return self.call(*args)


def test_who_brings_weights_late_undoes_no_update(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A net with the same weights begins its first pass when the training begins its own."""
    gpu, weights = device.gpu, Tensor(Descriptor((4,)))
    weights.array[...] = 1
    gpu.mirror(weights.memory)
    slow = Slow(gpu.upload)
    monkeypatch.setattr(gpu, "upload", slow)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(gpu.pointer, weights, reads=True, writes=False)
        assert slow.begun.wait(10)
        pointer = gpu.pointer(weights, reads=True, writes=True)
        gpu.put(pointer, np.full(4, 2, np.float32).view(np.uint8))  # as a kernel does
        slow.done.set()
        assert other.result(10) == pointer
    assert (weights.peek() == 2).all()


@pytest.mark.parametrize("in_an_arena", [False, True])
def test_threads_that_come_first_get_the_same_copy(
    in_an_arena: bool, device: GpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu, memory = device.gpu, Memory(allocate(64))
    arena = Memory(memory.bytes)
    if in_an_arena:
        arena.divide([(0, memory)])
    slow = Slow(gpu.allocate)
    monkeypatch.setattr(gpu, "allocate", slow)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(gpu.mirror, memory)
        assert slow.begun.wait(10)
        mine = gpu.mirror(memory)
        slow.done.set()
        assert other.result(10) is mine
