"""Work that is captured, on the stand-in: what fails in a capture leaves everything as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.memory import Memory
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import program
from owlkit.net.replays import Replays, describe
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


class Work:
    """y = x for positive x, by a kernel; then `end`, which may fail. gradient : counts as cleared before."""

    def __init__(self) -> None:
        self.device: GpuDevice = emulated_gpu.emulated_device()
        self.x, self.y, self.gradient = Tensor(Descriptor((4,))), Tensor(Descriptor((4,))), Memory()
        self.end: Callable[[], None] = lambda: None
        self.replays = Replays(self.device.gpu, self._execute, [self.gradient])
        self.x.array[...] = [1, 2, 3, 4]

    @staticmethod
    def _execute(calls: Sequence[Callable[[], None]]) -> None:
        for call in calls:
            call()

    def _copy(self) -> None:
        self.gradient.cleared = False
        kernels = program(self.device, "activation/activation.cu", "float32", KIND=0)
        kernels.function("activation_forward").each(4, self.x, self.y, 0.5)

    def run(self) -> None:
        self.gradient.cleared = True
        self.replays.run("work", [("copy", self._copy), ("end", lambda: self.end())])

    def in_captures(self, error: BaseException) -> None:
        """Let `end` fail where it is captured."""

        def fail() -> None:
            if self.device.gpu.capturing:
                raise error

        self.end = fail

    def look(self) -> list[float]:
        return np.array(self.y.peek()).tolist()


def captured() -> Work:
    work = Work()
    for _ in range(3):
        work.run()
    assert work.replays.captured("work")
    return work


def test_who_had_to_wait_sees_what_is_newest_afterwards_too() -> None:
    """A monitor wants to look, and replays come first."""
    work = captured()
    with ThreadPoolExecutor(1) as pool:
        with work.device.gpu.lock:
            looking = pool.submit(work.look)
            assert not wait([looking], 0.2).done
            work.x.array[...] = 5
            work.run()
        assert looking.result(10) == [5] * 4
    work.x.array[...] = 6
    work.run()
    assert work.look() == [6] * 4


def test_who_looks_just_before_a_replay_looks_again_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look comes between the replay's question who has looked and its launch."""
    work, seen = captured(), []
    (made,) = work.replays._captured.values()
    launch = made.replay.launch

    def with_a_look() -> None:
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(work.look).result(10))
        launch()

    monkeypatch.setattr(made.replay, "launch", with_a_look)
    for value in (5, 6):
        work.x.array[...] = value
        work.run()
        assert work.look() == [value] * 4
    assert seen == [[1, 2, 3, 4], [5] * 4], "what was before"


def test_what_the_host_writes_after_it_had_to_wait_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight is changed by hand during a training: here y goes back to x, as an update's result does."""
    work = Work()
    back = program(work.device, "activation/activation.cu", "float32", KIND=0).function("activation_forward")
    work.end = lambda: back.each(4, work.y, work.x, 0.5)
    for _ in range(3):
        work.run()
    driver, begun, let = work.device.gpu.driver, threading.Event(), threading.Event()
    download = driver.download

    def slow(target: np.ndarray, pointer: int) -> None:
        download(target, pointer)
        begun.set()
        assert let.wait(10)

    def write() -> None:
        work.x.array[...] = 9

    monkeypatch.setattr(driver, "download", slow)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        assert begun.wait(10)
        work.run()
        let.set()
        writing.result(10)
    assert np.array(work.x.peek()).tolist() == [9] * 4
    work.run()
    assert work.look() == [9] * 4


def test_what_fails_in_a_capture_only_runs_as_it_is_and_is_named() -> None:
    """As CuPy's own products do in a Python layer."""
    work = Work()
    work.run()
    work.in_captures(NotImplementedError("calling cuBLAS during stream capture"))
    for value in (5, 6):
        work.x.array[...] = value
        work.run()
        assert work.look() == [value] * 4
        assert not work.gradient.cleared
    assert not work.replays.captured("work")
    text = describe(work.replays.refusal("work"), {})
    assert text == "end fails while it is captured: NotImplementedError: calling cuBLAS during stream capture"


def test_an_error_that_is_none_of_the_captures_is_told() -> None:
    work = Work()
    work.run()

    def wrong() -> None:
        raise ValueError("wrong in any case")

    work.end = wrong
    with pytest.raises(ValueError, match="wrong in any case"):
        work.run()


def test_an_interrupted_capture_has_changed_nothing() -> None:
    """Ctrl-C comes where it likes: nothing was computed, so what the host has written is still the newest."""
    work = Work()
    work.run()
    work.y.array[...] = 7
    work.in_captures(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        work.run()
    assert work.look() == [7] * 4, "not what the GPU had before"
    assert work.gradient.cleared
    work.end = lambda: None
    work.run()
    assert work.look() == [1, 2, 3, 4]
    assert work.replays.captured("work")
