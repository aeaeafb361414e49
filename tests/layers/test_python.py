"""Python layers: pycaffe's classes run unchanged, and their errors are the user's."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import NetError
from owlkit.layers.python import NAMED, PythonLayer
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from owlkit.spec import L, NetSpec


@pytest.fixture(autouse=True)
def _forget_names() -> Iterator[None]:
    before = dict(NAMED)
    yield
    NAMED.clear()
    NAMED.update(before)


def definition(body: str, shape: str = "dim: 2 dim: 3") -> Any:
    head = f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}'
    return text.parse(f"{head} {body}", caffe_pb2.NetParameter)


def python(layer: str, fields: str = "", param: str = "") -> str:
    """One Python layer from x to y."""
    return (
        f'layer {{ name: "user" type: "Python" bottom: "x" top: "y" {fields} '
        f'python_param {{ layer: "{layer}" {param} }} }}'
    )


# Caffe's own example of examples/pycaffe/layers/pyloss.py, in our words.
class EuclideanLossLayer(PythonLayer):
    def setup(self, bottom: Any, top: Any) -> None:
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom: Any, top: Any) -> None:
        if bottom[0].count != bottom[1].count:
            raise Exception("Inputs must have the same dimension.")
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom: Any, top: Any) -> None:
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.0

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        for i in range(2):
            if not propagate_down[i]:
                continue
            sign = 1 if i == 0 else -1
            bottom[i].diff[...] = sign * self.diff / bottom[i].num


def loss_net(loss: str, shape: str) -> Net:
    body = f"""
        layer {{ name: "z" type: "Input" top: "z" input_param {{ shape {{ {shape} }} }} }}
        layer {{ name: "s" type: "Scale" bottom: "x" top: "s" scale_param {{ filler {{ value: 0.5 }} }} }}
        layer {{ name: "loss" {loss} bottom: "s" bottom: "z" top: "loss" loss_weight: 1 }}
        force_backward: true"""
    return Net(definition(body, shape), phase="train")


@pytest.mark.parametrize("shape", ["dim: 4 dim: 3", "dim: 4 dim: 3 dim: 5 dim: 2"])
def test_pycaffes_example_loss_equals_the_built_in_one(shape: str) -> None:
    owlkit.layer(EuclideanLossLayer)
    loss = 'type: "Python" python_param { layer: "EuclideanLossLayer" }'
    nets = [loss_net(kind, shape) for kind in (loss, 'type: "EuclideanLoss"')]
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(nets[0].blobs[name].shape) for name in ("x", "z")}
    for net in nets:
        net.forward(**arrays)
        net.backward()
    ours, theirs = nets
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
    for name in ("x", "z"):
        np.testing.assert_allclose(ours.blobs[name].diff, theirs.blobs[name].diff, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.params["s"][0].diff, theirs.params["s"][0].diff, rtol=1e-5)


def test_param_str_phase_and_arguments_of_pycaffe() -> None:
    seen: list[Any] = []

    @owlkit.layer
    class Told(PythonLayer):
        def __init__(self, p_object: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(p_object, *args, **kwargs)
            seen.append(p_object.name)

        def setup(self, bottom: Any, top: Any) -> None:
            seen.append((self.param_str, self.phase, len(bottom), len(top)))

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] = bottom[0].data

    for phase in ("train", "test"):
        Net(definition(python("Told", param='param_str: "k=3"')), phase=phase)
    assert seen == ["user", ("k=3", 0, 1, 1), "user", ("k=3", 1, 1, 1)]


def test_views_of_images_can_be_written_as_in_caffe() -> None:
    """Blobs lie channels-last in memory; a flat view of `data` must still write through."""

    @owlkit.layer
    class Flat:
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].data.shape)

        def forward(self, bottom: Any, top: Any) -> None:
            assert bottom[0].data.flags.c_contiguous
            top[0].data.reshape(-1)[...] = 2 * bottom[0].data.ravel()

        def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
            bottom[0].diff.reshape(-1)[...] = 2 * top[0].diff.ravel()

    net = Net(
        definition(python("Flat", "loss_weight: 1") + "force_backward: true", "dim: 2 dim: 3 dim: 4 dim: 5")
    )
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
    assert np.array_equal(net.forward(x=x)["y"], 2 * x)
    net.backward()
    assert (net.blobs["x"].diff == 2).all()


def test_arrays_may_be_assigned_to() -> None:
    @owlkit.layer
    class Assigning(PythonLayer):
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data = bottom[0].data
            top[0].data += 1

    net = Net(definition(python("Assigning"), "dim: 2 dim: 3 dim: 4 dim: 5"))
    x = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
    np.testing.assert_array_equal(net.forward(x=x)["y"], x + 1)


def test_in_place() -> None:
    @owlkit.layer
    class Increment:
        def reshape(self, bottom: Any, top: Any) -> None:
            assert bottom[0] is top[0]

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] += 1

    net = Net(definition(python("Increment").replace('"y"', '"x"')))
    assert net.forward(x=np.zeros((2, 3)))["x"].tolist() == [[1] * 3] * 2


@owlkit.layer
class Weighted(PythonLayer):
    """y = w * x, w : as many as x has columns."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.blobs.add_blob(bottom[0].shape[1])
        self.blobs[0].data[...] = np.arange(1, 1 + bottom[0].shape[1])

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data * self.blobs[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum(0)
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * self.blobs[0].data


def test_learned_blobs(tmp_path: Path) -> None:
    body = python("Weighted", "loss_weight: 1 param { lr_mult: 2 }")
    net = Net(definition(body), phase="train", seed=0)
    x = np.arange(6.0).reshape(2, 3)
    assert net.params["user"][0].data.tolist() == [1, 2, 3]  # as its setup wrote them
    assert np.array_equal(net.forward(x=x)["y"], x * [1, 2, 3])
    for times in (1, 2):  # gradients add up
        net.backward()
        assert net.params["user"][0].diff.tolist() == [times * n for n in (3, 5, 7)]
    net.clear_param_diffs()
    net.backward()
    assert net.params["user"][0].diff.tolist() == [3, 5, 7]
    net.params["user"][0].data[...] = 5
    net.save(tmp_path / "w.caffemodel")
    again = Net(definition(body), weights=tmp_path / "w.caffemodel")
    assert again.params["user"][0].data.tolist() == [5, 5, 5]


def test_add_blob_after_setup_is_refused() -> None:
    @owlkit.layer
    class Late(PythonLayer):
        def reshape(self, bottom: Any, top: Any) -> None:
            self.blobs.add_blob(2)

        def forward(self, bottom: Any, top: Any) -> None: ...

    with pytest.raises(NetError, match=r"user \(Python\): blobs.add_blob works in setup only"):
        Net(definition(python("Late")))


@owlkit.layer
class Rows:
    """Keeps the first rows, as many as x[0, 0] says, in `how`: reshape or forward."""

    how = "reshape"

    def setup(self, bottom: Any, top: Any) -> None:
        self.how = self.param_str or self.how  # type: ignore[attr-defined]

    def _resize(self, bottom: Any, top: Any) -> None:
        rows = int(bottom[0].data.flat[0]) or bottom[0].num
        top[0].reshape(rows, *bottom[0].shape[1:])

    def reshape(self, bottom: Any, top: Any) -> None:
        if self.how == "reshape" or top[0].count == 0:
            self._resize(bottom, top)

    def forward(self, bottom: Any, top: Any) -> None:
        if self.how == "forward":
            self._resize(bottom, top)
        top[0].data[...] = bottom[0].data[: top[0].num]

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        bottom[0].diff[...] = 0
        bottom[0].diff[: top[0].num] = top[0].diff


AROUND = """
layer { name: "conv" type: "Convolution" bottom: "y" top: "c" convolution_param { num_output: 2 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
layer { name: "pool" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "p" top: "ip" loss_weight: 1
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("how", ["reshape", "forward"])
def test_tops_may_change_their_shape_and_the_rest_follows(how: str, fuse: bool) -> None:
    before = 'layer { name: "drop" type: "Dropout" bottom: "x" top: "d" }'
    rows = python("Rows", param=f'param_str: "{how}"').replace('bottom: "x"', 'bottom: "d"')
    options: dict[str, Any] = {"phase": "train", "seed": 1, "fuse": fuse}
    shape = "dim: 4 dim: 3 dim: 6 dim: 6"
    head = definition(before + rows + AROUND + "force_backward: true", shape)
    head.layer[1].dropout_param.dropout_ratio = 0
    net = Net(head, **options)
    plain = definition(AROUND + "force_backward: true", shape)
    plain.layer[0].top[0] = plain.layer[0].name = "y"
    rng = np.random.default_rng(0)
    net.forward()
    for count in (4, 2, 2, 3, 1, 4):
        x = rng.standard_normal((4, 3, 6, 6)).astype(np.float32)
        x[0, 0, 0, 0] = count
        del plain.layer[0].input_param.shape[0].dim[:]
        plain.layer[0].input_param.shape[0].dim.extend((count, 3, 6, 6))
        other = Net(plain, **options)
        other.copy_from(net.to_proto())
        found, expected = net.forward(x=x)["ip"].copy(), other.forward(y=x[:count])["ip"]
        assert net.loss == pytest.approx(other.loss, rel=1e-5)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        net.clear_param_diffs()
        net.backward()
        other.backward()
        for name in ("conv", "ip"):
            np.testing.assert_allclose(
                net.params[name][0].diff, other.params[name][0].diff, rtol=1e-4, atol=1e-6
            )
        np.testing.assert_allclose(net.blobs["x"].diff[:count], other.blobs["y"].diff, rtol=1e-4, atol=1e-6)
        assert not net.blobs["x"].diff[count:].any()


def test_stepping_through_follows_new_shapes_too() -> None:
    net = Net(definition(python("Rows") + AROUND, "dim: 4 dim: 3 dim: 6 dim: 6"))
    net.forward()
    net.blobs["x"].data[0, 0, 0, 0] = 2
    net.forward(end="user")
    assert net.blobs["c"].shape == (2, 2, 4, 4)
    assert net.forward(start="conv", end="relu")["c"].shape == (2, 2, 4, 4)
    assert len(net.plan.profile(1)) == len(net.plan.steps)


def test_what_follows_may_refuse_and_the_net_goes_on() -> None:
    body = python("Rows") + AROUND.replace('bottom: "p" top: "ip"', 'bottom: "r" top: "ip"')
    shaped = (
        'layer { name: "r" type: "Reshape" bottom: "p" top: "r" reshape_param { shape { dim: 2 dim: -1 } } }'
    )
    net = Net(
        definition(
            body.replace('layer { name: "ip"', shaped + 'layer { name: "ip"'), "dim: 4 dim: 3 dim: 6 dim: 6"
        )
    )
    expected = net.forward(x=np.full((4, 3, 6, 6), 4.0))["ip"].copy()
    with pytest.raises(NetError, match=r"ip .InnerProduct.: its weights"):
        net.forward(x=np.ones((4, 3, 6, 6)))
    assert np.array_equal(net.forward(x=np.full((4, 3, 6, 6), 4.0))["ip"], expected)


def test_an_error_has_the_users_traceback_and_the_layers_name() -> None:
    class Own(Exception):
        pass

    @owlkit.layer
    class Fails(PythonLayer):
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            if bottom[0].data[0, 0] < 0:
                raise Own("negative")
            top[0].data[...] = bottom[0].data

    net = Net(definition(python("Fails")))
    with pytest.raises(Own, match="negative") as caught:
        net.forward(x=np.full((2, 3), -1.0))
    shown = "".join(traceback.format_exception(caught.value))
    assert 'raise Own("negative")' in shown
    assert "in forward of layer 'user' (Python)" in shown
    assert net.forward(x=np.ones((2, 3)))["y"].tolist() == [[1] * 3] * 2


def test_an_error_in_setup_names_the_layer() -> None:
    @owlkit.layer
    class Fails(PythonLayer):
        def setup(self, bottom: Any, top: Any) -> None:
            raise KeyError("missing")

        def reshape(self, bottom: Any, top: Any) -> None: ...
        def forward(self, bottom: Any, top: Any) -> None: ...

    with pytest.raises(KeyError, match="missing") as caught:
        Net(definition(python("Fails")))
    assert caught.value.__notes__ == ["in setup of Python layer 'user' (Fails)"]


MODULE = """
from owlkit import PythonLayer
class Times(PythonLayer):
    def setup(self, bottom, top):
        from {name}_helper import FACTOR
        self.factor = FACTOR
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data
"""


def test_a_module_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    (tmp_path / "owlkit_times.py").write_text(MODULE.format(name="owlkit_times"))
    (tmp_path / "owlkit_times_helper.py").write_text("FACTOR = 3")
    path = list(sys.path)
    net = Net(definition(python("Times", param='module: "owlkit_times"')))
    assert net.forward(x=np.ones((2, 3)))["y"].max() == 3
    assert sys.path == path
    sys.modules["owlkit_times"].tim = 3  # type: ignore[attr-defined]
    with pytest.raises(NetError, match=r"no class 'Tim'.*did you mean 'Times'"):  # not the number
        Net(definition(python("Tim", param='module: "owlkit_times"')))


def test_a_class_is_redefined_by_running_its_cell_again() -> None:
    def cell(factor: int) -> None:
        @owlkit.layer(name="Multiply")
        class Any_:
            def reshape(self, bottom: Any, top: Any) -> None:
                top[0].reshape(*bottom[0].shape)

            def forward(self, bottom: Any, top: Any) -> None:
                top[0].data[...] = factor * bottom[0].data

    spec = NetSpec()
    spec.x = L.Input(shape=dict(dim=[2]))
    spec.y = L.Python(spec.x, layer="Multiply")
    nets = []
    for factor in (2, 3):
        cell(factor)
        nets.append(Net(spec))
    assert [net.forward(x=np.ones(2))["y"].tolist() for net in nets] == [[2, 2], [3, 3]]


@pytest.mark.parametrize(
    ("layer", "param", "message"),
    [
        ("", "", r"user \(Python\): python_param has no layer"),
        ("Weighed", "", "no class 'Weighed' is decorated.*did you mean 'Weighted'.*run the cell"),
        ("X", 'module: "no_such_module_anywhere"', "no module 'no_such_module_anywhere' on sys.path or in "),
        ("dumps", 'module: "json"', "'dumps' is no layer: it lacks reshape, forward"),
    ],
)
def test_what_cannot_be_found_is_named(layer: str, param: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        Net(definition(python(layer, param=param)))


def test_only_classes_are_decorated() -> None:
    with pytest.raises(TypeError, match="decorates a class"):
        owlkit.layer(len)  # type: ignore[type-var]
