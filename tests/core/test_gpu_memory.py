"""Memory in two places: who has the newest copy, when it moves, and what a capture refuses."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

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


class Ring:
    """Refers to itself, as nets do."""

    def __init__(self, buffer: Any) -> None:
        self.buffer, self.me = buffer, self


def test_memory_of_what_nobody_holds_is_found_before_giving_up(device: GpuDevice) -> None:
    gc.disable()
    try:
        Ring(device.gpu.allocate(900_000))
        device.gpu.allocate(900_000)
    finally:
        gc.enable()


def _through_workspace(device: GpuDevice, x: Tensor, y: Tensor) -> None:
    """As `_add_one`, with an intermediate result in the workspace."""
    function = program(device, "activation/activation.cu", x.dtype, KIND=0).function("activation_forward")
    function.each(x.descriptor.count, x, device.workspace(), 0.5)
    function.each(x.descriptor.count, device.workspace(), y, 0.5)


def test_a_capture_keeps_its_workspace(device: GpuDevice) -> None:
    """Another net on the same device may reserve more later."""
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    x.array[...] = -4
    device.reserve_scratch(24)
    _through_workspace(device, x, y)
    replay = device.gpu.capture(lambda: _through_workspace(device, x, y))
    used = device.gpu.driver.used
    device.reserve_scratch(48)
    again = device.gpu.capture(lambda: _through_workspace(device, x, y))
    assert device.gpu.driver.used == used + 48, "what the first capture uses is still there"
    del replay
    assert device.gpu.driver.used == used + 24
    del again


def test_threads_share_no_workspace(device: GpuDevice) -> None:
    device.reserve_scratch(24)
    assert device.workspace() == device.workspace()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(device.workspace).result() != device.workspace()


def test_a_capture_forbids_nothing_to_other_threads(device: GpuDevice) -> None:
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    _add_one(device, x, y)
    other, copied = Tensor(Descriptor((6,))), threading.Event()
    device.gpu.mirror(other.memory)

    def upload() -> None:
        device.gpu.allocate(10)
        copied.set()  # from here on it waits for the capture
        device.gpu.pointer(other, reads=True, writes=False)

    def work() -> None:
        futures.append(pool.submit(upload))
        assert copied.wait(10)
        _add_one(device, x, y)

    futures: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:
        device.gpu.capture(work)
        futures[0].result(10)


def test_a_kernel_launched_during_a_download_makes_it_stale(
    device: GpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread looks at parameters while another goes on with training."""
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    x.array[...] = 1
    _add_one(device, x, y)
    download = device.gpu.driver.download

    def slow(target: np.ndarray, pointer: int) -> None:
        download(target, pointer)
        monkeypatch.undo()
        device.gpu.pointer(y, reads=False, writes=True)
        device.gpu.driver.zero(pointer, 24)

    monkeypatch.setattr(device.gpu.driver, "download", slow)
    y.peek()
    assert not y.peek().any(), "the newer content"


class Slow:
    """A download that has begun and does not end before it is let."""

    def __init__(self, device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.let = threading.Event(), threading.Event()
        self._download = device.gpu.driver.download
        monkeypatch.setattr(device.gpu.driver, "download", self)

    def __call__(self, target: np.ndarray, pointer: int) -> None:
        self.begun.set()
        assert self.let.wait(10), "whoever waits for this holds it up"
        self._download(target, pointer)


def test_who_waits_for_a_download_holds_up_nobody(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor fetches norms while a lane's thread and the training go on."""
    x, y, other = (Tensor(Descriptor((6,))) for _ in range(3))
    x.array[...], other.array[...] = 1, 3
    _add_one(device, x, y)
    slow = Slow(device, monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        looking = pool.submit(y.peek)
        assert slow.begun.wait(10)
        pool.submit(device.gpu.pointer, other, reads=True, writes=False).result(5)  # uploads
        slow.let.set()
        assert (looking.result(10) == 1).all()
    assert device.gpu.downloaded_bytes == 24


def test_nobody_sees_half_a_copy(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    x.array[...] = 1
    _add_one(device, x, y)
    slow = Slow(device, monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(y.peek)]
        assert slow.begun.wait(10)
        looking.append(pool.submit(lambda: y.peek().copy()))
        done, _ = wait(looking, 0.2)
        assert not done
        slow.let.set()
        assert all((future.result(10) == 1).all() for future in looking)
    assert device.gpu.downloaded_bytes == 24, "fetched once"


def test_what_is_being_captured_is_looked_at_afterwards(device: GpuDevice) -> None:
    """Its flags say that it was written, and it was not."""
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    x.array[...] = 1
    _add_one(device, x, y)
    assert (y.peek() == 1).all()
    looking: list[Future[Any]] = []

    def work() -> None:
        _add_one(device, x, y)
        looking.append(pool.submit(y.peek))
        assert not wait(looking, 0.2).done

    with ThreadPoolExecutor(1) as pool:
        device.gpu.capture(work)
        assert (looking[0].result(10) == 1).all()


def test_what_the_work_says_comes_before_what_its_capture_says(
    device: GpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA gives up a capture in which something was refused, and says so where it ends."""
    end = device.gpu.driver.end_capture

    def given_up() -> None:
        end()
        raise CaptureError("given up")

    def work() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(device.gpu.driver, "end_capture", given_up)
    with pytest.raises(KeyboardInterrupt):
        device.gpu.capture(work)
    assert not device.gpu.capturing


def test_an_array_outlives_the_memory_it_was_taken_from(device: GpuDevice) -> None:
    memory = Memory()
    memory.require(24)
    array = device.gpu.array(Tensor(Descriptor((6,)), memory))
    used = device.gpu.driver.used
    memory.require(48)
    assert device.gpu.driver.used == used
    del array
    assert device.gpu.driver.used == used - 24


def test_no_blocks_are_no_launch(device: GpuDevice) -> None:
    function = program(device, "copy/copy.cu", "float32").function("transpose")
    x, y = Tensor(Descriptor((6,))), Tensor(Descriptor((6,)))
    function.launch((0, 1, 1), (32, 8, 1), (x, y, 2, 3))
    assert not device.gpu.driver.launched
