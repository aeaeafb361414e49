"""Whoever saves or looks at weights in the midst of a training gets those of one iteration."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import owlkit
from owlkit.inspection.twin import Twin
from owlkit.net import Net
from tests.training.numbered import (
    LAYERS,
    PATIENCE,
    WIDTH,
    as_proto,
    iteration_of,
    numbered,
    numbered_net,
    stored,
    training,
)


def saved(suffix: str) -> Callable[[Net, Path], int]:
    def save(net: Net, folder: Path) -> int:
        net.save(folder / f"saved{suffix}")
        return stored(folder / f"saved{suffix}")

    return save


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
