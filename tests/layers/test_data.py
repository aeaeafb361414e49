"""Data: batches, wrap-around, exact resuming, sharing, and what it says about bad sets."""

import gc
import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit.core.blob import Blob
from owlkit.core.device import resolve_device
from owlkit.core.errors import DataError, NetError
from owlkit.io.datum import array_to_datum, encoded_datum
from owlkit.io.prefetch import Prefetcher
from owlkit.io.writer import RecordWriter
from owlkit.layers.base import create
from owlkit.proto.caffe_pb2 import DataParameter, LayerParameter
from tests.support.sets import random_images, write_set

COUNT = 10
IMAGES = random_images(COUNT, (3, 8, 9))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set_lmdb", IMAGES, [i % 4 for i in range(COUNT)])


class Running:
    """A Data layer with its tops."""

    def __init__(
        self, source: Path, phase: str = "train", tops: int = 2, seed: int = 3, **fields: Any
    ) -> None:
        transform = fields.pop("transform", {})
        dtype = fields.pop("dtype", "float32")
        data = {"source": str(source), "batch_size": 4, "backend": DataParameter.LMDB} | fields
        param = LayerParameter(name="mnist", type="Data", data_param=data, transform_param=transform)
        self.layer: Any = create(param, phase, np.random.default_rng(seed))
        self.tops = [Blob(name=name, dtype=dtype) for name in ("data", "label")[:tops]]
        self.layer.setup([], self.tops)
        self.layer.reshape([], self.tops)
        self.layer.prepare(resolve_device("cpu"), [], self.tops)

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        self.layer.forward([], self.tops)
        return self.tops[0].data.copy(), self.tops[-1].data.copy()


def test_batches_wrap_round_the_set(source: Path) -> None:
    running = Running(source, transform={"scale": 0.5})
    assert [top.shape for top in running.tops] == [(4, 3, 8, 9), (4,)]
    for batch in range(6):
        data, labels = running.next()
        indices = [(batch * 4 + i) % COUNT for i in range(4)]
        assert np.array_equal(data, np.stack([IMAGES[i] for i in indices]) * np.float32(0.5))
        assert labels.tolist() == [i % 4 for i in indices]
        assert labels.dtype == np.float32
        assert running.layer.keys == [b"%08d" % i for i in indices]


def test_without_labels_and_in_float64(source: Path) -> None:
    running = Running(source, tops=1, dtype="float64")
    data, _ = running.next()
    assert data.dtype == np.float64
    assert np.array_equal(data[0], IMAGES[0])


@pytest.mark.parametrize("prefetch", [1, 4])
def test_resuming_is_bit_identical(source: Path, prefetch: int) -> None:
    fields = {"prefetch": prefetch, "rand_skip": 7, "transform": {"crop_size": 5, "mirror": True}}
    running = Running(source, **fields)
    for _ in range(3):
        running.next()
    state = running.layer.state()
    expected = [running.next() for _ in range(5)]
    other = Running(source, seed=99, **fields)
    other.next()
    other.layer.restore_state(state)
    for data, labels in expected:
        found = other.next()
        assert np.array_equal(found[0], data)
        assert np.array_equal(found[1], labels)
    assert other.layer.state() == running.layer.state()
    running.layer.restore_state(state)
    assert np.array_equal(running.next()[0], expected[0][0])


@pytest.mark.parametrize("prefetch", [1, 3])
def test_interrupt_in_forward_loses_no_batch(
    source: Path, monkeypatch: pytest.MonkeyPatch, prefetch: int
) -> None:
    running, expected = Running(source, prefetch=prefetch), Running(source)

    def interrupted(self: Prefetcher[Any], buffer: Any) -> None:
        raise KeyboardInterrupt

    for name in ("take", "give"):
        with monkeypatch.context() as patch:
            running.next()
            expected.next()
            if name == "give":
                patch.setattr(Prefetcher, "give", interrupted)
            else:
                patch.setattr(running.layer, "_watch_classes", lambda labels: interrupted(labels, None))
            with pytest.raises(KeyboardInterrupt):
                running.next()
        assert np.array_equal(running.next()[0], expected.next()[0])


def test_encoded_records(tmp_path: Path) -> None:
    images = random_images(4, (6, 5, 3))
    with RecordWriter(tmp_path / "s") as writer:
        for i, image in enumerate(images):
            stream = io.BytesIO()
            Image.fromarray(image if i < 3 else image[..., 0]).save(stream, "PNG")
            writer.put(f"{i}", encoded_datum(stream.getvalue(), i).SerializeToString())
    data, labels = Running(tmp_path / "s", transform={"force_color": True}).next()
    assert np.array_equal(data[0], images[0].transpose(2, 0, 1)[::-1])  # blue, green, red
    assert np.array_equal(data[3], np.stack([images[3][..., 0]] * 3))
    assert labels.tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match=r"record '3' has shape \(1, 6, 5\)"):
        Running(tmp_path / "s").next()
    gray, _ = Running(tmp_path / "s", transform={"force_gray": True}).next()
    assert gray.shape == (4, 1, 6, 5)


def test_same_seed_same_batches_and_other_seed_others(source: Path) -> None:
    batches = [Running(source, seed=s, transform={"crop_size": 3}).next()[0] for s in (1, 1, 2)]
    assert np.array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], batches[2])


def test_rand_skip_is_below_its_bound(source: Path) -> None:
    skips = {Running(source, seed=s, rand_skip=3).layer.state()["skip"] for s in range(20)}
    assert skips == {0, 1, 2}


def test_train_and_test_layers_share_a_set(source: Path) -> None:
    one, two = Running(source), Running(source, "test")
    assert np.array_equal(one.next()[0], two.next()[0])


def test_waiting_is_counted_over_restores(source: Path) -> None:
    running = Running(source)
    running.next()
    waited = running.layer.wait_seconds
    assert waited > 0
    running.layer.restore_state(running.layer.state())
    running.next()
    assert running.layer.wait_seconds > waited


def test_an_interrupt_while_a_thread_ends_costs_nothing(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, join = Running(source, transform={"mirror": True}), threading.Thread.join
    running.next()
    state = running.layer.state()

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        monkeypatch.setattr(threading.Thread, "join", join)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        running.layer.restore_state(state)
    running.next()
    assert running.layer.keys == [b"%08d" % number for number in (4, 5, 6, 7)]


def test_dropped_layer_releases_its_thread(source: Path) -> None:
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("prefetch")}

    before = threads()
    running = Running(source, transform={"mirror": True})
    assert not threads() - before  # building a net starts nothing
    running.next()
    (started,) = threads() - before
    del running
    gc.collect()
    assert started not in threads()


def test_a_small_set_that_was_read_whole_needs_no_thread(source: Path) -> None:
    running, threads = Running(source), set()
    for _ in range(8):
        running.next()
        threads.add(running.layer._prefetcher._thread)
    (thread,) = threads
    thread.join(10)
    assert not thread.is_alive()
    data, labels = running.next()
    assert np.array_equal(data, np.stack(IMAGES[2:6]))
    assert labels.tolist() == [2, 3, 0, 1]
    assert running.layer.keys == [b"%08d" % number for number in (2, 3, 4, 5)]


def test_unshuffled_set_is_remarked(tmp_path: Path) -> None:
    path = write_set(tmp_path / "sorted", random_images(400, (1, 2, 2)), [0] * 300 + [1] * 100)
    heard: list[str] = []
    running = Running(path, batch_size=50)
    running.layer.on_warning = heard.append
    for _ in range(20):
        running.next()
    assert len(running.layer.warnings) == 1
    assert "records all have label 0" in running.layer.warnings[0]
    assert heard == running.layer.warnings


def test_a_small_set_of_one_class_is_remarked(tmp_path: Path) -> None:
    path = write_set(tmp_path / "few", random_images(21, (1, 2, 2)), [3] * 21)
    running = Running(path, batch_size=50)
    running.next()
    (remark,) = running.layer.warnings
    assert f"the 21 records of {path} all have label 3" in remark
    assert "shuffl" not in remark


def test_shuffled_or_test_sets_are_not_remarked(tmp_path: Path, source: Path) -> None:
    path = write_set(tmp_path / "sorted", random_images(300, (1, 2, 2)), [0] * 300)
    for running in (Running(path, "test", batch_size=50), Running(source)):
        for _ in range(8):
            running.next()
        assert running.layer.warnings == []


def test_record_of_another_size_is_named(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "s") as writer:
        for key, shape in (("a", (3, 8, 9)), ("b", (3, 9, 8))):
            writer.put(key, array_to_datum(np.zeros(shape, np.uint8)).SerializeToString())
    running = Running(tmp_path / "s", batch_size=2)
    for _ in range(2):
        with pytest.raises(
            DataError, match=r"mnist .*record 'b' has shape \(3, 9, 8\).*expected \(3, 8, 9\)"
        ):
            running.next()


def test_wrong_parameters(source: Path) -> None:
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (DataError, "mnist .*LEVELDB.* is an LMDB set: set back", {"backend": DataParameter.LEVELDB}),
        (NetError, "mnist .*batch_size is 0", {"batch_size": 0}),
        (NetError, "mnist .*prefetch is 0", {"prefetch": 0}),
        (NetError, "mnist .*no source", {"source_set": ""}),
        (DataError, "mnist .*there is no LMDB set", {"source_set": f"{source}x"}),
        (DataError, "mnist .*crop_size 20 exceeds", {"transform": {"crop_size": 20}}),
        (DataError, "mnist .*there is no mean file", {"transform": {"mean_file": "nowhere.binaryproto"}}),
    ]
    for kind, message, fields in cases:
        with pytest.raises(kind, match=message):
            Running(fields.pop("source_set", source), **fields)


@pytest.mark.parametrize(
    ("name", "there", "message"),
    [
        ("mnist_siamese_train_leveldb", False, "set backend: LMDB, and if .*data convert-mnist-siamese`"),
        ("mnist_siamese_train_leveldb", True, "data convert-mnist-siamese`.*; then set backend: LMDB"),
        ("cifar10_train_leveldb", True, "data get cifar10`"),
        ("my_birds", True, "`owlkit convert-imageset`, or by Caffe's converter with --backend=lmdb"),
    ],
)
def test_a_leveldb_set_names_what_makes_it_again(
    name: str, there: bool, message: str, tmp_path: Path
) -> None:
    if there:
        (tmp_path / name).mkdir()
        for file in ("CURRENT", "MANIFEST-000002"):
            (tmp_path / name / file).touch()
    with pytest.raises(DataError, match=f"LEVELDB, .*{message}"):
        Running(tmp_path / name, backend=DataParameter.LEVELDB)
