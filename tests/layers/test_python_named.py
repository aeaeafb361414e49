"""Layers defined in a cell: types of their own, replaced when the cell runs again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.device import Device
from owlkit.core.errors import NetError
from owlkit.layers.base import NAMED
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from owlkit.spec import L, NetSpec, SpecError, UnknownTypeError


@pytest.fixture(autouse=True)
def _forget_names() -> Iterator[None]:
    before = dict(NAMED)
    yield
    NAMED.clear()
    NAMED.update(before)


def cell(factor: float) -> type:
    """What a notebook cell does that defines a layer."""

    @owlkit.layer
    class Times:
        """y = factor * x."""

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] = factor * bottom[0].data

        def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
            bottom[0].diff[...] = factor * top[0].diff

    return Times


def spec() -> NetSpec:
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3]))
    n.y = L.Times(n.x, loss_weight=1)
    return n


PROTOTXT = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "y" type: "Times" bottom: "x" top: "y" }
"""


def test_the_next_cell_uses_it_by_name() -> None:
    cell(2)
    n = spec()
    assert [layer.type for layer in n.to_proto().layer] == ["Input", "Times"]
    assert Net(n).forward(x=np.ones((2, 3)))["y"].tolist() == [[2] * 3] * 2
    assert "Times" in dir(L)
    assert "y = factor * x." in L.Times.__doc__


def test_a_prototxt_uses_it_by_type() -> None:
    cell(2)
    net = Net(text.parse(PROTOTXT, caffe_pb2.NetParameter))
    assert net.forward(x=np.ones((2, 3)))["y"].max() == 2
    assert repr(net.layer_dict["y"]) == "Times('y')"


def test_the_class_itself_stays_as_it_is_and_may_be_used_by_type_python() -> None:
    cls = cell(2)
    assert cls.__name__ == "Times"
    assert "forward" in vars(cls)
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2]))
    n.y = L.Python(n.x, layer="Times")
    assert Net(n).forward(x=np.ones(2))["y"].tolist() == [2, 2]


def test_running_the_cell_again_changes_new_nets_and_leaves_old_ones() -> None:
    cell(2)
    n = spec()
    old = Net(n, phase="train")
    cell(5)
    new = Net(n, phase="train")
    x = np.ones((2, 3))
    for net, factor in ((old, 2), (new, 5)):
        assert net.forward(x=x)["y"].max() == factor
        net.reshape()
        assert net.forward(x=x)["y"].max() == factor


@pytest.mark.parametrize("way", ["Times", "Python"])
def test_a_check_of_an_old_net_does_not_check_the_new_class(way: str) -> None:
    cell(2)
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3]))
    n.y = L.Times(n.x) if way == "Times" else L.Python(n.x, layer="Times")
    old = Net(n)
    assert owlkit.check_gradients(old).ok
    cell(5)
    assert owlkit.check_gradients(Net(n)).ok
    with pytest.raises(NetError, match=r"y \(\w+\): its class was defined again.*build the net again"):
        owlkit.check_gradients(old)


def test_parameters_reach_the_class_as_param_str() -> None:
    @owlkit.layer
    class Power2:
        def setup(self, bottom: Any, top: Any) -> None:
            self.power = int(self.param_str)  # type: ignore[attr-defined]
            assert self.param_str_ == self.param_str  # type: ignore[attr-defined]

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] = bottom[0].data ** self.power

    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2]))
    n.y = L.Power2(n.x, param_str="3")
    assert Net(n).forward(x=[2, 3])["y"].tolist() == [8, 27]
    with pytest.raises(SpecError, match=r"Power2 has no parameter 'param_st' .did you mean 'param_str'"):
        L.Power2(n.x, param_st="3")


def test_misspelt_names_are_refused_with_the_users_own_among_the_suggestions() -> None:
    cell(2)
    with pytest.raises(UnknownTypeError, match=r"no layer type is called 'Timse' .did you mean 'Times'"):
        L.Timse
    with pytest.raises(NetError, match=r"no layer type 'Timse' .did you mean 'Times'.*run the cell"):
        Net(text.parse(PROTOTXT.replace("Times", "Timse"), caffe_pb2.NetParameter))


def test_a_name_of_caffes_is_refused() -> None:
    with pytest.raises(NetError, match=r"'ReLU' is a layer type of Caffe's.*name='MyReLU'"):

        @owlkit.layer
        class ReLU: ...

    assert L.ReLU.__doc__.startswith("ReLU layer")
    assert "ReLU" not in NAMED


def test_what_is_no_layer_is_told_when_a_net_is_made_of_it() -> None:
    @owlkit.layer
    class Half:
        def reshape(self, bottom: Any, top: Any) -> None: ...

    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2]))
    n.y = L.Half(n.x)
    with pytest.raises(NetError, match=r"y \(Half\): 'Half' is no layer: it lacks forward"):
        Net(n)


@pytest.mark.parametrize(("param", "what"), [('layer: "Other"', "layer"), ('module: "json"', "module")])
def test_a_type_of_its_own_takes_no_other_class(param: str, what: str) -> None:
    cell(2)
    body = PROTOTXT.replace('top: "y" }', f'top: "y" python_param {{ {param} }} }}')
    with pytest.raises(NetError, match=rf"y \(Times\): this type is the class 'Times'; remove .*{what}"):
        Net(text.parse(body, caffe_pb2.NetParameter))


def test_an_error_names_the_layer() -> None:
    @owlkit.layer
    class Fails:
        def reshape(self, bottom: Any, top: Any) -> None:
            raise ValueError("too long")

        def forward(self, bottom: Any, top: Any) -> None: ...

    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2]))
    n.y = L.Fails(n.x)
    with pytest.raises(ValueError, match="too long") as caught:
        Net(n)
    assert caught.value.__notes__ == ["in reshape of Python layer 'y' (Fails)"]


class Recorded(np.ndarray):
    """Stands for another library's array over the same memory."""


class OtherDevice(Device):
    """A CPU that hands out arrays of its own."""

    def __init__(self) -> None:
        super().__init__("other", ("reference",))
        self.entered = False

    def array(self, blob: Any, role: str) -> Any:
        assert self.entered, "an array for work that is in no order"
        return getattr(blob, role).view(Recorded)

    @contextmanager
    def in_order(self) -> Iterator[None]:
        self.entered = True
        yield
        self.entered = False


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("dims", [(2, 3), (2, 3, 4, 5)])
def test_device_arrays(wanted: bool, dims: tuple[int, ...]) -> None:
    """The device's own arrays in forward and backward where the class asks for them; NumPy's otherwise."""
    seen = []

    @owlkit.layer
    class Squared:
        device_arrays = wanted

        def setup(self, bottom: Any, top: Any) -> None:
            self.blobs.add_blob(1)  # type: ignore[attr-defined]

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            blobs = self.blobs  # type: ignore[attr-defined]
            seen.extend(type(array) for array in (bottom[0].data, top[0].data, blobs[0].data))
            assert bottom[0].data.flags.c_contiguous
            top[0].data[...] = bottom[0].data ** 2

        def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
            seen.append(type(bottom[0].diff))
            bottom[0].diff[...] = 2 * bottom[0].data * top[0].diff

    n = NetSpec(force_backward=True)
    n.x = L.Input(shape=dict(dim=dims))
    n.y = L.Squared(n.x, loss_weight=1)
    x = np.random.default_rng(0).standard_normal(dims).astype(np.float32)
    for device, kind in ((OtherDevice(), Recorded if wanted else np.ndarray), ("cpu", np.ndarray)):
        net = Net(n, phase="train", device=device)
        seen.clear()
        np.testing.assert_array_equal(net.forward(x=x)["y"], x**2)
        net.backward()
        np.testing.assert_array_equal(net.blobs["x"].diff, 2 * x)
        assert seen == [kind] * 4
