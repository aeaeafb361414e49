"""Filters as pictures: scale, colour order, errors, and one figure per cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.inspection.filters import MOST_TILES, draw_tiles, filter_tiles, show_filters

plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is in the notebook extra")


def net_with(**weights: np.ndarray) -> Any:
    """Something with a net's `params`."""
    return SimpleNamespace(params={name: [SimpleNamespace(data=w)] for name, w in weights.items()})


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
    figure = show_filters(net_with(conv1=np.ones((20, 1, 5, 5))), "conv1")
    assert plt.get_fignums() == []
    assert sum(bool(axes.images) for axes in figure.axes) == 20


def test_tiles_carry_labels() -> None:
    figure = draw_tiles(np.zeros((3, 4, 4)), labels=["a", "b", "c"])
    assert [axes.get_title() for axes in figure.axes][:3] == ["a", "b", "c"]


def test_errors_name_what_there_is() -> None:
    net = net_with(conv1=np.ones((2, 1, 3, 3)), ip1=np.ones((10, 20)))
    with pytest.raises(NetError, match=r"conv2.*did you mean 'conv1'.*conv1, ip1"):
        show_filters(net, "conv2")
    with pytest.raises(NetError, match=r"ip1: its weights have shape \(10, 20\)"):
        show_filters(net, "ip1")
