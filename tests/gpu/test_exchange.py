"""Blobs on a GPU and the tensors of PyTorch and CuPy there, both ways, without the host."""

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


# -- what DLPack asks of who gives and who takes
@pytest.fixture
def cupy() -> Any:
    if not is_real():
        pytest.skip("CuPy's arrays lie on a GPU")
    return pytest.importorskip("cupy")


def test_a_tensor_made_on_another_stream_of_pytorchs(torch: Any, blob: Blob) -> None:
    """PyTorch's own streams are not ordered with the default one: DLPack has to see to it, both ways."""
    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        torch.cuda._sleep(50_000_000)  # some hundredths of a second
        source = torch.full(VALUES.shape, 3.0, device="cuda")
        blob.copy_from(source)
    assert (blob.data == 3).all(), "waits for what makes the tensor"
    blob.data[...] = VALUES
    with torch.cuda.stream(aside):
        theirs = torch.from_dlpack(blob) + 1  # not before the upload has arrived
    aside.synchronize()
    np.testing.assert_array_equal(theirs.cpu().numpy(), VALUES + 1)


def test_a_tensor_of_half_precision_over_a_blob(torch: Any, device: GpuDevice) -> None:
    for dtype in ("float16", "bfloat16"):
        ours = Blob(VALUES.shape, dtype, "b")
        ours.copy_from(VALUES)
        device.gpu.pointer(ours.data_tensor, reads=True, writes=True)
        theirs = torch.from_dlpack(ours)
        assert theirs.dtype == getattr(torch, dtype)
        np.testing.assert_array_equal(theirs.float().cpu().numpy(), VALUES)


def test_cupys_arrays(cupy: Any, device: GpuDevice, blob: Blob) -> None:
    moved = device.gpu.uploaded_bytes, device.gpu.downloaded_bytes
    theirs = cupy.from_dlpack(blob)
    assert theirs.data.ptr == blob.device_data.data.ptr
    theirs *= 2
    blob.copy_from(theirs + cupy.float32(1))
    assert (device.gpu.uploaded_bytes, device.gpu.downloaded_bytes) == moved
    np.testing.assert_array_equal(blob.data, 2 * VALUES + 1)


@pytest.mark.parametrize("stream", [None, -1, 1, 2], ids=["none", "no order", "default", "per thread"])
@pytest.mark.usefixtures("cupy")
def test_whatever_stream_a_consumer_names(blob: Blob, stream: int | None) -> None:
    assert blob.__dlpack_device__() == (2, 0)
    assert '"dltensor"' in repr(blob.__dlpack__(stream=stream)), "for those that know no versions"
    assert '"dltensor_versioned"' in repr(blob.__dlpack__(stream=stream, max_version=(1, 1)))


@pytest.mark.usefixtures("cupy")
def test_numpy_gets_a_copy_on_the_host(blob: Blob) -> None:
    theirs = np.from_dlpack(blob, device="cpu")  # type: ignore[call-arg,arg-type]
    np.testing.assert_array_equal(theirs, VALUES)


def test_cupys_arrays_on_a_stream_of_a_user(cupy: Any, blob: Blob) -> None:
    """It is ordered with no other: the copy has to wait for it, and it for the copy."""
    with cupy.cuda.Stream(non_blocking=True):
        source = cupy.full(VALUES.shape, 3, "float32")
        blob.copy_from(source)
        source[...] = 4
    assert (blob.data == 3).all()
