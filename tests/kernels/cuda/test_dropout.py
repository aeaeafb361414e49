"""Random numbers on a GPU (the stand-in): Philox's published numbers, masks, where the generator stands."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import dropout
from owlkit.kernels.cuda.program import read_source
from owlkit.kernels.dropout.cuda import DropoutKernel
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

COUNT = 100_003
#: Counter, key and result: the known answers that the paper's authors published for 4x32-10.
ANSWERS = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]
_PROBE = """
KERNEL probe(IN(unsigned) in, OUT(unsigned) out) {
    Words words = philox({{in[0], in[1], in[2], in[3]}}, in[4], in[5]);
    for (int i = 0; i < 4; i++) out[i] = words.w[i];
}
"""


@pytest.fixture
def device() -> GpuDevice:
    return emulated_gpu.emulated_device()


@pytest.mark.parametrize(("counter", "key", "expected"), ANSWERS)
def test_philox_gives_the_published_numbers(
    device: GpuDevice, counter: list[int], key: list[int], expected: list[int]
) -> None:
    source = "\n".join([read_source("cuda/common.cuh"), read_source("cuda/philox.cuh"), _PROBE])
    probe = device.gpu.driver.compile(source, {"T": "float", "A": "float"}, ["probe"])["probe"]
    given, found = np.array(counter + key, np.uint32), np.zeros(4, np.uint32)
    addresses = [np.uint64(ctypes.c_void_p(a.ctypes.data).value or 0) for a in (given, found)]
    probe((1, 1, 1), (1, 1, 1), addresses, 0)
    assert found.tolist() == expected


def _kernel(device: GpuDevice, ratio: float, dtype: str = "float32", seed: int = 1) -> DropoutKernel:
    kernel = DropoutKernel(device, dropout.Dropout(Descriptor((COUNT,), dtype), ratio))
    kernel.restore({}, np.random.default_rng(seed))
    return kernel


def _mask(kernel: DropoutKernel, dtype: str = "float32", draw: bool = True) -> np.ndarray:
    ones, mask = Tensor(Descriptor((COUNT,), dtype)), Tensor(Descriptor((COUNT,), dtype))
    ones.flat[...] = 1
    if draw:
        kernel.draw(np.random.default_rng(0))
    kernel.forward(ones, mask)
    return mask.array.copy()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("ratio", [0.5, 0.3])
def test_as_many_are_dropped_as_the_ratio_says(device: GpuDevice, ratio: float, dtype: str) -> None:
    kernel = _kernel(device, ratio, dtype)
    mask = _mask(kernel, dtype)
    deviation = (ratio * (1 - ratio) / COUNT) ** 0.5
    assert abs((mask == 0).mean() - ratio) < 4 * deviation
    assert set(np.unique(mask)) == {0, np.dtype(dtype).type(1 / (1 - ratio))}
    kept = (mask != 0).astype(float) - (1 - ratio)
    for distance in (1, 2, 8, 16, 32):
        correlation = (kept[distance:] * kept[:-distance]).mean() / (ratio * (1 - ratio))
        assert abs(correlation) < 4 / COUNT**0.5, f"values {distance} apart depend on each other"


def test_masks_differ_from_draw_to_draw_and_from_key_to_key(device: GpuDevice) -> None:
    first, other = _kernel(device, 0.5), _kernel(device, 0.5, seed=2)
    masks = [_mask(first), _mask(first), _mask(other)]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert abs((masks[i] == masks[j]).mean() - 0.5) < 4 * 0.5 / COUNT**0.5


def test_a_mask_stays_until_the_next_draw(device: GpuDevice) -> None:
    kernel = _kernel(device, 0.5)
    np.testing.assert_array_equal(_mask(kernel), _mask(kernel, draw=False))


def test_a_captured_pass_draws_anew_in_every_replay(device: GpuDevice) -> None:
    """The same masks, one after the other, as without a capture."""
    expected, kernel = _kernel(device, 0.5), _kernel(device, 0.5)
    masks = [_mask(expected) for _ in range(3)]
    x, y = Tensor(Descriptor((COUNT,))), Tensor(Descriptor((COUNT,)))
    x.flat[...] = 1
    for tensor in (x, kernel._state):
        device.gpu.pointer(tensor, reads=True, writes=False)
    device.gpu.pointer(y, reads=False, writes=True)

    def work() -> None:
        kernel.draw(np.random.default_rng(0))
        kernel.forward(x, y)

    replay = device.gpu.capture(work)
    for mask in masks:
        replay.launch()
        y.memory.mirror.host_valid = False  # type: ignore[union-attr]
        np.testing.assert_array_equal(y.peek(), mask)


def test_goes_on_where_its_state_says(device: GpuDevice) -> None:
    kernel = _kernel(device, 0.5)
    _mask(kernel)
    state = kernel.state()
    expected, resumed = _mask(kernel), _kernel(device, 0.5, seed=9)
    resumed.restore(state, np.random.default_rng(9))
    np.testing.assert_array_equal(_mask(resumed), expected)
    assert state["philox"][2:] == [1, 0], "one mask was drawn"


def test_the_count_of_masks_has_64_bits(device: GpuDevice) -> None:
    kernel = _kernel(device, 0.5)
    kernel.restore({"philox": [1, 2, 0xFFFFFFFF, 4]}, np.random.default_rng(0))
    kernel.draw(np.random.default_rng(0))
    assert kernel.state() == {"philox": [1, 2, 0, 5]}
