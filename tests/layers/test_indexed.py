"""Embed and BatchReindex: rows chosen by data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer


def embed(numbers: Any, fields: str = "", width: int = 3, dtype: str = "float64") -> OneLayer:
    body = f'type: "Embed" embed_param {{ num_output: {width} input_dim: 5 {fields} }}'
    net = OneLayer(body, numbers, dtype=dtype)
    rng = np.random.default_rng(3)
    for blob in net.layer.blobs:
        blob.data[...] = rng.standard_normal(blob.shape)
    return net


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 2), (2, 1, 3, 2), ()])
@pytest.mark.parametrize("fields", ["", "bias_term: false"])
def test_embed(shape: tuple[int, ...], fields: str) -> None:
    numbers = np.random.default_rng(5).integers(0, 5, shape)
    net = embed(numbers, fields)
    w = net.layer.blobs[0].data
    expected = w[numbers] + (0 if fields else net.layer.blobs[1].data)
    np.testing.assert_allclose(net.forward()[0], expected)
    check_gradients(net)


def test_embed_of_wide_rows_adds_up_those_that_come_again() -> None:
    net = embed([1, 3, 1, 1], width=100)
    net.forward()
    net.layer.blobs[0].clear_diff()
    dy = np.random.default_rng(5).standard_normal((4, 100))
    net.backward(dy, propagate_down=[False])
    dw = net.layer.blobs[0].diff
    np.testing.assert_allclose(dw[[1, 3]], [dy[[0, 2, 3]].sum(axis=0), dy[1]])
    assert not dw[[0, 2, 4]].any()


def test_embed_leaves_a_fixed_table_alone() -> None:
    net = embed([1, 2])
    net.layer.param_propagate_down = [False, True]
    net.layer.blobs[0].diff[...] = 7
    net.forward()
    net.backward(1, propagate_down=[False])
    assert (net.layer.blobs[0].diff == 7).all()


@pytest.mark.parametrize("wrong", [5, -1, 1.5, np.nan, np.inf])
def test_a_number_without_a_row_is_told_with_its_place(wrong: float) -> None:
    net = embed([[0.0, 1.0], [wrong, 2.0]])
    message = rf"value {wrong:g} at index \(1, 0\) of blob 'b0' is no row \(whole numbers 0\.\.4\)"
    with pytest.raises(DataError, match=message) as caught:
        net.forward()
    assert caught.value.place == ("b0", 1)


@pytest.mark.parametrize("fields", ["num_output: 3", "input_dim: 3", "num_output: 0 input_dim: 1"])
def test_embed_needs_both_sizes(fields: str) -> None:
    with pytest.raises(NetError, match="of at least 1"):
        OneLayer(f'type: "Embed" embed_param {{ {fields} }}', [0])


def test_a_gradient_to_numbers_is_refused() -> None:
    net = embed([0, 1])
    net.forward()
    with pytest.raises(NetError, match="no gradient to its numbers"):
        net.backward(1, propagate_down=[True])
    net = OneLayer('type: "BatchReindex"', (3, 2), [0, 1])
    net.forward()
    with pytest.raises(NetError, match="cannot backpropagate to the numbers"):
        net.backward(1, propagate_down=[True, True])


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2, 5), (4, 70)])
@pytest.mark.parametrize("numbers", [[2, 0, 2, 3, 2], [1], []])
def test_batch_reindex(numbers: list[int], shape: tuple[int, ...]) -> None:
    net = OneLayer('type: "BatchReindex"', shape, np.array(numbers), dtype="float64")
    x, index = net.bottom[0].data.copy(), np.array(numbers, int)
    (y,) = net.forward()
    np.testing.assert_array_equal(y, x[index])
    dy = np.random.default_rng(5).standard_normal(y.shape)
    expected = np.zeros(shape)
    np.add.at(expected, index, dy)
    np.testing.assert_allclose(net.backward(dy)[0], expected)
    if len(numbers) > 1:
        check_gradients(net)


def test_batch_reindex_tells_mistakes() -> None:
    with pytest.raises(DataError, match=r"value 3 at index \(1,\).*bottom 'b0' has 3 items"):
        OneLayer('type: "BatchReindex"', (3, 2), [0, 3]).forward()
    with pytest.raises(NetError, match="one axis"):
        OneLayer('type: "BatchReindex"', (3, 2), [[0], [1]])
