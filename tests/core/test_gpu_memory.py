"""Memory in two places: who has the newest copy, when it moves, and what a capture refuses."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import CaptureError, OutOfMemoryError
from owlkit.core.gpu.mirror import Mirror
from owlkit.core.memory import Memory, allocate
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import program
from owlkit.kernels.cuda.program import signatures
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


@pytest.fixture
def device() -> GpuDevice:
    return emulated_gpu.emulated_device(1 << 20)


def _add_one(device: GpuDevice, x: Tensor, y: Tensor) -> None:
    compiled = program(device, "activation/activation.cu", x.dtype, KIND=0)
    compiled.function("activation_forward").each(x.descriptor.count, x, y, 0.5)


def test_moves_only_what_is_stale(device: GpuDevice) -> None:
    x, y = Tensor(Descriptor((3, 5))), Tensor(Descriptor((3, 5)))
    x.array[...] = -2
    _add_one(device, x, y)
    _add_one(device, x, y)
    assert device.gpu.uploaded_bytes == 60, "x once; y is written whole"
    assert (y.peek() == -1).all()
    assert (y.peek() == -1).all()
    assert device.gpu.downloaded_bytes == 60
    _add_one(device, y, x)
    assert device.gpu.uploaded_bytes == 60, "peeking leaves the copy on the GPU valid"
    y.array[0, 0] = 8
    _add_one(device, y, x)
    assert device.gpu.uploaded_bytes == 120
    assert x.array[0, 0] == 8
    assert x.array[2, 4] == -0.5


def test_peek_cannot_be_written(device: GpuDevice) -> None:
    with pytest.raises(ValueError, match="read-only"):
        Tensor(Descriptor((3,))).peek()[0] = 1


def test_part_of_a_memory_keeps_the_rest(device: GpuDevice) -> None:
    whole = Tensor(Descriptor((32,)))
    whole.array[...] = np.arange(32) + 1
    part = whole.part(16, Descriptor((16,)))
    x = Tensor(Descriptor((16,)))
    _add_one(device, x, part)
    np.testing.assert_array_equal(whole.array, np.where(np.arange(32) < 16, np.arange(32) + 1, 0))


def test_zero_stays_where_the_content_is(device: GpuDevice) -> None:
    x, y = Tensor(Descriptor((8,))), Tensor(Descriptor((8,)))
    x.array[...] = 4
    _add_one(device, x, y)
    y.zero()
    assert device.gpu.downloaded_bytes == 0
    assert not y.array.any()


def test_arena_moves_part_by_part(device: GpuDevice) -> None:
    content = allocate(128)
    arena, parts = Memory(content), [Memory(content[:20]), Memory(content[64:104])]
    arena.divide([(0, parts[0]), (64, parts[1])])
    whole, small, large = (
        Tensor(Descriptor((n,)), m) for n, m in ((32, arena), (5, parts[0]), (10, parts[1]))
    )
    small.array[...], large.array[...] = 1, 2
    result = Tensor(Descriptor((32,)))
    _add_one(device, whole, result)
    assert device.gpu.uploaded_bytes == 60
    np.testing.assert_array_equal(result.array, [1] * 5 + [0] * 11 + [2] * 10 + [0] * 6)
    _add_one(device, result, whole)
    before = device.gpu.downloaded_bytes
    assert (small.array == 1).all()
    assert device.gpu.downloaded_bytes - before == 20, "one parameter moves, not the arena"


def test_capture_replays_without_the_host(device: GpuDevice) -> None:
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    x.array[...] = 1
    _add_one(device, x, y)
    replay = device.gpu.capture(lambda: _add_one(device, x, y))
    mirror = x.memory.mirror
    assert isinstance(mirror, Mirror)
    device.gpu.driver.upload(mirror.pointer, np.full(6, 9, np.float32))
    assert (y.peek() == 1).all(), "a capture runs nothing"
    replay.launch()
    y.memory.mirror.host_valid = False  # type: ignore[union-attr]
    assert (y.peek() == 9).all()


def test_capture_names_what_prevents_it(device: GpuDevice) -> None:
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    with pytest.raises(CaptureError, match="memory would have to be taken"):
        device.gpu.capture(lambda: _add_one(device, x, y))
    _add_one(device, x, y)
    x.array[...] = 1
    with pytest.raises(CaptureError, match="changed it before") as caught:
        device.gpu.capture(lambda: _add_one(device, x, y))
    assert caught.value.mirror is x.memory.mirror
    with pytest.raises(CaptureError, match="the host reads or writes it"):
        device.gpu.capture(lambda: y.array.sum())
    _add_one(device, x, y)  # and nothing is left of the failed captures
    assert (y.array == 1).all()


def test_too_little_memory_says_so(device: GpuDevice) -> None:
    large = Tensor(Descriptor((1 << 19,)))
    with pytest.raises(OutOfMemoryError, match=r"0\.00105 of 0\.00105 GB free, and 0\.0021 GB more"):
        _add_one(device, large, large)


def test_memory_goes_back(device: GpuDevice) -> None:
    for _ in range(100):
        x = Tensor(Descriptor((1 << 15,)))
        _add_one(device, x, x)
    assert device.gpu.driver.memory()[0] >= (1 << 20) - 3 * (1 << 17)


def test_signatures_say_what_a_kernel_does() -> None:
    text = "KERNEL f(int n, IN(T) x, OUT(unsigned char) m, INOUT(A) s, A slope, long long k) {\n}"
    assert signatures(text) == {"f": ["int", "IN", "OUT", "INOUT", "A", "long long"]}
    with pytest.raises(ValueError, match="T\\* x"):
        signatures("KERNEL f(T* x) {")
