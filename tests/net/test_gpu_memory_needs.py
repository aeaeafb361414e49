"""A net that does not fit on a GPU says what takes most and which batch would fit; warming one up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P, Solver
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.net.needs import Need, fitting_batch, needs
from tests.support import emulated_gpu
from tests.support.sets import random_images, write_set

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
    with pytest.raises(OutOfMemoryError, match="what takes most of it:") as caught:
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
    found = [Need("a", 500, 100, 100, held=300), Need("b", tops=400)]
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


def with_all_kinds(batch: int = 8) -> NetSpec:
    """Labels, versions beneath a blob, kernels that keep something, weights, scratch memory, losses."""
    n, xavier = NetSpec("all"), dict(type="xavier")
    n.data, n.label = L.Input(shape=[dict(dim=[batch, 3, 17, 17]), dict(dim=[batch])], ntop=2)
    n.conv = L.Convolution(n.data, num_output=16, kernel_size=3, weight_filler=xavier)
    n.bn = L.BatchNorm(n.conv, in_place=True)
    n.scale = L.Scale(n.conv, in_place=True, bias_term=True)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.lrn = L.LRN(n.conv, local_size=5)
    n.pool = L.Pooling(n.lrn, kernel_size=3, stride=2)
    n.a, n.b = (L.Convolution(n.pool, num_output=16, kernel_size=1, weight_filler=xavier) for _ in range(2))
    n.sum = L.Eltwise(n.a, n.b)
    n.cat = L.Concat(n.sum, n.pool)
    n.sigmoid = L.Sigmoid(n.cat)
    n.drop = L.Dropout(n.sigmoid, in_place=True)
    n.ip = L.InnerProduct(n.drop, num_output=10, weight_filler=xavier)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    n.accuracy = L.Accuracy(n.ip, n.label)
    return n


KINDS = [
    dict(dtype="float32"),
    dict(dtype="float16", cudnn=True),
    dict(memory="reuse"),
    dict(memory="reuse", dtype="bfloat16", cudnn=True),
    dict(backward=False),
]
UNCOUNTED = 2048  # bytes, see `needs`


def trained(device: GpuDevice, batch: int = 8, **options: Any) -> tuple[Net, Any]:
    """A net and what runs a whole pass, with a solver's update where all options are those of one."""
    if {"backward", "memory"} & set(options):
        net = Net(with_all_kinds(batch), device=device, phase="train", **options)
        return net, net.forward_backward if options.get("backward", True) else net.forward
    fields = dict(base_lr=0.01, momentum=0.9, lr_policy="fixed", max_iter=9, seed=1)
    solver = Solver(with_all_kinds(batch), device=device, **fields, **options)
    return solver.net, lambda: solver.step(1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(map(str, kind.values())))
def test_the_table_says_what_is_taken(kind: dict[str, Any]) -> None:
    options = dict(kind)
    with_cudnn = options.pop("cudnn", False)
    device, without = (emulated_gpu.emulated_device(cudnn=with_cudnn) for _ in range(2))
    driver: Any = device.gpu.driver
    net, iterate = trained(device, **options)
    net.warmup()
    told = needs(net.graph, options.get("backward", True))
    said = sum(need.total for need in told)
    assert driver.used == pytest.approx(sum(need.held for need in told), abs=UNCOUNTED)
    assert driver.used == pytest.approx(said, abs=UNCOUNTED)
    for _ in range(3):  # the third is the first that a graph runs
        iterate()
        assert driver.used == pytest.approx(said, abs=UNCOUNTED), "warming up has taken it all"
    trained(without, **options)[1]()
    other: Any = without.gpu.driver
    assert other.used == pytest.approx(said, abs=UNCOUNTED), "and nothing that is not needed"


@pytest.mark.parametrize("memory", ["keep", "reuse"])
def test_the_batch_that_fits_can_be_trained(memory: str) -> None:
    def iterate(batch: int) -> None:
        trained(emulated_gpu.emulated_device(600_000), batch, memory=memory)[1]()

    with pytest.raises(OutOfMemoryError, match="what takes most of it, gradients included") as caught:
        iterate(40)
    fits = int(str(caught.value).split("a batch of ")[1].split()[0])
    if memory == "reuse":  # it was too little already for what the plan places before it makes kernels
        fits = int(0.7 * fits)
    iterate(fits)
    with pytest.raises(OutOfMemoryError):
        iterate(2 * fits if memory == "reuse" else fits + 2)


def test_what_nets_share_has_rows_of_its_own() -> None:
    rows = {}
    for options in (dict(dtype="float32"), dict(memory="reuse")):
        net, iterate = trained(emulated_gpu.emulated_device(), **options)
        iterate()
        rows |= {need.layer: need for need in needs(net.graph, True)}
    assert rows["blobs, one after the other"].tops > rows["pool (Pooling)"].beside > 0
    assert rows["the solver's history"].learned == sum(g.data.descriptor.nbytes for g in net.arena)
    assert rows["the kernels' workspace"].beside == net.device.scratch_bytes > 0


def test_batches_on_their_way_are_counted(tmp_path: Path) -> None:
    """Two, however many are made ahead: with large images that is more than the first layers take."""
    records = write_set(tmp_path / "set", random_images(6, (3, 20, 20)), [0] * 6)
    n = NetSpec("with_data")
    n.data, n.label = L.Data(source=str(records), batch_size=8, backend=P.Data.LMDB, prefetch=3, ntop=2)
    n.fc = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    device = emulated_gpu.emulated_device()
    driver: Any = device.gpu.driver
    net = Net(n, phase="train", device=device)
    net.plan  # it is made now
    (source,) = (need for need in needs(net.graph, True) if need.layer == "data (Data)")
    assert (source.beside, source.held) == (2 * (8 * 3 * 20 * 20 * 4 + 256), 0), "and their labels"
    net.warmup()
    used = driver.used
    assert used == pytest.approx(sum(need.held for need in needs(net.graph, True)), abs=UNCOUNTED)
    net.forward_backward()
    assert driver.used == pytest.approx(used, abs=UNCOUNTED), "warming up has taken them"
    assert sum(need.held for need in needs(net.graph, True)) == pytest.approx(used, abs=UNCOUNTED)
