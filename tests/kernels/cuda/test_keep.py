"""Tensors kept on a GPU whose places change: tables of addresses are not kept for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import keep
from owlkit.kernels.keep import cuda
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def test_tables_of_places_that_are_gone_are_forgotten() -> None:
    device = emulated_gpu.emulated_device()
    descriptor = Descriptor((6,))
    kernel: Any = keep.make(device, (descriptor,))
    source = Tensor(descriptor)
    source.array[...] = 3
    targets = [Tensor(descriptor) for _ in range(3 * cuda._MOST_TABLES)]
    for target in targets:  # all of them at once, so no place comes twice
        kernel.copy([source], [target], None)
        np.testing.assert_array_equal(target.peek(), 3)
    assert len(kernel._tables) == cuda._MOST_TABLES
    uploaded = device.gpu.uploaded_bytes
    kernel.copy([source], targets[-1:], None)
    assert device.gpu.uploaded_bytes == uploaded, "the latest are there"
    source.array[...] = 4
    kernel.copy([source], targets[:1], None)
    np.testing.assert_array_equal(targets[0].peek(), 4)


def test_a_capture_keeps_its_table() -> None:
    """Also where the kernel has forgotten it since: what a capture reads, whoever replays it keeps."""
    device = emulated_gpu.emulated_device()
    descriptor = Descriptor((6,))
    kernel: Any = keep.make(device, (descriptor,))
    source, first = Tensor(descriptor), Tensor(descriptor)
    source.array[...] = 3
    kernel.copy([source], [first], None)
    reads: dict[int, Any] = {}
    stop = device.gpu.watch(lambda what, mirror: reads.setdefault(id(mirror), mirror) and None)
    replay = device.gpu.capture(lambda: kernel.copy([source], [first], None))
    stop()
    others = [Tensor(descriptor) for _ in range(2 * cuda._MOST_TABLES)]
    for other in others:
        kernel.copy([source], [other], None)
    device.gpu.driver.zero(first.memory.mirror.pointer, descriptor.nbytes)  # type: ignore[union-attr]
    replay.launch()
    np.testing.assert_array_equal(first.peek(), 3)
