"""Fillers against Caffe's formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.core.fillers import fan, fill, is_random
from owlkit.proto.caffe_pb2 import FillerParameter
from tests.support.shared import shared

SHAPE = (40, 30, 5, 5)


def filled(shape: tuple[int, ...] = SHAPE, dtype: str = "float32", **fields: Any) -> np.ndarray:
    array = np.full(shape, np.nan, dtype)
    fill(array, FillerParameter(**fields), np.random.default_rng(5))
    return array


def test_no_filler_means_zeros() -> None:
    array = np.ones(3, np.float32)
    fill(array, None, np.random.default_rng(0))
    assert (array == 0).all()


def test_constant_is_the_default_type_with_value_zero() -> None:
    assert (filled() == 0).all()
    assert (filled(value=0.25) == 0.25).all()


def test_uniform_covers_min_to_max() -> None:
    values = filled(type="uniform", min=-2, max=3)
    assert values.min() >= -2
    assert values.max() < 3
    assert values.mean() == pytest.approx(0.5, abs=0.05)
    assert values.std() == pytest.approx(5 / np.sqrt(12), rel=0.02)


def test_gaussian_has_mean_and_std() -> None:
    values = filled(type="gaussian", mean=1.5, std=0.3)
    assert values.mean() == pytest.approx(1.5, abs=0.01)
    assert values.std() == pytest.approx(0.3, rel=0.02)


def test_sparse_gaussian_keeps_that_many_inputs_per_output_on_average() -> None:
    """Caffe keeps each value with probability sparse / (number of outputs), not sparse / (inputs)."""
    values = filled((50, 400), type="gaussian", std=1, sparse=10)
    assert np.count_nonzero(values) == pytest.approx(50 * 400 * 10 / 50, rel=0.1)
    assert values[values != 0].std() == pytest.approx(1, rel=0.05)


def test_positive_unitball_sums_to_one_per_output() -> None:
    values = filled(type="positive_unitball")
    assert (values >= 0).all()
    np.testing.assert_allclose(values.reshape(40, -1).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(filled((), type="positive_unitball"), 1)


# fan_in = 30 * 25, fan_out = 40 * 25
@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 750), ("FAN_OUT", 1000), ("AVERAGE", 875)])
def test_xavier_and_msra_scale_by_the_fan(norm: str, n: int) -> None:
    xavier = filled(type="xavier", variance_norm=norm)
    limit = np.sqrt(3 / n)
    assert np.abs(xavier).max() <= limit * (1 + 1e-6)
    assert np.abs(xavier).max() > 0.99 * limit
    msra = filled(type="msra", variance_norm=norm)
    assert msra.std() == pytest.approx(np.sqrt(2 / n), rel=0.02)
    assert abs(msra.mean()) < 0.01 * limit * 10


def test_fans_of_few_axes() -> None:
    assert fan((6, 4), 0) == 4
    assert fan((6, 4), 1) == 6
    assert fan((7,), 0) == 1
    assert fan((7,), 1) == 7
    assert fan((), 0) == fan((), 1) == 1


@pytest.mark.parametrize("case", ["bilinear_k3_s2", "depthwise_bilinear"])
def test_bilinear_gives_the_weights_that_caffe_gives(case: str) -> None:
    with np.load(shared(f"golden/layers/deconvolution__{case}.npz")) as golden:
        expected = golden["param_0"]
    np.testing.assert_allclose(filled(expected.shape, type="bilinear"), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (2, 1, 3, 4)])
def test_bilinear_needs_a_square_kernel(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetError, match="square kernel"):
        filled(shape, type="bilinear")


def test_an_unknown_filler_is_an_error_with_the_closest_name() -> None:
    with pytest.raises(NetError, match=r"'xaver'.*did you mean 'xavier'"):
        filled(type="xaver")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "uniform", "min": 2, "max": 1}, "min 2 exceeds max 1"),
        ({"type": "gaussian", "std": -1}, "negative"),
        ({"type": "gaussian", "sparse": 41}, r"0\.\.40"),
        ({"type": "xavier", "sparse": 3}, "'gaussian' only"),
    ],
)
def test_values_that_a_filler_cannot_use_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NetError, match=message):
        filled(**fields)


@pytest.mark.parametrize("kind", ["uniform", "gaussian", "positive_unitball", "xavier", "msra"])
def test_random_fillers_repeat_with_the_seed_and_keep_the_dtype(kind: str) -> None:
    assert (filled(type=kind) == filled(type=kind)).all()
    assert filled(dtype="float64", type=kind).dtype == np.float64


def test_only_constant_is_not_random() -> None:
    assert not is_random(None)
    assert not is_random(FillerParameter())
    assert is_random(FillerParameter(type="gaussian"))


def test_a_channels_last_view_is_filled_in_place() -> None:
    memory = np.zeros((2, 4, 5, 3), np.float32)
    fill(memory.transpose(0, 3, 1, 2), FillerParameter(type="positive_unitball"), np.random.default_rng(0))
    np.testing.assert_allclose(memory.reshape(2, -1).sum(axis=1), 1, rtol=1e-5)
