"""Small valid files of every format."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.io import hdf5_snapshots, safetensors_weights
from owlkit.io.blobproto import array_to_proto
from owlkit.io.datum import array_to_datum, encoded_datum
from owlkit.io.hdf5_snapshots import LayerBlobs
from owlkit.io.solverstate import SolverStateData, write_solverstate
from owlkit.proto import caffe_pb2

NET = b"""name: "small" # a comment
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 decay_mult: 0.5 } param < name: 'b' >
  convolution_param { num_output: 4, kernel_size: [3, 3]; pad: 1 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "pool" bottom: "x" top: "loss" loss_weight: 1e-1
  include { phase: TRAIN min_level: 0 stage: "a" "b" } }
"""
OLD_NET = b"""layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2
  weight_decay: 1 convolution_param { num_output: 20 kernel_size: 5 } }
layers { name: "images" type: IMAGE_DATA top: "x" image_data_param { source: "a" scale: 0.5 mirror: true } }
"""
OLDEST_NET = b"""layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 9 kernelsize: 3 group: 1 biasterm: true
  weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. } bottom: "pad" top: "conv" }
"""
SOLVER = b"""net: "net.prototxt" test_iter: 10 test_interval: 0x10 base_lr: 0.01 momentum: 0.9
weight_decay: 5e-4 lr_policy: "multistep" stepvalue: 10 stepvalue: 20 gamma: .1 display: 1 max_iter: 010
solver_type: ADAM solver_mode: CPU snapshot_prefix: "a\\x20\\n" random_seed: -1 test_state { stage: 'v' }
net_param { name: "n" layer { name: "i" type: "Input" top: "data" } }
"""
IMAGE_LIST = b"a.png 0\nwith space.jpg 12\n\nb.png -1\n"
WINDOWS = b"""# 0
/images/a.jpg
3
100
120
2
1 0.9 10 10 50 60
0 0.1 0 0 20 20
# 1
b.jpg
3
50
60
0
"""
PROTOTXT_WORDS = [
    name.encode()
    for message in caffe_pb2.DESCRIPTOR.message_types_by_name.values()
    for name in message.fields_by_name
]
PROTOTXT_WORDS += [
    b"{", b"}", b"<", b">", b"[", b"]", b":", b",", b'"', b"'", b"#", b"\n", b"TRAIN", b"true", b"inf",
    b"-nan", b'"\\777"', b'"\\x"', b"1e999", "²".encode(), "٣".encode(), b"\xff",
]  # fmt: skip
LIST_WORDS = [
    b" ", b"\n", b"#", b"-", b"--1", b"1e5", b"nan", b"inf", "²".encode(), b"1_0", b"+", b"a.png", b"\xff",
]  # fmt: skip


def blob(*shape: int, **options: Any) -> Any:
    return array_to_proto(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), **options)


def caffemodels() -> list[bytes]:
    new = caffe_pb2.NetParameter(name="n")
    layer = new.layer.add(name="ip", type="InnerProduct", bottom=["data"], top=["ip"])
    layer.blobs.extend([blob(2, 3), blob(2)])
    old = caffe_pb2.NetParameter(name="old", input=["data"], input_dim=[1, 3, 8, 8])
    v1 = old.layers.add(name="conv", type=caffe_pb2.V1LayerParameter.CONVOLUTION, blobs_lr=[1, 2])
    v1.blobs.append(blob(2, 1, 3, 3, legacy=True))
    oldest = caffe_pb2.NetParameter(name="oldest")
    oldest.layers.add().layer.CopyFrom(caffe_pb2.V0LayerParameter(name="c", type="conv", num_output=3))
    oldest.layers[0].layer.blobs.append(blob(3, 1, 1, 1, legacy=True))
    return [net.SerializeToString() for net in (new, old, oldest)]


def solverstates() -> list[bytes]:
    state = caffe_pb2.SolverState(iter=3, learned_net="a_iter_3.caffemodel", current_step=1)
    state.history.extend([blob(2, 3), blob(2)])
    return [state.SerializeToString()]


def blobs() -> list[bytes]:
    double = array_to_proto(np.arange(6.0).reshape(1, 1, 2, 3))
    return [b.SerializeToString() for b in (blob(1, 3, 2, 2, legacy=True), blob(3, 2, 2), double)]


def images() -> list[bytes]:
    """One file in each format that is read."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    found = []
    for kind in ("PNG", "JPEG", "BMP", "PPM", "GIF", "TIFF", "WEBP"):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind)
        found.append(stream.getvalue())
    stream = io.BytesIO()
    Image.fromarray(pixels[:, :, 0]).save(stream, "PNG")
    return [*found, stream.getvalue()]


def datums() -> list[bytes]:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    plain = [array_to_datum(pixels, 3), array_to_datum(pixels.astype(np.float32), -1)]
    return [d.SerializeToString() for d in [*plain, *(encoded_datum(image, 1) for image in images()[:2])]]


def idx_files() -> list[bytes]:
    """Unpacked: the reader's wrapper packs them, so that damage reaches behind the checksum."""
    head = struct.pack(">BBBB3i", 0, 0, 8, 3, 2, 4, 3)
    return [head + bytes(range(24)), struct.pack(">BBBBi", 0, 0, 8, 1, 5) + bytes(5)]


def idx_archives() -> list[bytes]:
    return [gzip.compress(content, mtime=0) for content in idx_files()]


def cifar_archives() -> list[bytes]:
    record = bytes([7]) + bytes(range(256)) * 12
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        member.size = 2 * len(record)
        tar.addfile(member, io.BytesIO(2 * record))
    return [stream.getvalue(), gzip.compress(stream.getvalue(), mtime=0)]


def hdf5_files() -> list[bytes]:
    import h5py

    found = []
    for options in ({}, {"chunks": (2, 3), "compression": "gzip"}):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file.create_dataset("data", data=np.arange(12, dtype=np.float32).reshape(4, 3), **options)
            file.create_dataset("label", data=np.arange(4, dtype=np.float32))
        found.append(stream.getvalue())
    return found


def _written(write: Callable[[Path], object], suffix: str) -> bytes:
    """What `write(path)` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{suffix}"
        write(path)
        return path.read_bytes()


def hdf5_weights() -> list[bytes]:
    arrays = {0: np.ones((2, 3), np.float32), 1: np.ones(2, np.float64)}
    layers = [LayerBlobs("data"), LayerBlobs("conv/1x1", arrays, arrays)]
    return [_written(lambda path: hdf5_snapshots.write_weights(path, layers), ".h5")]


def hdf5_states() -> list[bytes]:
    state = SolverStateData(5, "a_iter_5.caffemodel.h5", 1, [np.ones((2, 3), np.float32)] * 11)
    return [_written(lambda path: write_solverstate(path, state), ".h5")]


def safetensors() -> list[bytes]:
    blobs = [("conv", "Convolution", 0, np.ones((2, 3), np.float32)), ("p", "PReLU", 0, np.array(0.25))]
    return [_written(lambda path: safetensors_weights.write_weights(path, blobs), ".safetensors")]


def npy_means() -> list[bytes]:
    kinds = (np.float32, np.float64, np.uint8)
    return [_written(lambda path, k=kind: np.save(path, np.ones((3, 2, 2), k)), ".npy") for kind in kinds]
