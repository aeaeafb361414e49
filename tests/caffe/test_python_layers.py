"""Layers written for pycaffe, `class MyLayer(caffe.Layer)` in a module that the prototxt names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from tests.caffe.nets import write

# The module imports caffe: nothing but the making of the net makes that work.
MODULE = """
import numpy as np
import caffe


class Scaled(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)
        self.calls = []

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.calls.append("forward")
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.factor * top[0].diff

    def set_factor(self, factor):
        self.factor = factor


class Distance(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("two bottoms are needed")

    def reshape(self, bottom, top):
        self.difference = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = (self.difference ** 2).sum() / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for index, sign in ((0, 1), (1, -1)):
            if propagate_down[index]:
                bottom[index].diff[...] = sign * self.difference / bottom[index].num


class Learned(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data[0] * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[0] = 1


class Phase(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase


class Broken(caffe.Layer):
    def setup(self, bottom, top):
        raise RuntimeError("on purpose")
"""

INPUT = """force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
"""


def python(layer: str, bottom: str = 'bottom: "data"', param: str = "") -> str:
    return (
        f'layer {{ name: "{layer}" type: "Python" {bottom} top: "{layer}" '
        f'python_param {{ module: "owl_test_layers" layer: "{layer}" param_str: "{param}" }} }}\n'
    )


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write(tmp_path, MODULE, "owl_test_layers.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("owl_test_layers", None)
    caffe.uninstall()


def test_a_layer_of_pycaffe_runs_forward_and_backward(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, INPUT + python("Scaled", param="10")), caffe.TRAIN)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(net.forward(data=x)["Scaled"], 10 * x, rtol=1e-6)
    np.testing.assert_allclose(net.backward(Scaled=x)["data"], 10 * x, rtol=1e-6)
    net.blobs["data"].reshape(4, 4, 4, 4)
    assert net.forward()["Scaled"].shape == (4, 4, 4, 4)


def test_a_net_hands_out_the_users_own_object(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, INPUT + python("Scaled", param="1")), caffe.TRAIN)
    layer = net.layers[1]
    assert type(layer).__name__ == "Scaled"
    assert isinstance(layer, caffe.Layer)
    assert layer is net.layer_dict["Scaled"]
    assert layer.type == "Python"
    layer.set_factor(3)
    net.forward(data=np.ones((2, 3, 4, 5)))
    assert (net.blobs["Scaled"].data == 3).all()
    assert layer.calls == ["forward"]


def test_a_loss_in_python_trains(tmp_path: Path) -> None:
    text = """
    layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 8 dim: 3 }
      data_filler { type: "gaussian" std: 1 } } }
    layer { name: "t" type: "DummyData" top: "t" dummy_data_param { shape { dim: 8 dim: 2 }
      data_filler { type: "constant" value: 1 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
      inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    """ + python("Distance", 'bottom: "ip" bottom: "t"').replace(
        "python_param", "loss_weight: 1 python_param"
    )
    model = write(tmp_path, text)
    file = write(tmp_path, f'net: "{model}" base_lr: 0.2 lr_policy: "fixed" max_iter: 60', "solver.prototxt")
    solver = caffe.SGDSolver(file)
    solver.step(1)
    first = float(solver.net.blobs["Distance"].data[0])
    solver.step(59)
    assert float(solver.net.blobs["Distance"].data[0]) < 0.05 * first
    np.testing.assert_allclose(solver.net.params["ip"][1].data, 1, atol=0.1)


def test_learned_blobs_are_saved_and_loaded(tmp_path: Path) -> None:
    model = write(tmp_path, INPUT + python("Learned"))
    net = caffe.Net(model, caffe.TRAIN)
    assert net.params["Learned"][0].data.tolist() == [2]
    assert net.layers[1].blobs[0].data.tolist() == [2]
    net.forward()
    net.backward()
    assert net.params["Learned"][0].diff.tolist() == [1]
    net.params["Learned"][0].data[0] = 5
    net.save(str(tmp_path / "w.caffemodel"))
    again = caffe.Net(model, str(tmp_path / "w.caffemodel"), caffe.TEST)
    assert again.layers[1].blobs[0].data.tolist() == [5]


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_a_layer_knows_its_phase(tmp_path: Path, phase: int) -> None:
    net = caffe.Net(write(tmp_path, python("Phase", "")), phase)
    assert net.forward()["Phase"] == phase


def test_what_a_layer_raises_comes_through_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        caffe.Net(write(tmp_path, INPUT + python("Broken")), caffe.TEST)
    assert "caffe" in sys.modules  # the module did import it


def test_a_layer_of_a_notebook_needs_no_module_file(tmp_path: Path) -> None:
    """A class in __main__, named by `module: "__main__"`, as notebooks had it."""
    script = """
import owlkit.caffe as caffe

class Double(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top): top[0].data[...] = 2 * bottom[0].data

net = caffe.Net("net.prototxt", caffe.TEST)
net.blobs["data"].data[...] = 4
print(net.forward()["Double"].max())
"""
    write(tmp_path, INPUT + python("Double").replace("owl_test_layers", "__main__"))
    write(tmp_path, script, "script.py")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "8.0\n", done.stderr


def test_the_alias_is_gone_where_no_layer_wanted_it(tmp_path: Path) -> None:
    caffe.Net(write(tmp_path, INPUT), caffe.TEST)
    assert "caffe" not in sys.modules
