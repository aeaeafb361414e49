"""Reference results of BVLC Caffe 1.0: one layer, or a small net, with its inputs, outputs and gradients.

The cases lie in the shared folder (`golden/layers/<layer>__<case>.npz`); its README tells what each holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device, resolve_device
from owlkit.core.fillers import fill
from owlkit.layers import create
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse

RELATIVE, ABSOLUTE = 1e-4, 1e-5


class Golden:
    """A case. `arrays` holds what the file holds, read-only: many tests use it."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.arrays: Mapping[str, np.ndarray] = {name: stored[name] for name in stored.files}
        for array in self.arrays.values():
            array.flags.writeable = False
        self.name = path.stem
        self.layer_type = str(self.arrays["layer_type"])
        self.phase = str(self.arrays["phase"]).lower()

    def text(self, name: str) -> str:
        return str(self.arrays[name])

    def numbered(self, role: str, suffix: str = "") -> dict[int, np.ndarray]:
        """index -> array of `<role>_<index><suffix>`."""
        found = {}
        for name, array in self.arrays.items():
            head, _, tail = (
                name.removesuffix(suffix).rpartition("_") if name.endswith(suffix) else ("", "", "")
            )
            if head == role and tail.isdigit():
                found[int(tail)] = array
        return found

    def __repr__(self) -> str:
        return f"Golden({self.name!r})"


class LayerRun:
    """The layer of a case with its blobs, outside any net; float32 unless `dtype` says otherwise."""

    def __init__(self, case: Golden, device: Device | str | None = None, dtype: str = "float32") -> None:
        self.case = case
        names = [str(n) for n in case.arrays["bottom_names"]]
        self.param = parse(case.text("layer_prototxt"), caffe_pb2.NetParameter).layer[0]
        self.layer = create(self.param, case.phase, np.random.default_rng(0))
        self.layer.dtype = dtype
        self.bottom = [Blob(case.arrays[f"bottom_{i}"].shape, dtype, n) for i, n in enumerate(names)]
        in_place = bool(case.arrays["in_place"])
        tops = [str(n) for n in case.arrays["top_names"]]
        self.top = [self.bottom[0] if in_place and i == 0 else Blob((), dtype, n) for i, n in enumerate(tops)]
        self.compared = 0
        self._device = resolve_device(device)
        self._set_up()

    def _set_up(self) -> None:
        layer = self.layer
        layer.setup(self.bottom, self.top)
        weights = [float(w) for w in self.case.arrays.get("loss_weights", [])]
        layer.loss_weights = weights or [0.0] * len(self.top)
        if self._device.filters_channels_last:
            for blob in layer.filters():
                blob.lay_channels_last()
        for blob, filler in zip(layer.blobs, layer.fillers, strict=True):
            fill(blob.data, filler, layer.rng)
        layer.param_propagate_down = [True] * len(layer.blobs)
        layer.propagate_down = [i not in layer.no_gradient for i in range(len(self.bottom))]
        layer.reshape(self.bottom, self.top)
        layer.prepare(self._device, self.bottom, self.top)

    def feed(self, step: int) -> None:
        """Write the bottoms of step `step` (0: the first)."""
        suffix = f"_step{step}" if step else ""
        for index, array in self.case.numbered("bottom", suffix).items():
            self.bottom[index].data[...] = array

    def run(self) -> None:
        """Forward for every step of the case, then backward; what is found is compared on the way."""
        case, layer = self.case, self.layer
        given = case.numbered("param")
        assert len(given) == len(layer.blobs), (
            f"Caffe has {len(given)} learned blobs, here {len(layer.blobs)}"
        )
        for index, array in given.items():
            assert layer.blobs[index].shape == array.shape, f"shape of learned blob {index}"
            layer.blobs[index].data[...] = array
        for step in range(int(case.arrays["num_steps"])):
            self.feed(step)
            layer.forward(self.bottom, self.top)
            self._compare_forward(step)
        if bool(case.arrays["has_backward"]):
            self._backward()
        assert self.compared or not self.top, "the case compares nothing"

    def _compare(self, found: np.ndarray, expected: np.ndarray, what: str) -> None:
        compare(found, expected, what)
        self.compared += 1

    def _compare_forward(self, step: int) -> None:
        suffix = f"_step{step}" if int(self.case.arrays["num_steps"]) > 1 else ""
        for index, expected in self.case.numbered("top", suffix).items():
            self._compare(self.top[index].data, expected, f"top {index}{suffix}")
        for index, expected in self.case.numbered("param_after", suffix).items():
            self._compare(
                self.layer.blobs[index].data, expected, f"learned blob {index} after forward{suffix}"
            )

    def _backward(self) -> None:
        case, layer = self.case, self.layer
        wanted = case.numbered("bottom_diff")
        for index, blob in enumerate(self.bottom):
            if index in wanted and not any(blob is top or blob.shares_diff(top) for top in self.top):
                blob.diff[...] = np.nan  # what the layer does not write is seen
        for index, array in case.numbered("top_diff").items():
            self.top[index].diff[...] = array
        for blob in layer.blobs:
            blob.clear_diff()
        layer.backward(self.top, [i in wanted for i in range(len(self.bottom))], self.bottom)
        for index, expected in wanted.items():
            self._compare(self.bottom[index].diff, expected, f"gradient of bottom {index}")
        for index, expected in case.numbered("param_diff").items():
            self._compare(layer.blobs[index].diff, expected, f"gradient of learned blob {index}")


def compare(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Equal shapes, and values within the tolerance of float32."""
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, Caffe's is {expected.shape}"
    np.testing.assert_allclose(found, expected, RELATIVE, ABSOLUTE, err_msg=what)


def run_net(case: Golden, net: Any) -> None:
    """Feed a net (built from the case's prototxt), run it both ways and compare every blob."""
    arrays = case.arrays
    for name, array in _under(arrays, "param/").items():
        layer, index = name.rsplit("/", 1)
        net.params[layer][int(index)].data[...] = array
    net.forward(**_under(arrays, "in/"))
    for name, expected in _under(arrays, "blob/").items():
        compare(net.blobs[name].data, expected, f"blob {name}")
    if not bool(arrays["has_backward"]):
        return
    for name, array in _under(arrays, "top_diff/").items():
        net.blobs[name].diff[...] = array
    net.clear_param_diffs()
    net.backward()
    ignored = {str(name) for name in arrays["not_overwritten"]}
    for name, expected in _under(arrays, "blob_diff/").items():
        if name not in ignored:
            compare(net.blobs[name].diff, expected, f"gradient of blob {name}")
    for name, expected in _under(arrays, "param_diff/").items():
        layer, index = name.rsplit("/", 1)
        compare(net.params[layer][int(index)].diff, expected, f"gradient of {name}")


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


@cache
def cases(folder: Path, *, nets: bool = False) -> tuple[Golden, ...]:
    """The layer cases in `folder`, or its nets, by name."""
    paths = sorted(folder.glob("*.npz"))
    return tuple(Golden(path) for path in paths if path.name.startswith("net__") == nets)
