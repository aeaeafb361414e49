"""What the sides of the comparison on a GPU do and how they are measured, on stand-ins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

import owlkit
from tests.support import emulated_gpu


# -- time
class Clock:
    """Time that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def pass_by(self, seconds: float, result: Any = None) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.now += seconds
            return result

        return call


def test_time_of_an_iteration_and_of_the_host(
    benchmark: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An iteration takes the host 1 ms, and 1 + 2 ms until a blob and its loss are there; the end 5 ms."""
    measuring, clock = benchmark("gpu_measuring"), Clock()
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    reading = SimpleNamespace(wait=clock.pass_by(2e-3, "the loss"))
    driver = SimpleNamespace(download=clock.pass_by(1e-3), read_later=lambda: copy(reading))
    order: list[str] = []

    class Memory(measuring.Memory):  # type: ignore[misc, name-defined]
        def begin(self) -> None:
            order.append("memory")

        def peak(self) -> int:
            return 77

        def device(self) -> int:
            return 99

    def step() -> None:
        order.append("step")
        clock.now += 1e-3
        driver.download()
        assert driver.read_later().wait() == "the loss"

    side = measuring.Side(measuring.repeated(step), clock.pass_by(5e-3), Memory())
    side.watch(driver, "download")
    side.watch_begun(driver, "read_later")
    found = measuring.measure(side, 3, 0.1)
    assert order[:3] == ["step", "memory", "step"], "from the second iteration on"
    count = found["in_a_round"]
    assert count == int(0.1 / (4e-3 + 5e-3 / 3))
    assert found["seconds"] == pytest.approx([4e-3 + 5e-3 / count] * 3)
    assert found["host_seconds"] == pytest.approx(1e-3)
    assert (found["peak_bytes"], found["device_bytes"]) == (77, 99)
    assert order.count("step") == 1 + 4 + 3 + 3 * count + measuring.QUEUED


# -- owlkit
class FakeCupy(ModuleType):
    """As much of CuPy as counts memory. live : bytes in use."""

    def __init__(self) -> None:
        super().__init__("cupy")
        self.live, hooks = 0, []

        class MemoryHook:
            def __enter__(self) -> Any:
                hooks.append(self)
                return self

        self.hooks: list[Any] = hooks
        runtime = SimpleNamespace(memGetInfo=lambda: (60, 80))
        self.cuda = SimpleNamespace(MemoryHook=MemoryHook, runtime=runtime)

    def get_default_memory_pool(self) -> Any:
        return SimpleNamespace(used_bytes=lambda: self.live)

    def take(self, nbytes: int) -> None:
        self.live += nbytes
        for hook in self.hooks:
            hook.malloc_postprocess(device_id=0, size=nbytes - 1, mem_size=nbytes, mem_ptr=1, pmem_id=2)

    def give_back(self, nbytes: int) -> None:
        self.live -= nbytes
        for hook in self.hooks:
            hook.free_postprocess(device_id=0, mem_size=nbytes, mem_ptr=1, pmem_id=2)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> FakeCupy:
    fake = FakeCupy()
    monkeypatch.setitem(sys.modules, "cupy", fake)
    return fake


def test_the_peak_is_of_what_is_in_use_at_one_time(benchmark: Callable[[str], Any], cupy: FakeCupy) -> None:
    memory = benchmark("gpu_sides").CupyMemory()
    cupy.take(5120)  # as when plans are tried
    cupy.give_back(4096)
    memory.begin()
    assert memory.peak() == 1024
    for _ in range(3):
        cupy.take(512)
        cupy.give_back(512)
    cupy.take(256)
    assert memory.peak() == 1536
    assert memory.device() == 20


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_owlkits_side_on_a_stand_in(
    benchmark: Callable[[str], Any],
    cupy: FakeCupy,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    training: bool,
) -> None:
    made: list[Any] = []

    def gpu(**options: Any) -> Any:
        made.append((options, emulated_gpu.emulated_device(**options)))
        cupy.live = 4096
        return made[-1][1]

    monkeypatch.setattr(owlkit, "gpu", gpu)
    sides = benchmark("gpu_sides")
    side = sides.owlkit_side("lenet", 1, precision, training, "cuda")
    found = sides.measure(side, 1, 0.0)
    assert made[0][0] == {"tf32": True, "tune": True}
    assert found["peak_bytes"] == 4096
    assert found["device_bytes"] == 20
    assert side.waited > 0, "fetching the loss or the output is no work of the host's"
    gpu_of = made[0][1].gpu
    uploaded = gpu_of.uploaded_bytes
    side.run(1)
    assert gpu_of.uploaded_bytes - uploaded < 1024, "data lie on the GPU"


@pytest.mark.parametrize(("precision", "dtype"), [("tf32", "float32"), ("bf16", "bfloat16")])
@pytest.mark.parametrize("kind", ["Solver", "Net"])
def test_the_precision_is_asked_of_owlkit(
    benchmark: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, precision: str, dtype: str, kind: str
) -> None:
    made = MagicMock()
    monkeypatch.setattr(owlkit, kind, made)
    benchmark("gpu_sides").owlkit_side("vgg16", 2, precision, kind == "Solver", "cpu")
    assert made.call_args.kwargs["dtype"] == dtype
    assert made.call_args.kwargs["device"] == "cpu"


# -- PyTorch
class FakeTorch:
    """PyTorch as a recorder: events in the order in which they happen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.torch, self.model, functional = MagicMock(), MagicMock(), MagicMock()
        torch = self.torch
        self.model.train.return_value.to.return_value.to.return_value = self.model
        self.model.side_effect = lambda x: self.tell("forward", [(1.0, MagicMock())])
        torch.compile.side_effect = lambda model, mode: self.tell(f"compile {mode}", model)
        cuda, optimiser = torch.cuda, torch.optim.SGD.return_value
        optimiser.zero_grad.side_effect = lambda set_to_none: self.tell("zero")
        optimiser.step.side_effect = lambda: self.tell("update")
        cuda.reset_peak_memory_stats.side_effect = lambda: self.tell("reset")
        cuda.max_memory_allocated.return_value = 55
        cuda.mem_get_info.return_value = (60, 80)
        cuda.synchronize.side_effect = lambda: self.tell("wait")
        cuda.stream.side_effect = lambda stream: self.within("aside")
        cuda.graph.side_effect = lambda graph: self.within("capture")
        cuda.CUDAGraph.return_value.replay.side_effect = lambda: self.tell("replay")
        torch.autocast.side_effect = lambda *what, **options: self.within(f"autocast {options}")
        torch.inference_mode.side_effect = lambda: self.within("inference")
        torch.nn.functional = functional
        functional.cross_entropy.side_effect = lambda *what: Loss(self)
        nets = SimpleNamespace(NETS={"lenet": lambda: self.model})
        modules = {
            "torch": torch,
            "torch.nn": torch.nn,
            "torch.nn.functional": functional,
            "torch_nets": nets,
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)

    def tell(self, event: str, result: Any = None) -> Any:
        self.events.append(event)
        return result

    @contextmanager
    def within(self, what: str) -> Iterator[None]:
        self.events.append(f"{what} {{")
        yield
        self.events.append("}")

    def since(self, call: Callable[[], Any]) -> list[str]:
        self.events.clear()
        call()
        return list(self.events)


class Loss:
    """A number that can be weighted, added and asked for its gradient."""

    def __init__(self, torch: FakeTorch) -> None:
        self.torch = torch

    def __rmul__(self, weight: float) -> Loss:
        return self

    def __radd__(self, other: float) -> Loss:
        return self

    def backward(self) -> None:
        self.torch.tell("backward")


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> FakeTorch:
    return FakeTorch(monkeypatch)


KNOWN = (None, 64, (1, 28, 28), 10)
TRAINING = ["zero", "forward", "backward", "update"]


def made(benchmark: Callable[[str], Any], way: str, precision: str = "tf32", training: bool = True) -> Any:
    return benchmark("gpu_torch").torch_side(KNOWN, "lenet", 64, precision, training, "cuda", way)


def test_eager(benchmark: Callable[[str], Any], torch: FakeTorch) -> None:
    side = made(benchmark, "eager")
    assert torch.since(partial(side.run, 1)) == TRAINING
    assert torch.since(side.memory.begin) == ["reset"]
    assert (side.memory.peak(), side.memory.device()) == (55, 20)
    assert torch.since(side.wait) == ["wait"]
    assert torch.torch.backends.cuda.matmul.allow_tf32 is True
    assert torch.torch.backends.cudnn.benchmark is True


def test_half_precision_is_autocast_around_the_forward_pass(
    benchmark: Callable[[str], Any], torch: FakeTorch
) -> None:
    side = made(benchmark, "eager", "bf16")
    casting = "autocast {'cache_enabled': True} {"
    assert torch.since(partial(side.run, 1)) == ["zero", casting, "forward", "}", "backward", "update"]
    assert torch.torch.autocast.call_args.args == ("cuda", torch.torch.bfloat16)


@pytest.mark.parametrize(
    ("way", "mode"),
    [("compile", "None"), ("compile channels_last", "None"),
     ("compile reduce-overhead channels_last", "reduce-overhead")],
)  # fmt: skip
def test_compiled(benchmark: Callable[[str], Any], torch: FakeTorch, way: str, mode: str) -> None:
    made(benchmark, way)
    assert torch.events == [f"compile {mode}"]
    layouts = [call.kwargs["memory_format"] for call in torch.torch.randn.return_value.to.call_args_list]
    last = "channels_last" in way
    assert layouts == [torch.torch.channels_last if last else torch.torch.contiguous_format]


def test_a_graph_is_captured_once_and_its_memory_is_counted_from_then_on(
    benchmark: Callable[[str], Any], torch: FakeTorch
) -> None:
    side = made(benchmark, "graph channels_last")
    before = ["aside {", *TRAINING, "wait", "reset", *TRAINING, *TRAINING, "}"]
    assert torch.events == [*before, "capture {", *TRAINING, "}"]
    assert torch.since(partial(side.run, 1)) == ["replay"]
    assert torch.since(side.memory.begin) == [], "its replays take no memory: the capture did"


def test_inference_fetches_its_output(benchmark: Callable[[str], Any], torch: FakeTorch) -> None:
    side = made(benchmark, "eager", "bf16", training=False)
    assert torch.since(partial(side.run, 1)) == ["inference {", "forward", "}"]
    assert torch.torch.nn.functional.softmax.return_value.cpu.called
    torch.model.train.assert_called_with(False)


@pytest.mark.parametrize(
    ("precision", "training", "rounded"),
    [("bf16", False, True), ("bf16", True, False), ("tf32", False, False)],
)
def test_a_model_that_is_not_trained_is_rounded_once(
    benchmark: Callable[[str], Any], torch: FakeTorch, precision: str, training: bool, rounded: bool
) -> None:
    made(benchmark, "eager", precision, training=training)
    kind = torch.torch.bfloat16 if rounded else torch.torch.float32
    torch.model.train.return_value.to.assert_called_with("cuda", kind)
    assert torch.torch.randn.call_args.kwargs["dtype"] is kind


def test_a_graph_keeps_no_casts(benchmark: Callable[[str], Any], torch: FakeTorch) -> None:
    made(benchmark, "graph channels_last", "bf16")
    assert "autocast {'cache_enabled': False} {" in torch.events


def test_the_rate_of_a_large_product(benchmark: Callable[[str], Any], torch: FakeTorch) -> None:
    times = iter([4.0, 2.0, 3.0])
    torch.torch.cuda.Event.return_value.elapsed_time.side_effect = lambda end: next(times)
    rate = benchmark("gpu_torch").product_rate("bf16", 1000, 3)
    assert rate == pytest.approx(1000**3 / 2e-3)
    assert torch.torch.randn.call_args.kwargs == {"device": "cuda", "dtype": torch.torch.bfloat16}


def test_each_side_is_reached_by_its_words(
    benchmark: Callable[[str], Any], torch: FakeTorch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = benchmark("gpu_sides")
    monkeypatch.setattr(
        sides, "measure", lambda side, rounds, seconds: {"rounds": rounds, "seconds": seconds}
    )
    asked = dict(net="lenet", batch=2, precision="bf16", training=True, device="cuda", rounds=2, seconds=0.5)
    told = sides.answer(asked | {"side": "torch graph channels_last"})
    assert told == {"rounds": 2, "seconds": 0.5}
    assert "capture {" in torch.events
    torch.torch.cuda.Event.return_value.elapsed_time.return_value = 1.0
    assert sides.answer({"side": "product", "precision": "tf32"}) == {"multiply_adds": 8192**3 / 1e-3}
    refused = sides.answer(asked | {"side": "torch eager", "net": "googlenet"})
    assert refused == {"refused": "KeyError: 'googlenet'"}
