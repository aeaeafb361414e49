"""Tensors of almost 2^31 values, 4 GB in half precision: what lies at their ends is computed too.

On the stand-in, and on an imagined GPU, the same with few values. The host's copies are never touched, so
they take no memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import activation, copy, pooling
from owlkit.kernels.cuda.biases import Biases
from owlkit.kernels.cuda.program import LARGEST_INDEX, check_count
from tests.support import gpu

pytestmark = [pytest.mark.gpu, pytest.mark.also_emulated]
ENOUGH = 20 << 30  # bytes that are free on a GPU that has room for these


@pytest.fixture(autouse=True)
def _room(device: GpuDevice) -> None:
    free, _ = device.gpu.driver.memory()
    if gpu.is_fast() and free < ENOUGH:
        pytest.skip(f"{free >> 30} GB are free on the GPU")


@dataclass
class End:
    """The last values of a tensor in memory order; those before are 0."""

    device: GpuDevice
    tensor: Tensor

    def write(self, values: np.ndarray) -> None:
        self.device.gpu.driver.upload(self._place(values.nbytes), values.view(np.uint8))

    def read(self, count: int) -> np.ndarray:
        found = np.empty(count, np.float16)
        self.device.gpu.fetch(found.view(np.uint8), self._place(found.nbytes))
        return found

    def _place(self, nbytes: int) -> int:
        start = self.device.gpu.pointer(self.tensor, reads=True, writes=True)
        return start + self.tensor.descriptor.nbytes - nbytes


def ends(device: GpuDevice, *descriptors: Descriptor) -> list[End]:
    check_count(*descriptors)
    return [End(device, zeros(device, descriptor)) for descriptor in descriptors]


def zeros(device: GpuDevice, descriptor: Descriptor) -> Tensor:
    """A tensor that lies on the GPU, and nothing was copied there."""
    tensor = Tensor(descriptor)
    device.gpu.mirror(tensor.memory)
    tensor.zero()
    return tensor


def some(count: int) -> np.ndarray:
    """Whole numbers from -4 to 4."""
    return np.random.default_rng(count).integers(-4, 5, count).astype(np.float16)


def images(channels: int = 64) -> Descriptor:
    """Almost as many values as kernels can count."""
    size = (256, channels, 360, 360) if gpu.is_fast() else (2, channels, 8, 8)
    return Descriptor(size, "float16", True)


def test_values_one_by_one(device: GpuDevice) -> None:
    count = LARGEST_INDEX - 3 if gpu.is_fast() else 10_001
    x, y = ends(device, *[Descriptor((count,), "float16")] * 2)
    given = some(1001)
    x.write(given)
    kernel = activation.make(device, activation.Activation("relu", x.tensor.descriptor, slope=0.5))
    kernel.forward(x.tensor, y.tensor)
    np.testing.assert_array_equal(y.read(1001), np.where(given > 0, given, given / 2))
    assert not y.read(2002)[:1001].any()


def test_windows(device: GpuDevice) -> None:
    large = images()
    n, channels, height, width = large.shape
    small = Descriptor((n, channels, height // 2, width // 2), "float16", True)
    x, y, dy, dx = ends(device, large, small, small, large)
    lines = some(2 * width * channels)  # the last two of the last image
    x.write(lines)
    kernel = pooling.make(device, pooling.Pooling("max", (2, 2), (2, 2), (0, 0), large, small))
    kernel.forward(x.tensor, y.tensor)
    windows = lines.reshape(2, width // 2, 2, channels)
    np.testing.assert_array_equal(y.read(width // 2 * channels), windows.max((0, 2)).ravel())
    dy.write(np.ones(width // 2 * channels, np.float16))
    kernel.backward(dy.tensor, dx.tensor)
    found = dx.read(lines.size).reshape(windows.shape)
    np.testing.assert_array_equal(found.sum((0, 2)), 1)
    np.testing.assert_array_equal((found * windows).sum((0, 2)), windows.max((0, 2)))


def test_the_order_of_axes(device: GpuDevice) -> None:
    large = images()
    x, y = ends(device, large, Descriptor(large.shape, "float16"))
    channels, plane = large.shape[1], large.shape[2] * large.shape[3]
    x.write(np.arange(channels, dtype=np.float16))  # the last pixel
    copy.make(device, copy.Copy(large, y.tensor.descriptor)).forward(x.tensor, y.tensor)
    last_plane = y.read(plane)
    assert last_plane[-1] == channels - 1
    assert not last_plane[:-1].any()


def test_biases_and_their_gradients(device: GpuDevice) -> None:
    large = images()
    (y,) = ends(device, large)
    channels = large.shape[1]
    b, db = (Tensor(Descriptor((channels,), "float16")) for _ in range(2))
    b.array[...] = some(channels)
    kernel = Biases(device, large)
    kernel.add(y.tensor, b)
    np.testing.assert_array_equal(y.read(3 * channels), np.tile(b.peek(), 3))
    y.tensor.zero()
    y.write(np.tile(b.peek(), 3))
    kernel.sum(y.tensor, db, False)
    np.testing.assert_array_equal(db.peek(), 3 * b.peek())
