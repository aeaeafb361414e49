"""Stochastic pooling: Caffe's draw, its mean in the test phase, and gradients of both."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from owlkit.spec import L, NetSpec
from tests.support.gradient import check, check_gradients, report_on
from tests.support.one_layer import OneLayer

SHAPES = [
    ("kernel_size: 2 stride: 2", (2, 3, 6, 8)),
    ("kernel_size: 3 stride: 2", (2, 3, 6, 7)),  # overlapping, and cut off at the edge
    ("kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 1", (1, 2, 7, 5)),
    ("kernel_size: 2 stride: 3", (2, 1, 7, 7)),  # the last windows are empty
    ("global_pooling: true", (2, 3, 4, 5)),
]


def activations(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """As behind a ReLU: not negative, with zeros."""
    return np.maximum(np.random.default_rng(seed).standard_normal(shape), 0)


def pooling(fields: str, x: np.ndarray, phase: str = "train", dtype: str = "float64") -> OneLayer:
    body = f'type: "Pooling" pooling_param {{ pool: STOCHASTIC {fields} }}'
    return OneLayer(body, x, phase=phase, dtype=dtype, seed=5)


def windows(net: OneLayer) -> itertools.chain[tuple[tuple[int, ...], np.ndarray]]:
    """(place in the top, values of its window row by row)."""
    x, y = net.bottom[0].data, net.top[0]
    (kh, kw), (sh, sw) = net.layer.kernel_shape, net.layer.stride  # type: ignore[attr-defined]
    return itertools.chain(
        ((n, c, i, j), x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw].ravel())
        for n, c, i, j in np.ndindex(*y.shape)
    )


@pytest.mark.parametrize(("fields", "shape"), SHAPES)
def test_draws_the_first_value_whose_running_sum_reaches_the_threshold(
    fields: str, shape: tuple[int, ...]
) -> None:
    net = pooling(fields, activations(shape))
    state = net.layer.rng.bit_generator.state
    (y,) = net.forward()
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    n, c, h, w = y.shape
    u = (1 - rng.random((n, h, w, c), np.float32)).transpose(0, 3, 1, 2)
    for place, values in windows(net):
        expected = 0.0
        if values.size:
            running = np.cumsum(values)
            expected = values[np.argmax(running >= u[place] * running[-1])]
        assert y[place] == expected


@pytest.mark.parametrize(("fields", "shape"), SHAPES)
def test_in_the_test_phase_values_weigh_themselves(fields: str, shape: tuple[int, ...]) -> None:
    net = pooling(fields, activations(shape), phase="test")
    (y,) = net.forward()
    for place, values in windows(net):
        total = values.sum()
        assert y[place] == pytest.approx((values**2).sum() / total if total > 0 else 0)


def test_values_are_drawn_in_proportion() -> None:
    x = np.array([1.0, 0, 3, 4]).reshape(1, 1, 2, 2).repeat(400, 0).repeat(50, 1)
    (y,) = pooling("kernel_size: 2", x).forward()
    shares = [np.mean(y == value) for value in (1, 0, 3, 4)]
    np.testing.assert_allclose(shares, [1 / 8, 0, 3 / 8, 4 / 8], atol=0.015)


def test_the_mean_of_the_draws_is_the_value_of_the_test_phase() -> None:
    x = np.array([1.0, 2, 3, 4]).reshape(1, 1, 2, 2).repeat(400, 0).repeat(50, 1)
    drawn, mean = (pooling("kernel_size: 2", x, phase).forward()[0] for phase in ("train", "test"))
    assert (mean == 3).all()
    assert drawn.mean() == pytest.approx(3, abs=0.03)


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize(("fields", "shape"), SHAPES)
def test_gradient(fields: str, shape: tuple[int, ...], phase: str) -> None:
    x = np.random.default_rng(1).uniform(0.2, 1.2, shape)
    report = report_on(pooling(fields, x, phase)).raise_if_wrong()
    assert all(row.nonzero >= 0.05 and row.kinks == 0 for row in report.rows)


def test_gradient_goes_to_the_value_that_was_drawn_also_where_windows_overlap() -> None:
    net = pooling("kernel_size: 2 stride: 1", np.random.default_rng(2).permutation(25).reshape(1, 1, 5, 5))
    (y,) = net.forward()
    (dx,) = net.backward(1)
    times_drawn = {value: int((y == value).sum()) for value in np.unique(y)}
    assert {x: int(d) for x, d in zip(net.bottom[0].data.flat, dx.flat, strict=True) if d} == times_drawn


def test_backward_uses_the_draw_of_the_last_forward() -> None:
    x = np.arange(1.0, 65).reshape(1, 1, 8, 8)
    net = pooling("kernel_size: 4 stride: 4", x)
    seen = set()
    for _ in range(4):
        (y,) = net.forward()
        (dx,) = net.backward(1)
        assert sorted(x[dx > 0]) == sorted(y.ravel())
        seen.add(tuple(y.ravel()))
    assert len(seen) > 1


def test_zeros_give_zero_and_the_gradient_goes_to_the_first_of_them() -> None:
    """Caffe: with a threshold of 0 the first running sum reaches it."""
    net = pooling("kernel_size: 2 stride: 2", np.zeros((1, 1, 4, 4)))
    assert not net.forward()[0].any()
    assert net.backward(1)[0][0, 0].tolist() == [[1, 0, 1, 0], [0] * 4] * 2


def test_where_no_running_sum_reaches_the_threshold_nothing_is_drawn() -> None:
    """Possible with negative sums only; Caffe leaves memory unwritten there."""
    net = pooling("kernel_size: 2 stride: 2", np.full((1, 1, 64, 64), -1.0))
    (y,) = net.forward()
    assert sorted(np.unique(y)) == [-1, 0]
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.05)  # u < 1/4: the first sum is below it already
    (dx,) = net.backward(1)
    np.testing.assert_array_equal(dx.reshape(32, 2, 32, 2).sum((1, 3)), -y[0, 0])


def test_in_the_test_phase_a_sum_that_is_not_positive_gives_zero() -> None:
    x = np.zeros((1, 1, 4, 4))
    x[:, :, 2:] = -1
    net = pooling("kernel_size: 2 stride: 2", x, "test")
    assert not net.forward()[0].any()
    assert not net.backward(1)[0].any()


@pytest.mark.parametrize("phase", ["train", "test"])
def test_nan_is_not_hidden(phase: str) -> None:
    net = pooling("kernel_size: 2 stride: 2", np.ones((1, 1, 4, 4)), phase)
    net.bottom[0].data[0, 0, 0, 0] = np.nan
    assert np.isnan(net.forward()[0]).ravel().tolist() == [True, False, False, False]


def test_float32_draws_what_float64_draws() -> None:
    x = activations((2, 5, 8, 8)).astype(np.float32)
    single, double = (pooling("kernel_size: 2 stride: 2", x, dtype=d) for d in ("float32", "float64"))
    (y,) = single.forward()
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, double.forward()[0])
    np.testing.assert_array_equal(single.backward(1)[0], double.backward(1)[0])


def test_a_net_draws_by_its_seed_and_anew_in_every_pass() -> None:
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3, 8, 8]))
    n.y = L.Pooling(n.x, pool="STOCHASTIC", kernel_size=2, stride=2)
    x = np.random.default_rng(0).random((2, 3, 8, 8))
    nets = [Net(n, phase="train", seed=seed) for seed in (1, 1, 2)]
    first = [net.forward(x=x)["y"].copy() for net in nets]
    assert np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(nets[0].forward(x=x)["y"], first[0])


@pytest.mark.parametrize("phase", ["train", "test"])
def test_pyramid_draws_level_by_level(phase: str) -> None:
    body = 'type: "SPP" spp_param { pyramid_height: 3 pool: STOCHASTIC }'
    x = np.random.default_rng(3).uniform(0.2, 1.2, (2, 2, 4, 8))
    net = OneLayer(body, x, phase=phase, dtype="float64")
    (y,) = net.forward()
    assert y.shape == (2, 2 * 21)
    if phase == "train":
        assert np.isin(y, x).all()
    check_gradients(net)


def test_pyramid_of_one_level_passes_the_gradient_check() -> None:
    x = np.random.default_rng(3).uniform(0.2, 1.2, (2, 2, 2, 2))
    check("passes", 'type: "SPP" spp_param { pyramid_height: 1 pool: STOCHASTIC }', x)


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ('type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 pad: 1 }', (1, 1, 5, 5),
         r"l \(Pooling\): STOCHASTIC pooling takes no padding, found pad \(1, 1\)"),
        ('type: "SPP" spp_param { pyramid_height: 2 pool: STOCHASTIC }', (1, 1, 5, 4),
         "no padding, but 5x4 cut into 2x2 equal parts needs it; lower pyramid_height"),
    ],
)  # fmt: skip
def test_padding_is_refused_as_in_caffe(body: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(body, shape)


def test_a_second_top_is_for_max_only() -> None:
    with pytest.raises(NetError, match="only MAX pooling has a second top"):
        OneLayer('type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 }', (1, 1, 4, 4), tops=2)
