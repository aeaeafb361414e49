"""Whoever saves or looks at weights in the midst of a training gets those of one iteration."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import TrainingError
from owlkit.inspection.twin import Twin
from owlkit.io.stored import read_weights
from owlkit.net import Net
from owlkit.net.turns import Turns
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import DivergedError, Solver
from owlkit.training import Run
from tests.training.small import make_solver, with_tests

LONG = 10_000_000
PATIENCE = 60.0
LAYERS, WIDTH = 8, 16


def numbered_net() -> Any:
    """Every weight of layer `w0`, `w1`, ... is the number of the iterations done.

    The loss is minus the sum of all weights, so each gradient is -1 and each update adds the rate, 1. The
    layers have multipliers of their own, so that one kernel does not write all in one go.
    """
    layers = ['name: "numbered"']
    layers += [
        f'layer {{ name: "one" type: "DummyData" top: "one" dummy_data_param {{'
        f" shape {{ dim: 1 dim: 1 dim: {WIDTH} dim: {WIDTH} }}"
        ' data_filler { type: "constant" value: 1 } } }'
    ]
    for i in range(LAYERS):
        layers.append(
            f'layer {{ name: "w{i}" type: "Scale" bottom: "one" top: "s{i}" param {{ decay_mult: {i} }}'
            ' scale_param { axis: 0 num_axes: -1 filler { type: "constant" value: 0 } } }'
        )
        layers.append(
            f'layer {{ name: "loss{i}" type: "Reduction" bottom: "s{i}" top: "loss{i}" loss_weight: -1 }}'
        )
    return text.parse("\n".join(layers), caffe_pb2.NetParameter)


class Slow:
    """A kernel that is not soon done: most of the time some weights are new and others are not."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel

    def __call__(self, *args: Any) -> None:
        time.sleep(0.0005)
        self.kernel(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kernel, name)


def numbered(**fields: Any) -> Solver:
    usual = {"base_lr": 1.0, "max_iter": LONG, "snapshot_after_train": False, "seed": 1}
    solver = Solver(numbered_net(), **{**usual, **fields})
    assert len(solver.rule._kernels) == LAYERS
    solver.rule._kernels = [Slow(kernel) for kernel in solver.rule._kernels]
    return solver


def training(**fields: Any) -> Run:
    """A run that has begun to change its weights."""
    run, patience = Run(numbered(**fields)).start(), time.monotonic() + PATIENCE
    while run.iter < 1:
        assert time.monotonic() < patience
        time.sleep(0.001)
    return run


def iteration_of(arrays: Any) -> int:
    """What all agree on; a mixture fails."""
    numbers = {float(value) for array in arrays for value in np.unique(array)}
    assert len(numbers) == 1, f"weights of several iterations: {sorted(numbers)}"
    return int(numbers.pop())


def stored(path: Path) -> int:
    return iteration_of(b.array for blobs in read_weights(path).layers.values() for b in blobs.values())


def saved(suffix: str) -> Callable[[Net, Path], int]:
    def save(net: Net, folder: Path) -> int:
        net.save(folder / f"saved{suffix}")
        return stored(folder / f"saved{suffix}")

    return save


def as_proto(net: Net, folder: Path) -> int:
    return iteration_of(np.array(b.data) for layer in net.to_proto().layer for b in layer.blobs)


def exported(net: Net, folder: Path) -> int:
    return stored(owlkit.export_safetensors(net, folder / "exported.safetensors"))


def looked(net: Net, folder: Path) -> int:
    with net.at_rest():
        return iteration_of([blobs[0].data.copy() for blobs in net.params.values()])


def shared(net: Net, folder: Path) -> int:
    """Of a net with the same weights."""
    return as_proto(Net(numbered_net(), phase="test", share=net), folder)


def passed(net: Net, folder: Path) -> int:
    """By a pass of a net with the same weights; each output is the sum of a layer's."""
    other = Net(numbered_net(), phase="test", share=net)
    with other.at_rest():
        outputs = other.forward()
    return iteration_of(output / WIDTH**2 for output in outputs.values())


WAYS = {
    "caffemodel": saved(".caffemodel"),
    "HDF5": saved(".h5"),
    "safetensors": saved(".safetensors"),
    "to_proto": as_proto,
    "export_safetensors": exported,
    "at_rest": looked,
    "a net that shares": shared,
    "a pass": passed,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_is_of_one_iteration(way: str, tmp_path: Path) -> None:
    run = training()
    try:
        found = [WAYS[way](run.net, tmp_path) for _ in range(12)]
    finally:
        run.stop()
    assert run.wait(PATIENCE)
    assert found == sorted(found)
    assert found[-1] > 0
    assert looked(run.net, tmp_path) == run.iter


def test_without_a_rest_it_would_be_a_mixture() -> None:
    """The test above can fail."""
    run = training()
    mixtures = 0
    try:
        for _ in range(200):
            time.sleep(0.0002)
            found = {float(b[0].data.flat[0]) for b in run.net.params.values()}
            mixtures += len(found) > 1
    finally:
        run.stop()
    assert run.wait(PATIENCE)
    assert mixtures


def test_nobody_waits_for_many_iterations_and_training_goes_on() -> None:
    run, asked = Run(numbered()), []

    class Noted(deque[object]):
        """Tells at which iteration this thread asks for its turn."""

        def append(self, ticket: object) -> None:
            super().append(ticket)
            if threading.current_thread() is threading.main_thread():
                asked.append(run.iter)

    run.net.turns._queue = Noted()
    run.start()
    patience = time.monotonic() + PATIENCE
    while run.iter < 20:
        with run.net.at_rest():
            at = run.iter
            assert at <= asked[-1] + 1
            time.sleep(0.001)
            assert run.iter == at
        assert time.monotonic() < patience
    run.stop()
    assert run.wait(PATIENCE)


def test_what_a_twin_is_asked_is_told_of_one_iteration() -> None:
    """Features of many images, say, or the answers of several layers to one."""
    run, images = training(), np.ones((1, 1, WIDTH, WIDTH), np.float32)
    twin = Twin(run.net)
    found = [iteration_of([twin.run(images, f"w{i}")]) for i in range(LAYERS) for _ in range(3)]
    assert len(set(found)) == 1
    assert found[0] > 0
    run.stop()
    assert run.wait(PATIENCE)
    assert iteration_of([Twin(run.net).run(images, "w1")]) == run.iter  # now the weights are shared


def test_an_onnx_file_is_of_one_iteration(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    run, definition = training(), numbered_net()
    weighted = [layer for layer in definition.layer if layer.type == "Scale"]
    del definition.layer[:]
    definition.layer.add(name="one", type="Input", top=["one"]).input_param.shape.add(
        dim=[1, 1, WIDTH, WIDTH]
    )
    definition.layer.extend(weighted)
    net, found = Net(definition, share=run.net), []
    for _ in range(4):
        model = onnx.load(owlkit.export_onnx(net, tmp_path / "net.onnx"))
        arrays = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
        found.append(iteration_of(array for array in arrays if array.size == WIDTH * WIDTH))
    run.stop()
    assert run.wait(PATIENCE)
    assert found == sorted(found)
    assert found[-1] > 0


def test_several_that_look_all_the_time_do_not_stop_the_training(tmp_path: Path) -> None:
    run = training(max_iter=40)

    def look() -> None:
        while run.state == "running":
            as_proto(run.net, tmp_path)

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        assert run.wait(PATIENCE)
        for future in looking:
            future.result(PATIENCE)
    assert run.iter == 40


def test_a_solver_that_is_stepped_by_hand_in_another_thread(tmp_path: Path) -> None:
    solver = numbered(snapshot_prefix=str(tmp_path / "s"))
    with ThreadPoolExecutor(1) as pool:
        stepping = pool.submit(solver.step, 60)
        found = []
        while not stepping.done():
            found.append(as_proto(solver.net, tmp_path))
            model, state = solver.snapshot()
            assert stored(model) == int(Path(state).stem.rpartition("_")[2])
        stepping.result(PATIENCE)
    assert found == sorted(found)
    assert as_proto(solver.net, tmp_path) == 60


def test_a_loop_of_ones_own(tmp_path: Path) -> None:
    solver, found = numbered(), []

    def train() -> None:
        for _ in range(40):
            solver.net.clear_param_diffs()
            solver.net.forward_backward()
            solver.apply_update()

    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(train)
        while not training.done():
            found.append(as_proto(solver.net, tmp_path))
        training.result(PATIENCE)
    assert found == sorted(found)
    assert as_proto(solver.net, tmp_path) == 40


def test_in_the_thread_that_trains_nobody_waits(tmp_path: Path) -> None:
    """In listeners, in callbacks, and in the midst of a pass."""
    solver, found = numbered(max_iter=3), []

    def note(*_: Any) -> None:
        found.append(as_proto(solver.net, tmp_path))

    solver.add_listener(lambda event: note() if type(event).__name__ == "IterationDone" else None)
    solver.add_callback(note, note)
    Run(solver).run()
    assert found == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    solver.net.watch_layers("after_forward", note)
    solver.net.forward()
    assert found[-1] == 3


def test_a_callback_may_wait_for_a_thread_that_saves(tmp_path: Path) -> None:
    solver, found = numbered(max_iter=3), []
    with ThreadPoolExecutor(1) as pool:

        def elsewhere() -> None:
            found.append(pool.submit(as_proto, solver.net, tmp_path).result(PATIENCE))

        solver.add_callback(elsewhere, elsewhere)
        assert Run(solver).start().wait(PATIENCE)
    assert found == [0, 0, 1, 1, 2, 2]


def test_a_listener_may_wait_for_a_thread_that_saves(tmp_path: Path) -> None:
    """Whatever it is told, and as late as what it is told of a display, the update is made."""
    solver, found = numbered(display=1), []
    with ThreadPoolExecutor(1) as pool:

        def elsewhere(event: Any) -> None:
            saved = pool.submit(as_proto, solver.net, tmp_path).result(PATIENCE / 6)
            found.append((type(event).__name__, saved))

        solver.add_listener(elsewhere)
        solver.step(2)
        solver.net.forward_backward = lambda: math.nan
        with pytest.raises(DivergedError):
            solver.step(1)
    each = ("Displayed", "IterationDone")
    assert found == [(name, iteration) for iteration in (1, 2) for name in each] + [("Diverged", 2)]


def test_in_a_pause_in_a_test_and_after_the_end(tmp_path: Path) -> None:
    run = Run(numbered()).start()
    run.pause()
    assert as_proto(run.net, tmp_path) == run.iter
    run.step(2)
    assert as_proto(run.net, tmp_path) == run.iter
    run.stop()
    assert run.wait(PATIENCE)
    assert as_proto(run.net, tmp_path) == run.iter


def test_after_a_failure(tmp_path: Path) -> None:
    solver = make_solver(max_iter=LONG)
    solver.add_callback(lambda: None, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Run(solver).start().wait(PATIENCE)
    solver.net.save(tmp_path / "a.caffemodel")

    diverging = make_solver(max_iter=LONG, base_lr=1e30)
    with pytest.raises(DivergedError):
        Run(diverging).start().wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(diverging.net.save, tmp_path / "b.caffemodel").result(PATIENCE)


def test_a_test_goes_on_while_somebody_looks(tmp_path: Path) -> None:
    """Its weights stand still, so that nobody waits for its end."""
    run = Run(with_tests(max_iter=LONG, test_iter=100_000)).start()
    run.net.save(tmp_path / "a.caffemodel")
    assert (run.iter, run.state) == (0, "running")
    run.stop()
    assert run.wait(PATIENCE)


# -- in the midst of a pass
CONTROLS: dict[str, Callable[[Run], Any]] = {
    "pause": lambda run: run.pause(),
    "resume": lambda run: run.resume(),
    "step": lambda run: run.step(1),
    "snapshot": lambda run: run.snapshot(),
    "back": lambda run: run.back(),
    "wait": lambda run: run.wait(),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_that_training_would_wait_for_is_refused(control: str) -> None:
    """It was begun in a pause; training has been asked to go on since, and waits for its end."""
    run = Run(with_tests(max_iter=LONG)).start()
    run.pause()
    errors = []

    def act(_: int) -> None:
        run.resume(source="button")
        with pytest.raises(TrainingError, match=rf"{control}: called in the midst of a pass of net 'small'"):
            CONTROLS[control](run)
        errors.append(control)

    other = run.solver.test_nets[0]
    other.watchers.add("before_forward", lambda layer: act(layer) if not errors else None)
    other.forward(end="ip1")
    assert errors == [control]
    run.pause()
    run.stop()
    assert run.wait(PATIENCE)


def test_a_run_that_stands_is_not_stepped_in_the_midst_of_a_pass() -> None:
    run = Run(make_solver())
    with run.net.at_rest(), pytest.raises(TrainingError, match="step: called in the midst"):
        run.step()
    assert (run.state, run.iter) == ("ready", 0)


# -- who is interrupted
def test_a_start_that_is_interrupted_leaves_the_solver_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for whoever looks at a net; of two nets the first is the training's by then."""
    solver = with_tests(snapshot=10, snapshot_prefix=str(tmp_path / "a"))

    def interrupt(thread: int | None) -> None:
        if thread is not None:
            assert solver.net.keeper is not None
            raise KeyboardInterrupt

    run = Run(solver)
    with monkeypatch.context() as patch:
        patch.setattr(solver.test_nets[0], "keep_to", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.start()
    assert (run.state, solver.net.keeper, list(tmp_path.iterdir())) == ("ready", None, [])
    assert run.start().wait(PATIENCE)
    assert run.iter == 20


def test_nobody_is_waited_for_to_let_a_net_go() -> None:
    solver = make_solver()
    with ThreadPoolExecutor(1) as pool, solver.net.at_rest():
        pool.submit(solver.keep_to, None).result(PATIENCE)


# -- turns
def test_turns_come_in_the_order_of_asking() -> None:
    turns, order, asked = Turns(), [], []
    with ThreadPoolExecutor(5) as pool:

        def take(number: int) -> None:
            asked.append(number)
            with turns.taken():
                order.append(number)

        with turns.taken(), turns.taken():
            waiting = []
            for number in range(5):
                waiting.append(pool.submit(take, number))
                while len(turns._queue) < number + 2:
                    time.sleep(0.001)
        for future in waiting:
            future.result(PATIENCE)
    assert order == asked == list(range(5))
    assert not turns.mine


def test_who_has_let_another_one_go_first_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes to the lock before the first: it waits then, and does not look by itself."""
    monkeypatch.setattr("owlkit.net.turns.PATIENCE", 10 * PATIENCE)
    turns, waits, order = Turns(), threading.Event(), []
    lock, wait = turns._lock, turns._passed_on.wait

    class SlowForTheFirst:
        def __enter__(self) -> None:
            if threading.current_thread().name == "first":
                assert waits.wait(PATIENCE)
            lock.acquire()

        def __exit__(self, *failure: object) -> None:
            lock.release()

    monkeypatch.setattr(turns, "_lock", SlowForTheFirst())
    monkeypatch.setattr(turns._passed_on, "wait", lambda timeout: waits.set() or wait(timeout))

    def take() -> None:
        with turns.taken():
            order.append(threading.current_thread().name)

    threads = [threading.Thread(target=take, name=name, daemon=True) for name in ("first", "second")]
    for place, thread in enumerate(threads):
        thread.start()
        while len(turns._queue) <= place and thread.is_alive():
            time.sleep(0.001)
    for thread in threads:
        thread.join(PATIENCE / 4)
    assert order == ["first", "second"]


def test_who_is_interrupted_while_it_waits_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    turns._queue.append(first := object())  # somebody who has asked before

    def interrupt(timeout: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(turns._passed_on, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt), turns.taken():
            pass
    assert list(turns._queue) == [first]
    turns._queue.clear()
    with turns.taken():
        assert turns.mine
