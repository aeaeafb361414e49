"""Input and DummyData: shapes, and what is filled when."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer


def test_one_shape_serves_all_tops() -> None:
    net = OneLayer('type: "Input" input_param { shape { dim: 2 dim: 3 } }', tops=2)
    assert [blob.shape for blob in net.top] == [(2, 3), (2, 3)]


def test_each_top_its_shape() -> None:
    net = OneLayer('type: "Input" input_param { shape { dim: 2 } shape { dim: 4 dim: 1 } }', tops=2)
    assert [blob.shape for blob in net.top] == [(2,), (4, 1)]


def test_a_shape_changed_by_hand_stays() -> None:
    """In Caffe too: net.blobs['data'].reshape(...) then net.reshape() gives a new batch size."""
    net = OneLayer('type: "Input" input_param { shape { dim: 2 dim: 3 } }')
    net.top[0].reshape(5, 3)
    net.reshape()
    assert net.top[0].shape == (5, 3)


@pytest.mark.parametrize("body", ["", "shape { dim: 1 } shape { dim: 1 }"])
def test_a_wrong_number_of_shapes_is_an_error(body: str) -> None:
    with pytest.raises(NetError, match=r"[02] shapes for 3 tops"):
        OneLayer(f'type: "Input" input_param {{ {body} }}', tops=3)


def test_a_negative_axis_is_an_error() -> None:
    with pytest.raises(NetError, match=r"\(2, -1\) of top 't0'"):
        OneLayer('type: "Input" input_param { shape { dim: 2 dim: -1 } }')


def dummy(body: str, tops: int = 1) -> OneLayer:
    return OneLayer(f'type: "DummyData" dummy_data_param {{ {body} }}', tops=tops)


def test_constant_data_are_filled_once_and_random_data_before_every_forward() -> None:
    net = dummy(
        'shape { dim: 3 dim: 4 } data_filler { value: 2 } data_filler { type: "gaussian" std: 1 }', tops=2
    )
    constant, random = (array.copy() for array in net.forward())
    assert (constant == 2).all()
    net.top[0].data[...] = 7
    again = net.forward()
    assert (again[0] == 7).all()
    assert (again[1] != random).all()


def test_older_form_of_shapes() -> None:
    net = dummy("num: 2 num: 5 channels: 3 height: 4 width: 4", tops=2)
    assert [blob.shape for blob in net.top] == [(2, 3, 4, 4), (5, 3, 4, 4)]
    assert not net.forward()[0].any()


def test_random_data_repeat_with_the_seed() -> None:
    body = 'shape { dim: 6 } data_filler { type: "uniform" }'
    np.testing.assert_array_equal(dummy(body).forward()[0], dummy(body).forward()[0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("shape { dim: 2 } num: 2", "use shape only"),
        ("num: 2 channels: 3", "needs shape"),
        ("shape { dim: -2 }", "negative"),
        ("shape { dim: 2 } data_filler {} data_filler {}", "data_filler is given 2 times for 3 tops"),
        ('shape { dim: 2 } data_filler { type: "gausian" }', "did you mean 'gaussian'"),
    ],
)
def test_what_cannot_be_is_refused(body: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        dummy(body, tops=3).forward()
