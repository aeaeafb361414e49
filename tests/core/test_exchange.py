"""Blobs and other libraries: DLPack, arrays where a net computes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from owlkit.core.blob import Blob
from owlkit.core.gpu import exchange
from tests.support import emulated_gpu

VALUES = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


class OnGpu:
    """An array that says that it lies on a GPU."""

    shape = (2, 3, 4, 5)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0


def blob() -> Blob:
    made = Blob(VALUES.shape, name="b")
    made.copy_from(VALUES)
    return made


def test_dlpack_shares_the_memory() -> None:
    ours = blob()
    theirs = np.from_dlpack(ours)  # type: ignore[arg-type]
    np.testing.assert_array_equal(theirs, VALUES)
    assert np.shares_memory(theirs, ours.data)


def test_arrays_where_a_net_computes() -> None:
    ours = blob()
    assert np.shares_memory(ours.device_data, ours.data)
    assert np.shares_memory(ours.device_diff, ours.diff)


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_arrays_on_a_gpu() -> None:
    device, ours = emulated_gpu.emulated_device(), blob()
    device.gpu.mirror(ours.data_tensor.memory)
    there = ours.device_data
    assert not np.shares_memory(there, ours.data_tensor._array)
    np.testing.assert_array_equal(there, VALUES)
    there[...] = 7
    assert (ours.data == 7).all(), "what is written on the GPU is fetched"
    ours.copy_from(VALUES)
    np.testing.assert_array_equal(ours.device_data, VALUES)


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_copies_on_a_gpu_are_in_order_with_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a `with` block of a user's stream, which CUDA orders with nothing."""
    device, ours, said = emulated_gpu.emulated_device(), blob(), []

    class Zero(nullcontext[None]):
        id = 0

    class Theirs:
        device = Zero()

        def __array__(self, *_: object, **__: object) -> np.ndarray:
            said.append("read")
            return VALUES + 1

    @contextmanager
    def in_order() -> Iterator[None]:
        said.append("in order")
        yield
        said.append("done")

    driver = device.gpu.driver
    device.gpu.mirror(ours.data_tensor.memory)
    monkeypatch.setattr(exchange, "_cupy", lambda _: SimpleNamespace(from_dlpack=lambda _: Theirs()))
    monkeypatch.setattr(driver, "in_order", in_order)
    monkeypatch.setattr(driver, "hold", lambda owner: said.append(f"{type(owner).__name__} is held"))
    ours.copy_from(OnGpu())
    assert said == ["in order", "read", "done", "Theirs is held"]
    np.testing.assert_array_equal(ours.device_data, VALUES + 1)
    assert said[4:] == ["in order", "done"]


class Tensor:
    """As much of a tensor of PyTorch's as matters here: a parameter in bfloat16."""

    shape, dtype = VALUES.shape, "torch.bfloat16"

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")

    def detach(self) -> Tensor:
        found = Tensor()
        found.float = lambda: VALUES  # type: ignore[attr-defined]
        return found


def test_parameters_of_pytorch_are_read() -> None:
    """Their values are wanted here, not their gradients."""
    ours = Blob(VALUES.shape, name="b")
    ours.copy_from(Tensor())
    np.testing.assert_array_equal(ours.data, VALUES)


def test_what_cannot_be_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # as where it is not installed
    with pytest.raises(ValueError, match=r"blob 'b' is \(2, 3, 4, 5\), but the array is \(2, 3\)"):
        blob().copy_from(np.zeros((2, 3)))
    assert exchange.on_gpu(OnGpu())
    assert not exchange.on_gpu(VALUES)
    with pytest.raises(ValueError, match="OnGpu on a GPU is read by CuPy"):
        blob().copy_from(OnGpu())
