"""A net that does not fit on a GPU says what takes most and which batch would fit; warming one up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.net.needs import Need, fitting_batch
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def relus(batch: int) -> NetSpec:
    """Two layers of batch x 1000 numbers; one of 3 x 1000 weights."""
    n = NetSpec("relus")
    n.data = L.Input(shape=dict(dim=[batch, 1000]))
    n.relu = L.ReLU(n.data)
    n.elu = L.ELU(n.relu)
    n.ip = L.InnerProduct(n.elu, num_output=3, weight_filler=dict(type="xavier"))
    return n


def made(batch: int, device: Any) -> Net:
    return Net(relus(batch), device=device, phase="test", seed=1)


def test_an_error_names_layers_and_a_batch_that_fits() -> None:
    total = 200_000
    with pytest.raises(OutOfMemoryError, match="the layers that take most of it") as caught:
        made(40, emulated_gpu.emulated_device(total)).warmup()
    message = str(caught.value)
    assert "relu (ReLU)" in message
    assert "ip (InnerProduct)" in message
    fits = int(message.split("a batch of ")[1].split()[0])
    made(fits, emulated_gpu.emulated_device(total)).warmup()
    made(fits, emulated_gpu.emulated_device(total)).forward()
    with pytest.raises(OutOfMemoryError):
        made(fits + 3, emulated_gpu.emulated_device(total)).warmup()


def test_a_pass_explains_too() -> None:
    with pytest.raises(OutOfMemoryError, match="a batch of"):
        made(40, emulated_gpu.emulated_device(200_000)).forward()


def test_nothing_fits() -> None:
    with pytest.raises(OutOfMemoryError, match="no batch would fit"):
        made(4, emulated_gpu.emulated_device(9_000)).warmup()


def test_fitting_batch() -> None:
    found = [Need("a", 600, 100, 300), Need("b", 400, 0, 0)]
    assert fitting_batch(10, found, 300) == 5  # 300 free and 300 held, less 100 learned, at 100 an image
    assert fitting_batch(10, found, 10_000) == 9
    assert fitting_batch(10, found, -300) == 0


def test_warming_up_changes_nothing_and_takes_all() -> None:
    device = emulated_gpu.emulated_device()
    net = made(4, device)
    before = net.params["ip"][0].data.copy()
    net.warmup()
    free = device.gpu.driver.memory()[0]
    np.testing.assert_array_equal(net.params["ip"][0].data, before)
    net.forward(data=np.ones((4, 1000)))
    assert device.gpu.driver.memory()[0] == free
    made(4, "cpu").warmup()
