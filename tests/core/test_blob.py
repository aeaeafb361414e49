"""Blobs: shapes, lazily taken memory, sharing, and gradients that count as zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from owlkit.core.blob import Blob
from owlkit.core.memory import allocate


def test_shape_and_its_parts() -> None:
    blob = Blob((2, 3, 4, 5), name="conv1")
    assert (blob.shape, blob.ndim, blob.count) == ((2, 3, 4, 5), 4, 120)
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 3, 4, 5)
    assert (blob.count_between(1), blob.count_between(1, 3), blob.count_between(4)) == (60, 12, 1)
    assert (blob.canonical_axis(-1), blob.canonical_axis(1)) == (3, 1)


def test_old_names_read_missing_axes_as_one_and_refuse_five() -> None:
    assert (Blob((7,)).channels, Blob(()).num) == (1, 1)
    with pytest.raises(IndexError, match="5 axes"):
        _ = Blob((1, 2, 3, 4, 5)).num


@pytest.mark.parametrize("axis", [-3, 2])
def test_an_axis_outside_is_an_error(axis: int) -> None:
    with pytest.raises(IndexError, match="outside"):
        Blob((2, 3)).canonical_axis(axis)


def test_a_negative_length_is_an_error_that_names_the_blob() -> None:
    with pytest.raises(ValueError, match=r"'x'.*negative"):
        Blob((2,), name="x").reshape(2, -1)


def test_a_scalar_holds_one_value() -> None:
    blob = Blob(())
    blob.data[...] = 3
    assert blob.data.shape == ()
    assert float(blob.data) == 3
    assert blob.count == 1


@pytest.mark.parametrize("role", ["data", "diff"])
def test_arrays_are_written_by_assignment_too(role: str) -> None:
    """`blob.data = x` was an error, and `blob.data *= 2` one that came after it had multiplied."""
    blob = Blob((2, 3, 1, 1), name="conv1")
    array = getattr(blob, role)
    setattr(blob, role, np.arange(6).reshape(2, 3, 1, 1))
    assert array.ravel().tolist() == [0, 1, 2, 3, 4, 5]
    if role == "data":
        blob.data *= 2
        assert array.ravel().tolist() == [0, 2, 4, 6, 8, 10]
    setattr(blob, role, 7)
    assert (array == 7).all()
    assert getattr(blob, role).dtype == np.float32
    with pytest.raises(ValueError, match=r"blob 'conv1' is \(2, 3, 1, 1\), but the array is \(2, 3\)"):
        setattr(blob, role, np.zeros((2, 3)))


def test_no_memory_before_first_use() -> None:
    blob = Blob((100, 100))
    assert blob.allocated_bytes == 0
    blob.data[...] = 1
    assert blob.allocated_bytes == 40000
    assert not blob.diff.any()
    assert blob.allocated_bytes == 80000


def test_activations_of_four_axes_are_channels_last_and_parameters_are_not() -> None:
    activation, parameter = Blob((2, 3, 4, 5)), Blob((2, 3, 4, 5), parameter=True)
    assert activation.descriptor.channels_last
    assert not parameter.descriptor.channels_last
    assert not Blob((2, 3, 4)).descriptor.channels_last
    assert activation.data.shape == parameter.data.shape == (2, 3, 4, 5)


def test_reshape_takes_numbers_or_a_tuple_and_keeps_memory_that_is_large_enough() -> None:
    blob = Blob((4, 6))
    blob.data[...] = 1
    address = blob.data_tensor.address
    blob.reshape((3, 8))
    assert blob.shape == (3, 8)
    assert blob.data_tensor.address == address
    blob.reshape(2, 2)
    assert blob.data.shape == (2, 2)
    assert blob.data_tensor.address == address
    blob.reshape(100, 100)
    assert blob.data.shape == (100, 100)
    assert blob.data_tensor.address != address


def test_the_tensor_stays_the_same_object_until_the_shape_changes() -> None:
    """Kernels remember what they bound by the tensor's identity."""
    blob = Blob((4, 6))
    first = blob.data_tensor
    blob.reshape(4, 6)
    assert blob.data_tensor is first
    blob.reshape(6, 4)
    assert blob.data_tensor is not first


def test_shared_data_is_one_memory_even_after_the_owner_grows() -> None:
    owner, other = Blob((2, 3)), Blob((3, 2))
    other.share_data(owner)
    owner.data[...] = 5
    assert (other.data == 5).all()
    assert other.shares_data(owner)
    assert not other.shares_diff(owner)
    owner.reshape(50, 60)
    owner.data[...] = 7
    assert (other.data == 7).all()


def test_shared_diff_is_apart_from_data() -> None:
    owner, other = Blob((2,)), Blob((2,))
    other.share_diff(owner)
    owner.diff[...] = 1
    owner.data[...] = 2
    assert (other.diff == 1).all()
    assert (other.data == 0).all()


def test_clearing_touches_no_memory_and_the_first_writer_overwrites() -> None:
    blob = Blob((3,), parameter=True)
    blob.diff[...] = 4
    blob.clear_diff()
    assert (blob.diff_tensor.array == 4).all()
    assert blob.begin_accumulate() is False
    assert blob.begin_accumulate() is True


def test_reading_a_cleared_diff_gives_zeros() -> None:
    blob = Blob((3,), parameter=True)
    blob.diff[...] = 4
    blob.clear_diff()
    assert (blob.diff == 0).all()
    assert blob.begin_accumulate() is True


def test_clearing_shared_gradients_clears_them_for_all_sharers() -> None:
    owner, other = Blob((3,), parameter=True), Blob((3,), parameter=True)
    other.share_diff(owner)
    owner.clear_diff()
    assert other.begin_accumulate() is False
    assert owner.begin_accumulate() is True


@pytest.mark.parametrize("share", [Blob.share_data, Blob.share_diff])
def test_numbers_of_one_type_are_not_read_as_another(share: Callable[[Blob, Blob], None]) -> None:
    wide, narrow = Blob((4,), "float32", "wide"), Blob((4,), "float16", "narrow")
    with pytest.raises(ValueError, match="blob 'narrow' is float16; it cannot share with 'wide', float32"):
        share(narrow, wide)


def test_place_puts_data_and_gradient_into_an_arena() -> None:
    data, diff = allocate(64), allocate(64)
    blob = Blob((4,), parameter=True)
    blob.place(data[:16], diff[:16])
    blob.data[...] = 2
    blob.diff[...] = 3
    assert (data.view("float32")[:4] == 2).all()
    assert (diff.view("float32")[:4] == 3).all()


def test_float64() -> None:
    blob = Blob((2,), "float64")
    assert blob.data.dtype == np.float64
    assert blob.descriptor.nbytes == 16


def test_repr_touches_no_memory() -> None:
    blob = Blob((2, 3), name="ip1")
    assert "ip1" in repr(blob)
    assert "ip1" in blob._repr_html_()
    assert "24 B" in blob._repr_html_()
    assert blob.allocated_bytes == 0
