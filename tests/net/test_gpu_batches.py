"""Batches of data layers on a GPU (the stand-in): images and labels come by one lane, ahead of their time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit import L, Net, NetSpec, P, Solver
from owlkit.core.device import Device
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.mirror import Mirror
from tests.support import emulated_gpu
from tests.support.emulated_gpu.driver import EmulatedWay
from tests.support.sets import random_images, write_set

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

CLASSES = 5


def records(folder: Path, **fields: Any) -> dict[str, Any]:
    write_set(folder / "lmdb", random_images(23, (3, 6, 6)), [i % CLASSES for i in range(23)])
    return dict(
        type="Data",
        data_param=dict(source=str(folder / "lmdb"), batch_size=8, backend=P.Data.LMDB, **fields),
        transform_param=dict(scale=1 / 256, crop_size=5, mirror=True),
    )


def light_records(folder: Path) -> dict[str, Any]:
    """A set that is kept: after the first pass its batches are made by who trains."""
    return {**records(folder), "transform_param": dict(scale=1 / 256)}


def files(folder: Path, size: tuple[int, int], count: int = 6) -> list[str]:
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        grow = number % 3 if size == (0, 0) else 0
        image = random_images(1, (3, (size[0] or 6) + grow, (size[1] or 7) + grow), number)[0]
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / name)
    return names


def listed(folder: Path, sizes: tuple[int, int] = (6, 7), batch: int = 4) -> dict[str, Any]:
    lines = [f"{name} {number % CLASSES}" for number, name in enumerate(files(folder, sizes))]
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    param = dict(source=str(folder / "list.txt"), root_folder=f"{folder}/", batch_size=batch, shuffle=True)
    return dict(type="ImageData", image_data_param=param, transform_param=dict(scale=1 / 256))


def windows(folder: Path) -> dict[str, Any]:
    lines: list[str] = []
    for number, name in enumerate(files(folder, (20, 30), 2)):
        lines += [f"# {number}", name, "3", "20", "30", "3"]
        lines += ["1 1.0 2 3 11 12", "2 0.9 5 5 20 15", "0 0.1 20 10 29 19"]
    (folder / "windows.txt").write_text("\n".join(lines) + "\n")
    param = dict(source=str(folder / "windows.txt"), root_folder=f"{folder}/", batch_size=8)
    return dict(
        type="WindowData",
        window_data_param=param,
        transform_param=dict(scale=1 / 256, crop_size=6, mirror=True),
    )


def classifier(source: dict[str, Any]) -> NetSpec:
    n = NetSpec("batches")
    kind = source["type"]
    fields = {name: value for name, value in source.items() if name != "type"}
    n.data, n.label = getattr(L, kind)(ntop=2, **fields)
    n.pool = L.Pooling(n.data, global_pooling=True, pool=P.Pooling.AVE)
    n.fc = L.InnerProduct(n.pool, num_output=CLASSES, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    return n


def solver(source: dict[str, Any], device: Device | str, **fields: Any) -> Any:
    return Solver(classifier(source), device=device, seed=3, base_lr=0.1, momentum=0.9, display=0, **fields)


@pytest.fixture
def device() -> GpuDevice:
    return emulated_gpu.emulated_device()


SOURCES = {"Data": records, "Data, light": light_records, "ImageData": listed, "WindowData": windows}


@pytest.mark.parametrize("kind", SOURCES)
def test_images_and_labels_come_by_the_lane(kind: str, tmp_path: Path, device: GpuDevice) -> None:
    source = SOURCES[kind](tmp_path)
    ours, theirs = solver(source, device), solver(source, "cpu")
    uploads: list[Mirror] = []
    for number in range(7):
        if number == 3:
            device.gpu.watch(lambda what, mirror: uploads.append(mirror) if what == "upload" else None)
        ours.step(1)
        theirs.step(1)
        for name in ("data", "label"):
            np.testing.assert_array_equal(ours.net.blobs[name].peek(), theirs.net.blobs[name].data)
        assert ours.smoothed_loss == pytest.approx(theirs.smoothed_loss, rel=1e-5)
    places = [ours.net.blobs[name].memory("data").mirror for name in ("data", "label")]
    assert not [mirror for mirror in uploads if mirror in places]
    assert ours.net.layer_dict["data"]._prefetcher._alone == (kind == "Data, light")


def test_images_of_any_size_come_as_they_are(tmp_path: Path, device: GpuDevice) -> None:
    """A batch that is no more of the lane's shape goes from the host, and its label with it."""
    source = listed(tmp_path, (0, 0), batch=1)
    ours, theirs = solver(source, device), solver(source, "cpu")
    shapes = set()
    for _ in range(14):
        ours.step(1)
        theirs.step(1)
        for name in ("data", "label"):
            np.testing.assert_array_equal(ours.net.blobs[name].peek(), theirs.net.blobs[name].data)
        shapes.add(ours.net.blobs["data"].shape)
    assert len(shapes) == 3


def test_labels_are_read_and_set_by_hand(tmp_path: Path, device: GpuDevice) -> None:
    net = Net(classifier(records(tmp_path)), phase="train", seed=1, device=device)
    net.forward()
    labels = net.blobs["label"].data
    assert labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    start = net.layer_names[1]
    losses = []
    for wanted in (0, 1):
        net.blobs["label"].data[...] = wanted
        losses.append(float(net.forward(start=start)["loss"]))
    assert losses[0] != losses[1]
    net.forward()
    assert net.blobs["label"].data.tolist() == [3, 4, 0, 1, 2, 3, 4, 0], "the next batch's"


def test_labels_that_somebody_reshaped_have_their_shape_again(tmp_path: Path, device: GpuDevice) -> None:
    """As in Caffe, where each batch reshapes its tops."""
    net = Net(classifier(records(tmp_path)), phase="train", seed=1, device=device)
    net.forward()
    net.blobs["label"].reshape(2)
    net.forward()
    assert net.blobs["label"].peek().tolist() == [3, 4, 0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_labels_of_other_precisions(dtype: str, tmp_path: Path, device: GpuDevice) -> None:
    """In half precision they stay float32."""
    trained = solver(records(tmp_path), device, dtype=dtype)
    trained.step(4)
    label = trained.net.blobs["label"]
    assert label.dtype == ("float64" if dtype == "float64" else "float32")
    assert label.peek().tolist() == [1, 2, 3, 4, 0, 1, 2, 3]
    assert np.isfinite(trained.smoothed_loss)


@pytest.mark.parametrize("kind", [records, light_records])
@pytest.mark.parametrize("before", [1, 3, 6])
def test_resuming_is_bit_identical(kind: Any, before: int, tmp_path: Path) -> None:
    source = kind(tmp_path)
    through = solver(source, emulated_gpu.emulated_device(), snapshot_prefix=str(tmp_path / "a"))
    through.step(before)
    _, state = through.snapshot()
    through.step(4)
    resumed = solver(source, emulated_gpu.emulated_device())
    resumed.restore(state)
    resumed.step(4)
    for name in ("data", "label"):
        np.testing.assert_array_equal(through.net.blobs[name].peek(), resumed.net.blobs[name].peek())
    for one, other in zip(through.net.learnable, resumed.net.learnable, strict=True):
        np.testing.assert_array_equal(one.blob.data, other.blob.data, err_msg=one.name)


@pytest.mark.parametrize("prefetch", [1, 2, 6])
def test_who_trains_makes_one_call_for_a_batch(
    prefetch: int, tmp_path: Path, device: GpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent, the maker sends, as long as it keeps ahead."""
    calls: list[tuple[str, bool]] = []
    trained = solver(records(tmp_path, prefetch=prefetch), device)
    trained.step(3)
    trains = threading.get_ident()
    for name in ("wait", "send", "receive"):
        plain = getattr(EmulatedWay, name)

        def noted(way: Any, *args: Any, name: str = name, plain: Any = plain) -> None:
            calls.append((name, threading.get_ident() == trains))
            plain(way, *args)

        monkeypatch.setattr(EmulatedWay, name, noted)
    layer = trained.net.layer_dict["data"]
    for _ in range(8):
        while layer._prefetcher._worker.ready.qsize() < prefetch:  # until all are made
            threading.Event().wait(0.001)
        before = calls.count(("receive", True))
        trained.step(1)
        assert calls.count(("receive", True)) == before + 1
    assert ("send", True) not in calls
    assert ("wait", True) not in calls
    assert ("receive", False) not in calls
