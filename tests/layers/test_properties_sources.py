"""No option of a layer that needs files, arrays or a class is ignored: the layer looks at every one of them.

For the other types test_properties_ignored.py shows what each option changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import owlkit
from owlkit.core.blob import Blob
from owlkit.core.device import resolve_device
from owlkit.core.errors import NetError
from owlkit.layers import LAYERS
from owlkit.proto import caffe_pb2, text
from tests.support.sets import random_images, write_set

#: (type, field) -> why nothing looks at it.
CHANGES_NOTHING = {("Python", "share_in_parallel"): "one process runs one copy of the layer"}


class Watched:
    """A message that notes which fields are looked at."""

    def __init__(self, message: Any, seen: set[str], path: str = "") -> None:
        self.message, self.seen, self.path = message, seen, path

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.message, name)
        if name not in self.message.DESCRIPTOR.fields_by_name:
            return value
        self.seen.add(self.path + name)
        nested = self.message.DESCRIPTOR.fields_by_name[name]
        if nested.message_type is None or nested.is_repeated:
            return value
        return Watched(value, self.seen, f"{self.path}{name}.")

    def HasField(self, name: str) -> bool:
        self.seen.add(self.path + name)
        return bool(self.message.HasField(name))


def _data(folder: Path) -> str:
    write_set(folder / "set", random_images(4), [0, 1, 2, 3])
    return f'data_param {{ source: "{folder}/set" batch_size: 2 backend: LMDB }}'


def _image(folder: Path) -> None:
    Image.fromarray(random_images(1, (20, 30, 3))[0]).save(folder / "a.png")


def _image_data(folder: Path) -> str:
    _image(folder)
    (folder / "list").write_text("a.png 0\n")
    return f'image_data_param {{ source: "{folder}/list" root_folder: "{folder}/" batch_size: 1 }}'


def _window_data(folder: Path) -> str:
    _image(folder)
    windows = "1 1.0 2 3 11 12\n0 0.0 5 5 20 15\n"
    (folder / "windows").write_text(f"# 0\na.png\n3\n20\n30\n2\n{windows}")
    source = f'source: "{folder}/windows" root_folder: "{folder}/" batch_size: 4'
    return f"window_data_param {{ {source} }} transform_param {{ crop_size: 8 }}"


def _hdf5_data(folder: Path) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "a.h5", "w") as file:
        file["t0"], file["t1"] = np.ones((3, 2)), np.ones(3)
    (folder / "list").write_text(f"{folder}/a.h5\n")
    return f'hdf5_data_param {{ source: "{folder}/list" batch_size: 2 }}'


def _hdf5_output(folder: Path) -> str:
    pytest.importorskip("h5py")
    return f'hdf5_output_param {{ file_name: "{folder}/out.h5" }}'


def _memory_data(folder: Path) -> str:
    return "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }"


def _python(folder: Path) -> str:
    @owlkit.layer(name="LooksAtItsText")
    class _Looks:
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(len(self.param_str))  # type: ignore[attr-defined]

        def forward(self, bottom: Any, top: Any) -> None: ...

    return 'python_param { layer: "LooksAtItsText" param_str: "abc" }'


# type -> (fields of the layer, number of bottoms, of tops, messages of its options)
SOURCES: dict[str, tuple[Callable[[Path], str], int, int, tuple[str, ...]]] = {
    "Data": (_data, 0, 2, ("data_param", "transform_param")),
    "HDF5Data": (_hdf5_data, 0, 2, ("hdf5_data_param",)),
    "HDF5Output": (_hdf5_output, 2, 0, ("hdf5_output_param",)),
    "ImageData": (_image_data, 0, 2, ("image_data_param", "transform_param")),
    "MemoryData": (_memory_data, 0, 2, ("memory_data_param", "transform_param")),
    "Python": (_python, 0, 1, ("python_param",)),
    "WindowData": (_window_data, 0, 2, ("window_data_param", "transform_param")),
}


def looked_at(type_: str, folder: Path) -> set[str]:
    """The fields that a layer reads when it is set up and made ready."""
    fields, bottoms, tops, _ = SOURCES[type_]
    param = text.parse(f'name: "l" type: "{type_}" {fields(folder)}', caffe_pb2.LayerParameter)
    layer = LAYERS[type_](param, "train", np.random.default_rng(0))
    seen: set[str] = set()
    layer.param = Watched(param, seen)
    bottom = [Blob((2, 3), "float32", f"b{i}") for i in range(bottoms)]
    top = [Blob((), "float32", f"t{i}") for i in range(tops)]
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    layer.prepare(resolve_device(None), bottom, top)
    return seen


@pytest.mark.parametrize("type_", SOURCES)
def test_every_option_is_looked_at(type_: str, tmp_path: Path) -> None:
    seen = looked_at(type_, tmp_path)
    ignored = set()
    for message in SOURCES[type_][-1]:
        for name in getattr(caffe_pb2.LayerParameter(), message).DESCRIPTOR.fields_by_name:
            if f"{message}.{name}" not in seen:
                ignored.add(name)
    excused = {name for of, name in CHANGES_NOTHING if of == type_}
    assert ignored == excused
    assert all(name in str(LAYERS[type_].__doc__) for name in excused)


def test_an_option_that_nobody_looks_at_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(LAYERS["HDF5Output"]):  # type: ignore[misc]
        def setup(self, bottom: Any, top: Any) -> None:
            self.param = caffe_pb2.LayerParameter()

    monkeypatch.setitem(LAYERS, "HDF5Output", Deaf)
    assert "hdf5_output_param.file_name" not in looked_at("HDF5Output", tmp_path)


@pytest.mark.parametrize("type_", ["Data", "ImageData", "WindowData"])
@pytest.mark.parametrize("option", ["scale: 0.5", 'mean_file: "m"', "crop_size: 3", "mirror: true"])
def test_what_has_moved_to_transform_param_is_refused(type_: str, option: str, tmp_path: Path) -> None:
    fields = SOURCES[type_][0](tmp_path).replace("source:", f"{option} source:")
    param = text.parse(f'name: "l" type: "{type_}" {fields}', caffe_pb2.LayerParameter)
    with pytest.raises(NetError, match=rf"l \({type_}\): .*{option.split(':')[0]} has no effect"):
        LAYERS[type_](param, "train").setup([], [Blob(), Blob()])
