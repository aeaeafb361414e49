"""HDF5Data and HDF5Output: across files, round and round, shuffled, resumed; and a file written and read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.support.one_layer import OneLayer

h5py = pytest.importorskip("h5py")
LENGTHS = (3, 5, 2)
COUNT = sum(LENGTHS)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Row i of all files: data filled with i, label 10 i."""
    start = 0
    for number, length in enumerate(LENGTHS):
        values = np.arange(start, start + length)
        write(
            tmp_path / f"{number}.h5", data=np.ones((length, 2, 3)) * values[:, None, None], label=10 * values
        )
        start += length
    (tmp_path / "list.txt").write_text("".join(f"{n}.h5\n" for n in range(len(LENGTHS))) + "\n")
    return tmp_path / "list.txt"


def write(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def data_net(
    source: Path, size: int = 4, more: str = "", tops: str = 'top: "data" top: "label"', **options: Any
) -> Net:
    param = f'hdf5_data_param {{ source: "{source}" batch_size: {size} {more} }}'
    definition = f'layer {{ name: "d" type: "HDF5Data" {tops} {param} }}'
    return Net(text.parse(definition, caffe_pb2.NetParameter), **{"seed": 1} | options)


def labels(net: Net, batches: int) -> list[float]:
    return [label / 10 for _ in range(batches) for label in net.forward()["label"].tolist()]


@pytest.mark.parametrize("size", [1, 4, 23])
def test_rows_go_across_files_and_wrap(source: Path, size: int) -> None:
    net = data_net(source, size)
    assert net.blobs["data"].shape == (size, 2, 3)
    assert net.blobs["label"].shape == (size,)
    assert labels(net, 8) == [i % COUNT for i in range(8 * size)]
    assert (net.blobs["data"].data[:, 1, 2] * 10 == net.blobs["label"].data).all()
    assert (
        net.layer_dict["d"]
        .keys[-1]
        .decode()
        .endswith(".h5[" + str([0, 1, 2, 0, 1, 2, 3, 4, 0, 1][(8 * size - 1) % COUNT]) + "]")
    )  # type: ignore[attr-defined]


def test_shuffled_passes_show_every_row_once_file_by_file(source: Path) -> None:
    net = data_net(source, 5, "shuffle: true")
    passes = [labels(net, 2) for _ in range(6)]
    assert all(sorted(found) == list(range(COUNT)) for found in passes)
    assert len({tuple(found) for found in passes}) == 6
    file_of = np.repeat(range(len(LENGTHS)), LENGTHS)
    for found in passes:
        assert np.count_nonzero(np.diff(file_of[np.array(found, int)])) == len(LENGTHS) - 1
    assert labels(data_net(source, 5, "shuffle: true"), 2) == passes[0]


@pytest.mark.parametrize("more", ["", "shuffle: true"])
def test_resuming_is_exact(source: Path, more: str) -> None:
    net = data_net(source, 3, more)
    labels(net, 5)
    state = net.state()
    expected = labels(net, 7)
    other = data_net(source, 3, more, seed=2)
    other.restore_state(state)
    assert labels(other, 7) == expected


def test_any_top_is_a_dataset_and_float64_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", x=np.full((2, 1), 0.1), label=np.array([[1], [2]], np.int16))
    (tmp_path / "l").write_text(str(tmp_path / "a.h5"))
    net = data_net(tmp_path / "l", 2, tops='top: "label" top: "x"', dtype="float64")
    found = net.forward()
    assert found["label"].tolist() == [[1], [2]]
    assert (found["x"] == 0.1).all()


def test_names_count_from_the_working_directory_first(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    write(tmp_path / "here" / "0.h5", data=np.zeros((3, 2, 3)), label=np.full(3, 70))
    monkeypatch.chdir(tmp_path / "here")
    assert labels(data_net(source), 1) == [7, 7, 7, 3]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    good = {"data": np.zeros((2, 3)), "label": np.zeros(2)}
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        (r"1.h5 has no dataset 'label' \(did you mean 'labels'\?\); it has 'data', 'labels'",
         [good, {"data": np.zeros((2, 3)), "labels": np.zeros(2)}]),
        (r"1.h5: rows of dataset 'data' have shape \(4,\), those of .*0.h5 have \(3,\)",
         [good, {"data": np.zeros((2, 4)), "label": np.zeros(2)}]),
        ("dataset 'label' has 3 rows, 'data' has 2", [{"data": np.zeros((2, 3)), "label": np.zeros(3)}]),
        ("dataset 'label' holds .*numbers are needed", [{"data": np.zeros((2, 3)), "label": [b"a", b"b"]}]),
        ("dataset 'data' is a single value", [{"data": 1.0, "label": np.zeros(3)}]),
        ("there are no rows", [{"data": np.zeros((0, 3)), "label": np.zeros(0)}]),
    ]  # fmt: skip
    for message, files in cases:
        paths = [str(write(tmp_path / f"{i}.h5", **content)) for i, content in enumerate(files)]
        (tmp_path / "list").write_text("\n".join(paths))
        with pytest.raises(DataError, match=r"d \(HDF5Data\): .*" + message):
            data_net(tmp_path / "list")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for content, message in (
        (None, "list of HDF5 files .*list cannot be read"),
        ("\n", "lists no HDF5 files"),
        ("nowhere.h5", "there is no HDF5 file nowhere.h5"),
        (str(tmp_path / "text.h5"), "text.h5 is not a readable HDF5 file"),
    ):
        (tmp_path / "text.h5").write_text("no HDF5")
        (tmp_path / "list").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "list").write_text(content)
        with pytest.raises(DataError, match=message):
            data_net(tmp_path / "list")
    file = write(tmp_path / "rows.h5", data=np.zeros((2, 3)), label=np.zeros(2))
    with pytest.raises(DataError, match=r"rows.h5 cannot be read: it is such a file itself; write its path"):
        data_net(file)


def test_without_h5py_it_says_what_to_install(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"pip install 'owlkit\[hdf5\]'"):
        data_net(source)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("hdf5_data_param { batch_size: 1 }", "no source"),
        ('hdf5_data_param { source: "x" }', "batch_size is 0"),
        ('hdf5_data_param { source: "x" batch_size: 1 } transform_param { scale: 2 }', "does not transform"),
    ],
)
def test_wrong_parameters(body: str, message: str) -> None:
    with pytest.raises(NetError, match=rf"l \(HDF5Data\): .*{message}"):
        OneLayer(f'type: "HDF5Data" {body}')


def output(path: Path, *arrays: Any) -> OneLayer:
    return OneLayer(f'type: "HDF5Output" hdf5_output_param {{ file_name: "{path}" }}', *arrays, tops=0)


def test_output_is_made_anew_appended_to_and_read_back(tmp_path: Path) -> None:
    path = write(tmp_path / "out.h5", data=np.zeros(1))
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 2, 3, 4)).astype(np.float32) for n in (3, 3)]
    layer = output(path, batches[0], np.arange(3))
    with h5py.File(path) as file:
        assert list(file) == ["data"]  # nothing is written before the first forward
    layer.forward()
    layer.bottom[0].data[...] = batches[1]
    layer.forward()
    with h5py.File(path) as file:
        assert np.array_equal(file["data"], np.concatenate(batches))
        assert file["data"].dtype == np.float32
        assert file["label"].shape == (6, 1, 1, 1)  # Caffe's blobs have four axes
    (tmp_path / "list").write_text(str(path))
    net = data_net(tmp_path / "list", 6)
    assert np.array_equal(net.forward()["data"], np.concatenate(batches))


def test_output_gives_no_gradient(tmp_path: Path) -> None:
    layer = output(tmp_path / "out.h5", (2, 3), (2,))
    assert all((diff == 0).all() for diff in layer.backward(propagate_down=[True, True]))


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"l \(HDF5Output\): .*cannot be written"):
        output(tmp_path / "missing" / "out.h5", (2, 3), (2,)).forward()
    with pytest.raises(NetError, match="equally many items"):
        output(tmp_path / "out.h5", (2, 3), (3,))
    with pytest.raises(NetError, match="no file_name"):
        OneLayer('type: "HDF5Output"', (2, 3), (2,), tops=0)
