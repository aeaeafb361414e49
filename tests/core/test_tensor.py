"""Descriptors and tensors: what lies where in memory."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from owlkit.core.memory import ALIGNMENT, allocate
from owlkit.core.tensor import Descriptor, Tensor


def test_strides_are_counted_in_elements() -> None:
    assert Descriptor((2, 3, 4, 5)).strides == (60, 20, 5, 1)
    assert Descriptor((2, 3, 4, 5), channels_last=True).strides == (60, 1, 15, 3)
    assert Descriptor(()).strides == ()


def test_sizes() -> None:
    assert (Descriptor((2, 3)).count, Descriptor((2, 3), "float64").nbytes) == (6, 48)
    assert Descriptor(()).count == 1
    assert Descriptor((0, 3)).nbytes == 0


def test_channels_last_needs_four_axes() -> None:
    with pytest.raises(ValueError, match="four axes"):
        Descriptor((2, 3), channels_last=True)


@pytest.mark.parametrize(
    ("shape", "plain"),
    [((2, 3, 4, 5), False), ((2, 1, 4, 5), True), ((2, 3, 1, 1), True), ((2, 3, 1, 2), False)],
)
def test_is_plain_tells_whether_the_order_in_memory_matters(shape: tuple[int, ...], plain: bool) -> None:
    tensor = Tensor(Descriptor(shape, channels_last=True))
    assert tensor.descriptor.is_plain is plain
    tensor.array[...] = np.arange(tensor.descriptor.count).reshape(shape)
    assert bool((np.diff(tensor.flat) == 1).all()) is plain


def test_descriptors_are_values_and_tensors_are_things() -> None:
    assert Descriptor((2,)) == Descriptor((2,))
    assert hash(Descriptor((2,))) == hash(Descriptor((2,)))
    one, two = Tensor(Descriptor((2,))), Tensor(Descriptor((2,)))
    assert one != two
    assert len({one, two}) == 2


def test_array_shows_caffe_order_of_channels_last_memory() -> None:
    tensor = Tensor(Descriptor((2, 3, 4, 5), channels_last=True))
    tensor.array[1, 2, 3, 4] = 7
    assert tensor.array.shape == (2, 3, 4, 5)
    assert tensor.flat.reshape(2, 4, 5, 3)[1, 3, 4, 2] == 7
    assert np.count_nonzero(tensor.flat) == 1


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 1000])
def test_memory_is_aligned_and_zero(nbytes: int) -> None:
    memory = allocate(nbytes)
    assert memory.size == nbytes
    assert not memory.any()
    assert memory.ctypes.data % ALIGNMENT == 0 or nbytes == 0


def test_address_is_that_of_the_first_element() -> None:
    tensor = Tensor(Descriptor((2, 3, 4, 5), channels_last=True))
    assert tensor.address == tensor.array.ctypes.data == tensor.flat.ctypes.data


def test_a_view_shares_memory_and_must_have_as_many_bytes() -> None:
    tensor = Tensor(Descriptor((2, 6)))
    view = tensor.viewed(tensor.descriptor.viewed(3, 4))
    view.array[0, 3] = 5
    assert tensor.array[0, 3] == 5
    assert view.address == tensor.address
    with pytest.raises(ValueError, match="sizes differ"):
        tensor.viewed(Descriptor((5,)))


def test_a_part_starts_at_an_element() -> None:
    tensor = Tensor(Descriptor((64,), "float64"))
    part = tensor.part(16, Descriptor((2, 8), "float64"))
    part.array[0, 0] = 3
    assert tensor.array[16] == 3
    assert part.address == tensor.address + 16 * 8


def test_given_memory_may_be_larger() -> None:
    memory = allocate(100)
    tensor = Tensor(Descriptor((4,)), memory)
    tensor.array[...] = 1
    assert memory.view("float32").sum() == 4


def test_a_tensor_is_freed_when_nobody_holds_it() -> None:
    tensor = Tensor(Descriptor((4,)))
    reference = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert reference() is None


def test_repr_says_shape_and_order() -> None:
    assert "channels-last" in repr(Tensor(Descriptor((1, 2, 3, 4), channels_last=True)))
    assert "(2, 3)" in repr(Tensor(Descriptor((2, 3))))
