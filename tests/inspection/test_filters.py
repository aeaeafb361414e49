"""Filters as pictures: scale, colour order, errors, and one figure per cell."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.inspection.filter_health import filter_health
from owlkit.inspection.filters import MOST_TILES, filter_tiles, show_filters

plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is in the notebook extra")


def net_with(**weights: np.ndarray) -> Any:
    """Something with a net's `params`, which nobody trains."""
    params = {name: [SimpleNamespace(data=w)] for name, w in weights.items()}
    return SimpleNamespace(params=params, at_rest=nullcontext)


def test_zero_is_grey_and_the_largest_weight_white() -> None:
    weights = np.array([0.0, 2.0, -2.0, 1.0]).reshape(1, 1, 2, 2)
    assert filter_tiles(weights).ravel() == pytest.approx([0.5, 1, 0, 0.75])


def test_all_weights_zero_is_all_grey() -> None:
    assert (filter_tiles(np.zeros((2, 1, 3, 3))) == 0.5).all()


def test_three_inputs_are_bgr_as_in_caffe() -> None:
    blue = np.zeros((1, 3, 1, 1))
    blue[0, 0] = 1
    assert filter_tiles(blue).ravel() == pytest.approx([0.5, 0.5, 1])
    assert filter_tiles(blue, channels="RGB").ravel() == pytest.approx([1, 0.5, 0.5])
    with pytest.raises(ValueError, match="'GBR'"):
        filter_tiles(blue, channels="GBR")


def test_many_inputs_give_a_tile_for_each_pair() -> None:
    assert filter_tiles(np.ones((4, 5, 3, 3))).shape == (20, 3, 3)
    assert len(filter_tiles(np.ones((100, 20, 3, 3)))) == MOST_TILES


def test_the_figure_is_not_shown_twice() -> None:
    figure = show_filters(net_with(conv1=np.ones((20, 1, 5, 5))), "conv1", captions=True).figure()
    assert plt.get_fignums() == []
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text().isdigit()] == [
        str(index) for index in range(20)
    ]


def test_each_filter_on_its_own_scale_or_all_on_one() -> None:
    weights = np.array([1.0, 0.1]).reshape(2, 1, 1, 1)
    assert filter_tiles(weights, scale="shared").ravel() == pytest.approx([1, 0.55])
    assert filter_tiles(weights, scale="own").ravel() == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="'owned'"):
        show_filters(net_with(conv1=weights), "conv1", scale="owned")


def test_filters_that_do_no_work_are_found_and_marked() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:11, :11]
    waves = [np.sin(rows * k / 3 + columns * (5 - k) / 3 + k) for k in range(12)]
    weights = np.stack(waves)[:, None]
    weights[3] = 0.01 * weights[3]  # dead
    weights[8] = -1.1 * weights[5]  # the same up to scale and sign
    weights[10] = rng.standard_normal((1, 11, 11))  # noise
    seen = show_filters(net_with(conv1=weights), "conv1")
    assert seen.health.flags == {3: "dead", 5: "duplicate", 8: "duplicate", 10: "noise"}
    assert "1 dead, 1 duplicate pair, 1 still noise" in repr(seen)
    glyphs = sorted(text.get_text() for text in seen.figure().axes[0].texts)
    assert glyphs == sorted("∅==~")


def test_an_untrained_layer_is_all_noise_and_small_windows_are_not_judged() -> None:
    rng = np.random.default_rng(0)
    assert len(filter_health(rng.standard_normal((96, 3, 11, 11))).noise) > 80
    assert filter_health(rng.standard_normal((64, 3, 3, 3))).noise == ()


def test_errors_name_what_there_is() -> None:
    net = net_with(conv1=np.ones((2, 1, 3, 3)), ip1=np.ones((10, 20)))
    with pytest.raises(NetError, match=r"conv2.*did you mean 'conv1'.*conv1, ip1"):
        show_filters(net, "conv2")
    with pytest.raises(NetError, match=r"ip1: its weights have shape \(10, 20\)"):
        show_filters(net, "ip1")


@pytest.mark.parametrize("shape", [(20, 1, 5, 5), (96, 3, 11, 11), (1, 1, 5, 5), (4, 3, 1, 1), (1, 1, 1, 1)])
def test_a_forgotten_weight_filler_is_told_of_filter_by_filter(shape: tuple[int, ...]) -> None:
    seen = show_filters(net_with(conv1=np.zeros(shape, np.float32)), "conv1")
    assert seen.health.flags == dict.fromkeys(range(shape[0]), "dead")
    assert f"all {shape[0]} dead (their weights are 0)" in repr(seen)
    assert (seen.tiles == 0.5).all()
    seen.figure()


def test_what_is_no_number_harms_no_other_filter() -> None:
    weights = np.random.default_rng(0).standard_normal((6, 1, 7, 7))
    weights[2] = 0
    told = filter_health(weights)
    weights[4, 0, 0, 0] = np.nan
    weights[5, 0, 3, 3] = np.inf
    seen = show_filters(net_with(conv1=weights), "conv1", scale="shared")
    assert seen.health.broken == (4, 5)
    assert seen.health.dead == told.dead == (2,)
    assert np.isnan(seen.health.norms[4:]).all()
    assert seen.health.norms[:4] == pytest.approx(told.norms[:4])
    assert "2 with NaN or infinite weights" in repr(seen)
    assert np.isfinite(seen.tiles).all(), "and the scale is that of the others"
    assert seen.tiles[:4].std() > 0.1
    assert [text.get_text() for text in seen.figure().axes[0].texts].count("✕") == 2


def test_a_layer_with_nothing_but_nan() -> None:
    seen = show_filters(net_with(conv1=np.full((4, 3, 5, 5), np.nan)), "conv1")
    assert set(seen.health.flags.values()) == {"broken"}
    seen.figure()
