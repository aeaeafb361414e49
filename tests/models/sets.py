"""Records, labels and mean files of the right shape where published definitions expect them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from owlkit import proto
from owlkit.io.mean import write_mean
from owlkit.proto import caffe_pb2
from owlkit.proto.rules import filter_net
from tests.support.sets import random_images, write_set

# First word of a set's folder -> (C, H, W) of its records, as Caffe's examples make them.
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "ilsvrc12": (3, 256, 256)}
RECORDS = 4


def layer_types(definition: Any, phase: str) -> set[str]:
    return {layer.type for layer in filter_net(proto.net_param(definition), phase).layer}


def lay_out(definition: Any, folder: Path) -> None:
    """Write what the data layers of a definition read, relative to `folder`; RECORDS images each."""
    for layer in proto.net_param(definition).layer:
        if layer.type in _WRITERS:
            _WRITERS[layer.type](layer, folder)
        if layer.transform_param.mean_file:
            mean = folder / layer.transform_param.mean_file
            mean.parent.mkdir(parents=True, exist_ok=True)
            source = layer.data_param.source
            shape = SHAPES[Path(source).name.partition("_")[0]] if source else SHAPES["ilsvrc12"]
            write_mean(mean, np.full(shape, 120, np.float32))


def _records(layer: Any, folder: Path) -> None:
    source = folder / layer.data_param.source
    if layer.data_param.backend != caffe_pb2.DataParameter.LMDB or source.exists():
        return
    source.parent.mkdir(parents=True, exist_ok=True)
    shape = SHAPES[source.name.partition("_")[0]]
    write_set(source, random_images(RECORDS, shape), list(range(RECORDS)))


def _photograph(path: Path) -> Path:
    """A colour image of 256 x 256 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = random_images(1, (3, 256, 256))[0].transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    return path


def _images(layer: Any, folder: Path) -> None:
    source = folder / layer.image_data_param.source
    image = _photograph(source.parent / "image.png")
    source.write_text("".join(f"{image} {label}\n" for label in range(RECORDS)))


def _windows(layer: Any, folder: Path) -> None:
    """One image with an object, a window half over it and one beside it."""
    source = folder / layer.window_data_param.source
    image = _photograph(source.parent / "image.png")
    windows = "1 1.0 20 20 119 119\n1 0.6 30 30 149 149\n0 0.0 150 150 249 249\n"
    source.write_text(f"# 0\n{image}\n3\n256\n256\n3\n{windows}")


def _hdf5(layer: Any, folder: Path) -> None:
    """Four features and a label, as Caffe's example makes them."""
    import h5py

    source = folder / layer.hdf5_data_param.source
    source.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(source.with_suffix(".h5"), "w") as file:
        file["data"] = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
        file["label"] = (np.arange(20) % 2).astype(np.float32)
    source.write_text(f"{source.with_suffix('.h5')}\n")


def _module(layer: Any, folder: Path) -> None:
    """The loss that Caffe's example writes in Python, in our words."""
    (folder / f"{layer.python_param.module}.py").write_text(
        f"""
from owlkit import PythonLayer

class {layer.python_param.layer}(PythonLayer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference = bottom[0].data - bottom[1].data
        top[0].data[...] = (self.difference ** 2).sum() / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for sign, blob in zip((1, -1), bottom):
            blob.diff[...] = sign * self.difference / blob.num
"""
    )


_WRITERS = {
    "Data": _records,
    "ImageData": _images,
    "WindowData": _windows,
    "HDF5Data": _hdf5,
    "Python": _module,
}
