"""What everything else on a GPU stands on, the simplest first: where one of these fails, the rest is not run.

pytest tests/gpu/test_basics.py -x -q       # a few seconds, for a machine that owlkit has not seen before
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

from owlkit import Net, zoo
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import SMALL, Matrix
from owlkit.core.gpu.staging import PIECE
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import program
from owlkit.kernels.cudnn import Problem, W, X, Y, make_plan
from tests.support import gpu

pytestmark = [pytest.mark.gpu, pytest.mark.also_emulated]
MakeDevice = Callable[..., GpuDevice]
RNG = np.random.default_rng(0)
DTYPES = ["float32", "float64", "float16", "bfloat16"]
#: Of a product of 40 factors each way, relative to the largest value.
TOLERANCES = {"float32": 1e-5, "float64": 1e-13, "float16": 2e-3, "bfloat16": 1.6e-2}


def values(*shape: int, dtype: str = "float32") -> np.ndarray:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    return RNG.standard_normal(shape).astype(kind)


def tensor(array: np.ndarray, dtype: str = "float32") -> Tensor:
    made = Tensor(Descriptor(array.shape, dtype))
    made.array[...] = array
    return made


def at(device: GpuDevice, given: Tensor, *, writes: bool = False) -> int:
    return device.gpu.pointer(given, reads=True, writes=writes)


def leak(device: GpuDevice, x: Tensor, y: Tensor) -> None:
    """y = x where it is positive, x / 2 elsewhere."""
    compiled = program(device, "activation/activation.cu", x.dtype, KIND=0)
    compiled.function("activation_forward").each(x.descriptor.count, x, y, 0.5)


# -- it is there
def test_it_says_what_it_is(device: GpuDevice) -> None:
    found = device.gpu.driver.properties()
    free, total = device.gpu.driver.memory()
    print(found, f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free")
    assert found["compute_capability"] >= (7, 0), "half precision and Philox need no newer one"
    assert 0 < free <= total


# -- memory
@pytest.mark.parametrize("count", [1, SMALL, SMALL + 1, 3 * PIECE + 5])
def test_bytes_go_there_and_back(device: GpuDevice, count: int) -> None:
    driver, sent = device.gpu.driver, RNG.integers(0, 256, count).astype(np.uint8)
    there, copy = driver.allocate(count), driver.allocate(count)
    driver.upload(there.pointer, sent)
    driver.copy(copy.pointer, there.pointer, count)
    driver.zero(there.pointer, count)
    found = np.full((2, count), 7, np.uint8)
    driver.download(found[0], copy.pointer)
    driver.download(found[1], there.pointer)
    np.testing.assert_array_equal(found[0], sent)
    assert not found[1].any()


def test_a_small_value_is_read_late(device: GpuDevice) -> None:
    x = tensor(values(7))
    at(device, x, writes=True)
    later = device.gpu.read_later(x)
    x.zero()
    assert later().any(), "as it was"
    assert not x.array.any()


def test_a_batch_comes_from_another_thread(device: GpuDevice) -> None:
    """More of them than there are buffers on the GPU are made ahead."""
    images, labels = Descriptor((4, 3, 5, 5), "float32", True), Descriptor((4,))
    lanes = device.lanes((images, labels), 4)
    x, y, batches = Tensor(images), Tensor(labels), [values(4, 3, 5, 5) + i for i in range(12)]

    def send(numbers: range) -> None:
        for lane, number in zip(lanes, numbers, strict=True):
            lane.wait()
            lane.arrays[0][...], lane.arrays[1][...] = batches[number], number
            lane.send()

    for start in (0, 4, 8):
        thread = threading.Thread(target=send, args=[range(start, start + 4)])
        thread.start()
        thread.join()
        for number, lane in enumerate(lanes, start):
            lane.receive((x, y))
            np.testing.assert_array_equal(x.peek(), batches[number])
            np.testing.assert_array_equal(y.peek(), number)


# -- kernels
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_kernel_runs(device: GpuDevice, dtype: str) -> None:
    x, y = tensor(values(1003, dtype=dtype), dtype), Tensor(Descriptor((1003,), dtype))
    leak(device, x, y)
    given = x.peek().astype(np.float64)
    np.testing.assert_array_equal(y.peek().astype(np.float64), np.where(given > 0, given, given / 2))


def test_a_kernel_runs_in_another_thread(device: GpuDevice) -> None:
    x, y = tensor(values(100)), Tensor(Descriptor((100,)))
    leak(device, x, y)
    x.array[...] = -4
    thread = threading.Thread(target=leak, args=(device, x, y))
    thread.start()
    thread.join()
    assert (y.peek() == -2).all()


# -- products
@pytest.mark.parametrize("stack", [1, 3])
@pytest.mark.parametrize("dtype", [*DTYPES, "tf32"])
def test_products(device: GpuDevice, dtype: str, stack: int) -> None:
    tf32, dtype, (m, n, k) = dtype == "tf32", "float32" if dtype == "tf32" else dtype, (33, 17, 40)
    a, b, c = (values(stack, *shape, dtype=dtype) for shape in ((m, k), (n, k), (m, n)))
    there = [tensor(array, dtype) for array in (a, b, c)]
    places = [at(device, each, writes=each is there[2]) for each in there]
    matrices = (
        Matrix(places[0], k, step=m * k),
        Matrix(places[1], k, True, n * k),
        Matrix(places[2], n, step=m * n),
    )
    device.gpu.driver.gemm((m, n, k), *matrices, dtype=dtype, beta=0.5, stack=stack, tf32=tf32)
    wide = [array.astype(np.float64) for array in (a, b, c)]
    expected = wide[0] @ wide[1].swapaxes(1, 2) + 0.5 * wide[2]
    tolerance = 2e-3 if tf32 else TOLERANCES[dtype]
    found = there[2].peek().astype(np.float64)
    np.testing.assert_allclose(found, expected, tolerance, tolerance * np.abs(expected).max())


# -- graphs
def test_a_graph_of_all_kinds_of_work(device: GpuDevice) -> None:
    """A kernel, a product (whose first call must not be the captured one), zeros and a copy."""
    x, y, z, kept = (tensor(values(4, 4)) for _ in range(4))
    sides = (
        Matrix(at(device, x), 4),
        Matrix(at(device, y, writes=True), 4),
        Matrix(at(device, z, writes=True), 4),
    )
    to = at(device, kept, writes=True)

    def work() -> None:
        leak(device, x, y)
        device.gpu.driver.gemm((4, 4, 4), *sides, dtype="float32")
        device.gpu.driver.copy(to, sides[2].pointer, 64)
        device.gpu.driver.zero(sides[2].pointer, 64)

    work()
    replay = device.gpu.capture(work)
    for _ in range(3):
        given = values(4, 4)
        x.array[...] = given
        at(device, x)
        replay.launch()
        for each in (z, kept):  # as `net.replays` says it of what a capture writes
            assert each.memory.mirror is not None
            each.memory.mirror.device_valid, each.memory.mirror.host_valid = True, False
        product = given @ np.where(given > 0, given, given / 2)
        np.testing.assert_allclose(kept.peek(), product, 1e-5, 1e-5)
        assert not z.peek().any()


# -- cuDNN
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_cudnn_convolves(make_device: MakeDevice, dtype: str) -> None:
    device = make_device() if gpu.is_real() else make_device(cudnn=True)
    image, ones = Descriptor((2, 8, 5, 5), dtype, True), (1, 1)
    plan = make_plan(
        device, Problem("fprop", image, Descriptor((8, 8, 1, 1), dtype, True), image, ones, (0, 0), ones)
    )
    x, y, w = Tensor(image), Tensor(image), Tensor(Descriptor((8, 8, 1, 1), dtype, True))
    x.array[...], w.array[...] = values(2, 8, 5, 5), values(8, 8, 1, 1)
    space = device.gpu.allocate(plan.workspace)
    places = {X: at(device, x), W: at(device, w), Y: at(device, y, writes=True)}
    plan(places, space.pointer)
    wide = x.peek().astype(np.float64), w.peek().astype(np.float64)[:, :, 0, 0]
    expected = np.einsum("nchw,mc->nmhw", *wide)
    tolerance = TOLERANCES[dtype]
    found = y.peek().astype(np.float64)
    np.testing.assert_allclose(found, expected, tolerance, tolerance * np.abs(expected).max())


# -- a net
def test_a_net_is_captured_and_right(device: GpuDevice) -> None:
    nets = [
        Net(zoo.lenet(form="train", batch_size=4), phase="train", device=d, seed=1) for d in ("cpu", device)
    ]
    losses = []
    for net in nets:
        net.blobs["data"].data[...] = np.random.default_rng(1).standard_normal((4, 1, 28, 28))
        net.blobs["label"].data[...] = np.arange(4)
        for _ in range(3):
            net.clear_param_diffs()
            losses.append(net.forward_backward())
    assert losses == pytest.approx([losses[0]] * 6, rel=1e-4)
    print(nets[1].plan)
    assert "forward is captured; backward is captured" in str(nets[1].plan)
    for name, (weights, _) in nets[0].params.items():
        expected = weights.diff
        found = nets[1].params[name][0].diff
        np.testing.assert_allclose(found, expected, 1e-3, 1e-3 * np.abs(expected).max(), err_msg=name)
