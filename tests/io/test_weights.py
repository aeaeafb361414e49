"""Blobs and caffemodels against Caffe's own files, and wrong files told apart."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from owlkit.core.errors import DataError, FileFormatError
from owlkit.io.mean import read_mean, write_mean
from owlkit.io.weights import (
    array_to_proto,
    proto_shape,
    proto_to_array,
    read_caffemodel,
    write_caffemodel,
)
from owlkit.proto import caffe_pb2
from tests.support.shared import shared


def a_net(count: int = 6) -> caffe_pb2.NetParameter:
    net = caffe_pb2.NetParameter(name="n")
    layer = net.layer.add(name="ip", type="InnerProduct")
    layer.blobs.append(array_to_proto(np.arange(count, dtype=np.float32).reshape(2, -1)))
    return net


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 3, 4, 5), (1, 2, 1, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blob_round_trip(shape: tuple[int, ...], dtype: type) -> None:
    array = np.random.default_rng(1).normal(size=shape).astype(dtype)
    proto = array_to_proto(array, diff=array + 1)
    back = caffe_pb2.BlobProto.FromString(proto.SerializeToString())
    assert proto_shape(back) == shape
    for found, expected in ((proto_to_array(back), array), (proto_to_array(back, diff=True), array + 1)):
        assert found.shape == shape
        assert np.array_equal(found, expected)
        assert found.dtype == (dtype if array.size else np.float32)
        found[...] = 0  # a copy: writable


def test_blob_bytes_are_those_of_protobuf() -> None:
    array = np.array([1.5, -2, np.inf], np.float32)
    expected = caffe_pb2.BlobProto(data=array.tolist())
    expected.shape.dim.append(3)
    assert array_to_proto(array) == expected


def test_transposed_arrays_keep_their_order() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    assert np.array_equal(proto_to_array(array_to_proto(array)), array)


def test_old_shape_of_four_numbers_wins() -> None:
    proto = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    proto.shape.dim.append(6)
    assert proto_to_array(proto).shape == (1, 2, 1, 3)


def test_wrong_count_is_named() -> None:
    proto = caffe_pb2.BlobProto(data=[1, 2])
    proto.shape.dim.extend([3])
    with pytest.raises(FileFormatError, match=r"conv1\[0\]: shape \(3,\) needs 3 values, found 2"):
        proto_to_array(proto, "conv1[0]")


def test_caffemodel_round_trip(tmp_path: Path) -> None:
    write_caffemodel(tmp_path / "n.caffemodel", a_net())
    assert read_caffemodel(tmp_path / "n.caffemodel") == a_net()


def test_real_old_caffemodel_is_upgraded() -> None:
    net = read_caffemodel(shared("models/lenet/lenet_iter_10000.caffemodel"))
    shapes = {layer.name: [proto_to_array(b).shape for b in layer.blobs] for layer in net.layer}
    assert not net.layers
    assert shapes["conv1"][0] == (20, 1, 5, 5)
    assert shapes["ip2"][0][-2:] == (10, 500)


def test_golden_caffemodels_read() -> None:
    compared = 0
    for path in sorted(shared("golden/solvers").glob("*_iter_5.caffemodel")):
        with np.load(str(path).split("_snap_")[0] + ".npz") as golden:
            for layer in read_caffemodel(path).layer:
                for i, blob in enumerate(layer.blobs):
                    name = f"iter5/{layer.name}/{i}"
                    if name in golden:
                        assert np.array_equal(proto_to_array(blob), golden[name]), name
                        compared += 1
    assert compared >= 10


def wrong_files(folder: Path) -> dict[str, bytes]:
    state = caffe_pb2.SolverState(iter=3, learned_net="x.caffemodel", history=[array_to_proto(np.ones(3))])
    content = a_net(2000).SerializeToString()
    return {
        "solverstate": state.SerializeToString(),
        "prototxt": b'name: "LeNet"\nlayer { name: "data" }\n',
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(50),
        "empty": b"",
        "gzip": gzip.compress(content),
        "web page": b"<!DOCTYPE html><p>404",
        "Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
        "single blob": array_to_proto(np.ones((1, 3, 4, 4), np.float32), legacy=True).SerializeToString(),
        "damaged": content[:-700],
        "unknown format": bytes(range(256)) * 9,
    }


@pytest.mark.parametrize("phrase", list(wrong_files(Path())))
def test_wrong_files_are_recognised(tmp_path: Path, phrase: str) -> None:
    path = tmp_path / "x.caffemodel"
    path.write_bytes(wrong_files(tmp_path)[phrase])
    with pytest.raises(FileFormatError, match=f"is not a caffemodel: it is .*{phrase}"):
        read_caffemodel(path)


def test_missing_file_and_lmdb_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no caffemodel"):
        read_caffemodel(tmp_path / "x.caffemodel")
    (tmp_path / "data.mdb").touch()
    with pytest.raises(DataError, match="LMDB"):
        read_caffemodel(tmp_path)


def test_mean_files(tmp_path: Path) -> None:
    real = read_mean(shared("data/imagenet-sample/imagenet_mean.binaryproto"))
    assert real.shape == (3, 256, 256)
    assert np.allclose(real, np.load(shared("data/imagenet-sample/ilsvrc_2012_mean.npy")))
    write_mean(tmp_path / "m.binaryproto", real)
    assert np.array_equal(read_mean(tmp_path / "m.binaryproto"), real)
    write_caffemodel(tmp_path / "n.caffemodel", a_net())
    with pytest.raises(FileFormatError, match="is not a mean file"):
        read_mean(tmp_path / "n.caffemodel")
