"""The kinds of layers that people wrote for pycaffe, as they wrote them, and what goes wrong in them."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import NetError
from owlkit.layers.base import NAMED
from owlkit.layers.python import PythonLayer
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from owlkit.spec import L, NetSpec


@pytest.fixture(autouse=True)
def _forget_names() -> Iterator[None]:
    before = dict(NAMED)
    yield
    NAMED.clear()
    NAMED.update(before)


class Pictures(PythonLayer):
    """A data layer: no bottoms, shapes set in setup, a reshape that does nothing, no gradient."""

    def setup(self, bottom: Any, top: Any) -> None:
        params = json.loads(self.param_str)
        self.batch_size, self.at = params["batch_size"], 0
        rng = np.random.RandomState(params.get("seed", 0))
        self.images, self.labels = rng.rand(5, 3, 4, 4), rng.randint(0, 2, 5)
        top[0].reshape(self.batch_size, 3, 4, 4)
        top[1].reshape(self.batch_size, 1)

    def reshape(self, bottom: Any, top: Any) -> None:
        pass

    def forward(self, bottom: Any, top: Any) -> None:
        for k in range(self.batch_size):
            top[0].data[k, ...] = self.images[self.at]
            top[1].data[k, ...] = self.labels[self.at]
            self.at = (self.at + 1) % len(self.images)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        pass


class Bias1(PythonLayer):
    """A layer with a parameter: one number that is added."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 0

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data + self.blobs[0].data[0]

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        self.blobs[0].diff[0] += top[0].diff.sum()
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff


class PhaseLayer(PythonLayer):
    """A scalar top that tells the phase."""

    def setup(self, bottom: Any, top: Any) -> None:
        pass

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape()

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[()] = self.phase


class OneImage(PythonLayer):
    """Loads in reshape, whatever size the next image has, as segmentation nets of one image per pass do."""

    SIZES = ((5, 7), (3, 4), (8, 6))

    def setup(self, bottom: Any, top: Any) -> None:
        self.index = 0

    def reshape(self, bottom: Any, top: Any) -> None:
        height, width = self.SIZES[self.index]
        self.image = np.full((2, height, width), self.index + 1.0)
        top[0].reshape(1, *self.image.shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = self.image
        self.index = (self.index + 1) % len(self.SIZES)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        pass


def test_a_data_layer() -> None:
    owlkit.layer(Pictures)
    n = NetSpec()
    n.data, n.label = L.Python(
        layer="Pictures", module=__name__, param_str=json.dumps(dict(batch_size=2)), ntop=2
    )
    n.score = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    net = Net(n, phase="train", seed=0)
    rng = np.random.RandomState(0)
    images, labels = rng.rand(5, 3, 4, 4), rng.randint(0, 2, 5)
    for first in (0, 2, 4):
        net.forward()
        rows = [first, (first + 1) % 5]
        np.testing.assert_allclose(net.blobs["data"].data, images[rows], rtol=1e-6)
        assert net.blobs["label"].data.ravel().tolist() == labels[rows].tolist()
        net.backward()
    assert net.params["score"][0].diff.any()


def test_a_net_with_layers_of_ones_own_is_trained() -> None:
    """From the data to the parameter: after a step, b = -lr * its gradient."""
    for cls in (Pictures, Bias1):
        owlkit.layer(cls)
    n = NetSpec()
    n.data, n.label = L.Pictures(param_str='{"batch_size": 3}', ntop=2)
    n.shifted = L.Bias1(n.data, param=dict(lr_mult=2))
    n.loss = L.Reduction(n.shifted, operation="MEAN", loss_weight=1)
    n.silence = L.Silence(n.label, ntop=0)
    solver = Solver(n, base_lr=0.25, lr_policy="fixed", max_iter=4, seed=0)
    solver.step(3)
    assert solver.net.params["shifted"][0].data.tolist() == pytest.approx([-0.25 * 2 * 3])


@pytest.mark.parametrize(("phase", "told"), [("train", 0), ("test", 1)])
def test_a_scalar_top_and_the_phase(phase: str, told: int) -> None:
    owlkit.layer(PhaseLayer)
    n = NetSpec()
    n.phase = L.PhaseLayer()
    (y,) = Net(n, phase=phase).forward().values()
    assert (y.shape, float(y)) == ((), told)


def test_images_of_any_size_one_after_another() -> None:
    owlkit.layer(OneImage)
    n = NetSpec()
    n.image = L.OneImage()
    n.pool = L.Pooling(n.image, pool="AVE", global_pooling=True)
    n.conv = L.Convolution(n.image, num_output=1, kernel_size=3, weight_filler=dict(type="xavier"))
    net = Net(n, seed=0)
    for k in (0, 1, 2, 0):
        height, width = OneImage.SIZES[k]
        assert net.forward()["pool"].ravel().tolist() == [k + 1, k + 1]
        assert net.blobs["conv"].shape == (1, 1, height - 2, width - 2)


class Fragile(PythonLayer):
    """y = 2 x; raises in the method that `fail_in` names."""

    fail_in = ""
    error: BaseException = RuntimeError("I do not like this")

    def _enter(self, method: str, *blobs: Any) -> None:
        for blob in blobs:
            blob.data, blob.diff  # hands out copies, which must not outlive the failure
        if Fragile.fail_in == method:
            raise Fragile.error

    def reshape(self, bottom: Any, top: Any) -> None:
        self._enter("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        self._enter("forward", bottom[0], top[0])
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        self._enter("backward", bottom[0], top[0])
        bottom[0].diff[...] = 2 * top[0].diff


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("method", ["reshape", "forward", "backward"])
def test_a_failure_is_the_users_own_and_the_net_goes_on(
    method: str, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    owlkit.layer(Fragile)
    monkeypatch.setattr(Fragile, "error", kind("I do not like this"))
    n = NetSpec(force_backward=True)
    n.x = L.Input(shape=dict(dim=[2, 3, 4, 5]))
    n.before = L.TanH(n.x)
    n.mine = L.Fragile(n.before)
    n.after = L.Power(n.mine, scale=3, loss_weight=1)
    net = Net(n, phase="train")
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)

    def run(values: np.ndarray) -> None:
        net.forward(x=values)
        net.backward()

    run(x)
    monkeypatch.setattr(Fragile, "fail_in", method)
    with pytest.raises(kind, match="I do not like this") as caught:
        run(-x)
    told = "".join(traceback.format_exception(caught.value))
    assert "raise Fragile.error" in told  # the line of the user's that failed
    if kind is RuntimeError:
        assert "'mine'" in told.splitlines()[-1]
    monkeypatch.setattr(Fragile, "fail_in", "")
    run(x / 2)
    y = np.tanh(x / 2)
    np.testing.assert_allclose(net.blobs["after"].data, 6 * y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.blobs["x"].diff, 6 * (1 - y**2), rtol=1e-4, atol=1e-5)


def test_a_missing_backward_is_told_where_it_is_needed() -> None:
    owlkit.layer(PhaseLayer)
    body = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
        layer { name: "mine" type: "PhaseLayer" bottom: "x" top: "y" loss_weight: 1 }
        force_backward: true"""
    net = Net(text.parse(body, caffe_pb2.NetParameter), phase="train")
    net.forward()
    with pytest.raises(
        NetError, match=r"^mine \(PhaseLayer\): PhaseLayer does not define backward\(self, top"
    ):
        net.backward()


class WithoutBackward:
    """Derives from nothing, as many old layers do not."""

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data


@pytest.mark.parametrize("stopped", [False, True])
def test_a_missing_backward_is_no_fault_where_no_gradient_passes(stopped: bool) -> None:
    owlkit.layer(WithoutBackward)
    body = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
        layer { name: "mine" type: "WithoutBackward" bottom: "ip" top: "y" %s }
        layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }"""
    body %= "propagate_down: false" if stopped else ""
    net = Net(text.parse(body, caffe_pb2.NetParameter), phase="train")
    net.forward()
    if stopped:
        net.backward()
        assert not net.params["ip"][0].diff.any()
    else:
        with pytest.raises(NetError, match=r"^mine \(WithoutBackward\): WithoutBackward does not define"):
            net.backward()


def test_shapes_that_do_not_fit_are_told_with_the_layer() -> None:
    @owlkit.layer
    class Negative(PythonLayer):
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(-1, 2)

        def forward(self, bottom: Any, top: Any) -> None: ...

    n = NetSpec()
    n.y = L.Negative()
    with pytest.raises(ValueError, match="negative axis") as caught:
        Net(n)
    assert not isinstance(caught.value, NetError)
    assert caught.value.__notes__ == ["in reshape of Python layer 'y' (Negative)"]
