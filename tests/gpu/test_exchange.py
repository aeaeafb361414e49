"""Blobs on a GPU and PyTorch's tensors there, both ways, without the host; where PyTorch has CUDA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.blob import Blob
from owlkit.core.gpu.device import GpuDevice
from tests.support.gpu import is_real

pytestmark = pytest.mark.gpu
VALUES = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not (is_real() and found.cuda.is_available()):
        pytest.skip("PyTorch finds no GPU")
    return found


@pytest.fixture
def blob(device: GpuDevice) -> Blob:
    """On the GPU, where its values are."""
    made = Blob(VALUES.shape, name="b")
    made.copy_from(VALUES)
    device.gpu.pointer(made.data_tensor, reads=True, writes=True)
    return made


def test_a_tensor_over_a_blob(torch: Any, device: GpuDevice, blob: Blob) -> None:
    moved = device.gpu.uploaded_bytes, device.gpu.downloaded_bytes
    theirs = torch.from_dlpack(blob)
    assert theirs.is_cuda
    assert theirs.is_contiguous(memory_format=torch.channels_last)
    theirs.mul_(2)
    assert (device.gpu.uploaded_bytes, device.gpu.downloaded_bytes) == moved
    np.testing.assert_array_equal(blob.data, 2 * VALUES)


@pytest.mark.parametrize("kind", ["plain", "channels_last", "double", "bfloat16", "parameter"])
def test_a_blob_takes_a_tensors_values(torch: Any, device: GpuDevice, blob: Blob, kind: str) -> None:
    source = torch.from_numpy(VALUES + 1).cuda()
    changes = {
        "channels_last": lambda: source.to(memory_format=torch.channels_last),
        "double": source.double,
        "bfloat16": source.bfloat16,  # 8 bits are enough for these numbers
        "parameter": lambda: torch.nn.Parameter(source),
    }
    moved = device.gpu.uploaded_bytes, device.gpu.downloaded_bytes
    blob.copy_from(changes.get(kind, lambda: source)())
    assert (device.gpu.uploaded_bytes, device.gpu.downloaded_bytes) == moved
    np.testing.assert_array_equal(blob.data, VALUES + 1)


def test_a_tensor_of_the_gpu_for_a_blob_of_the_host(torch: Any) -> None:
    ours = Blob(VALUES.shape, name="b")
    ours.copy_from(torch.from_numpy(VALUES).cuda())
    np.testing.assert_array_equal(ours.data, VALUES)
