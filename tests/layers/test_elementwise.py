"""AbsVal, Power, Exp, Log, Clip, Threshold, BNLL, ELU, Swish and PReLU: values, gradients, and edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer

Function = Callable[[np.ndarray], np.ndarray]

# body, f, f'; x is in (0.1, 3) where a logarithm or a fractional power is taken, else in (-3, 3)
FUNCTIONS: dict[str, tuple[str, Function, Function]] = {
    "AbsVal": ("", np.abs, np.sign),
    "Power": (
        "power_param { power: 3 scale: -0.5 shift: 2 }",
        lambda x: (2 - 0.5 * x) ** 3,
        lambda x: -1.5 * (2 - 0.5 * x) ** 2,
    ),
    "Power square": ("power_param { power: 2 }", lambda x: x**2, lambda x: 2 * x),
    "Power line": ("power_param { scale: 3 shift: 1 }", lambda x: 1 + 3 * x, lambda x: 3 + 0 * x),
    "Power root": ("power_param { power: 0.5 }", np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "Power constant": ("power_param { power: 0 }", lambda x: 1 + 0 * x, lambda x: 0 * x),
    "Exp": ("", np.exp, np.exp),
    "Exp base": (
        "exp_param { base: 2 scale: 0.5 shift: -1 }",
        lambda x: 2 ** (0.5 * x - 1),
        lambda x: 0.5 * np.log(2) * 2 ** (0.5 * x - 1),
    ),
    "Log": ("", np.log, lambda x: 1 / x),
    "Log base": (
        "log_param { base: 10 scale: 2 shift: 1 }",
        lambda x: np.log10(2 * x + 1),
        lambda x: 2 / (np.log(10) * (2 * x + 1)),
    ),
    "Clip": (
        "clip_param { min: -1 max: 0.5 }",
        lambda x: np.clip(x, -1, 0.5),
        lambda x: (x >= -1) & (x <= 0.5),
    ),
    "BNLL": ("", lambda x: np.log1p(np.exp(x)), lambda x: 1 / (1 + np.exp(-x))),
    "ELU": (
        "elu_param { alpha: 0.7 }",
        lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)),
        lambda x: np.where(x > 0, 1, 0.7 * np.exp(x)),
    ),
    "ELU negative": (
        "elu_param { alpha: -0.7 }",
        lambda x: np.where(x > 0, x, -0.7 * np.expm1(x)),
        lambda x: np.where(x > 0, 1, -0.7 * np.exp(x)),
    ),
    "Swish": (
        "",
        lambda x: x / (1 + np.exp(-x)),
        lambda x: 1 / (1 + np.exp(-x)) + x * np.exp(-x) / (1 + np.exp(-x)) ** 2,
    ),
    "Swish beta": (
        "swish_param { beta: -1.5 }",
        lambda x: x / (1 + np.exp(1.5 * x)),
        lambda x: 1 / (1 + np.exp(1.5 * x)) - 1.5 * x * np.exp(1.5 * x) / (1 + np.exp(1.5 * x)) ** 2,
    ),
    "PReLU": (
        "prelu_param { channel_shared: true }",
        lambda x: np.where(x > 0, x, 0.25 * x),
        lambda x: np.where(x > 0, 1, 0.25),
    ),
}


@pytest.mark.parametrize("in_place", [False, True], ids=["apart", "in_place"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_gradient(name: str, dtype: str, in_place: bool) -> None:
    """In place as well, where Caffe refuses (AbsVal) or gives a wrong gradient (Log, Power, Clip)."""
    body, function, derivative = FUNCTIONS[name]
    rng = np.random.default_rng(1)
    positive = name in ("Log", "Log base", "Power root")
    x = rng.uniform(0.1 if positive else -3, 3, (2, 3, 4, 5)).astype(np.float32).astype(np.float64)
    net = OneLayer(f'type: "{name.split()[0]}" {body}', x, dtype=dtype)
    for blob in net.layer.blobs:
        blob.data[...] = 0.25
    if in_place:
        net.top = net.bottom
        net.reshape()
    tolerance = 1e-5 if dtype == "float32" else 1e-7
    np.testing.assert_allclose(net.forward()[0], function(x), tolerance, tolerance)
    dy = rng.standard_normal(x.shape).astype(np.float32)
    net.top[0].diff[...] = dy
    net.layer.backward(net.top, [True], net.bottom)
    np.testing.assert_allclose(net.bottom[0].diff, dy * derivative(x), tolerance, tolerance)


@pytest.mark.parametrize(("kind", "slope"), [("AbsVal", 0), ("BNLL", 0.5), ("ELU", 1)])
def test_slope_at_zero(kind: str, slope: float) -> None:
    net = OneLayer(f'type: "{kind}"', [0.0])
    net.forward()
    assert net.backward(1)[0] == pytest.approx(slope)


def test_bounds_of_clip_pass_gradient() -> None:
    net = OneLayer('type: "Clip" clip_param { min: -1 max: 2 }', [-1.0, 2.0, -1.01, 2.01])
    net.forward()
    np.testing.assert_array_equal(net.backward(1)[0], [1, 1, 0, 0])


def test_gradient_of_a_power_at_zero_is_finite() -> None:
    """Caffe computes power * y / x where shift is 0: 0 / 0."""
    net = OneLayer('type: "Power" power_param { power: 3 }', [0.0, 2.0])
    net.forward()
    np.testing.assert_allclose(net.backward(1)[0], [0, 12])


def test_logarithm_of_a_negative_number_is_nan_in_silence() -> None:
    values = OneLayer('type: "Log"', [-1.0, 1.0]).forward()[0]
    np.testing.assert_array_equal(values, [np.nan, 0])


def test_bnll_of_large_values_does_not_overflow() -> None:
    net = OneLayer('type: "BNLL"', [200.0, -200.0])
    np.testing.assert_allclose(net.forward()[0], [200, 0], atol=1e-30)
    np.testing.assert_allclose(net.backward(1)[0], [1, 0], atol=1e-30)


def test_swish_of_large_values_does_not_overflow() -> None:
    net = OneLayer('type: "Swish"', [1000.0, -1000.0])
    np.testing.assert_allclose(net.forward()[0], [1000, 0])
    np.testing.assert_allclose(net.backward(1)[0], [1, 0])


def test_threshold_is_strict_and_has_no_gradient() -> None:
    net = OneLayer('type: "Threshold" threshold_param { threshold: 0.5 }', [0.5, 0.51, -1.0])
    np.testing.assert_array_equal(net.forward()[0], [0, 1, 0])
    with pytest.raises(NetError, match="no gradient"):
        net.backward(1, propagate_down=[True])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('type: "Exp" exp_param { base: 0 }', "base must be positive"),
        ('type: "Log" log_param { base: -2 }', "base must be positive"),
        ('type: "Log" log_param { base: 1 }', "no logarithm to base 1"),
        ('type: "Clip" clip_param { min: 2 max: 1 }', "min 2 exceeds max 1"),
    ],
)
def test_what_cannot_be_is_refused(body: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(body, (2, 3))


# -- PReLU
def prelu(shape: tuple[int, ...], fields: str = "") -> OneLayer:
    net = OneLayer(f'type: "PReLU" prelu_param {{ {fields} }}', shape, dtype="float64")
    (a,) = net.layer.blobs
    a.data[...] = np.linspace(-0.5, 1.5, a.count).reshape(a.shape)
    return net


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 3), (2, 3, 6)])
def test_prelu_has_a_slope_for_each_channel(shape: tuple[int, ...]) -> None:
    net = prelu(shape)
    x, a = net.bottom[0].data.copy(), net.layer.blobs[0]
    spread = a.data.reshape(1, 3, *(1,) * (len(shape) - 2))
    np.testing.assert_allclose(net.forward()[0], np.where(x > 0, x, spread * x))
    dy = np.random.default_rng(2).standard_normal(shape)
    a.clear_diff()
    (dx,) = net.backward(dy)
    np.testing.assert_allclose(dx, dy * np.where(x > 0, 1, spread))
    expected = np.moveaxis(dy * np.minimum(x, 0), 1, 0).reshape(3, -1).sum(axis=1)
    np.testing.assert_allclose(a.diff, expected)
    net.backward(dy)
    np.testing.assert_allclose(a.diff, 2 * expected)


def test_shared_slope_is_one_number_that_starts_at_a_quarter() -> None:
    net = OneLayer('type: "PReLU" prelu_param { channel_shared: true }', (2, 3))
    assert net.layer.blobs[0].shape == ()
    assert net.layer.fillers[0].value == 0.25


def test_prelu_gradient_is_left_alone_where_lr_mult_is_zero() -> None:
    net = prelu((2, 3))
    net.layer.param_propagate_down[0] = False
    net.layer.blobs[0].diff[...] = 7
    net.forward()
    net.backward(1)
    assert (net.layer.blobs[0].diff == 7).all()
