"""How channels are looked at, by the rules of the live view, and the figure that follows them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.inspection.activations import Activations, show_activations
from owlkit.inspection.channels import Channels, ChannelView
from tests.widgets.look_net import LABELS, halves, picture

pytest.importorskip("matplotlib", reason="figures need the notebook extra")

from owlkit.inspection import activations_figure
from owlkit.inspection.activations_figure import ActivationsFigure, short

TOKENS = Path(__file__).resolve().parents[2] / "widgets" / "js" / "src" / "tokens.css"


def some() -> np.ndarray:
    """(5, 2, 2): small; dead; the largest, at one place; broken; the one with the largest mean."""
    values = np.zeros((5, 2, 2), np.float32)
    values[0] = 0.5
    values[1] = -2
    values[2, 0, 1] = 8
    values[3] = np.nan
    values[4] = 3
    return values


def test_order_choice_and_who_is_picked() -> None:
    assert Channels(some()).ordered() == [0, 1, 2, 3, 4]
    assert Channels(some(), ChannelView(order="largest")).ordered() == [2, 4, 0, 3, 1]
    assert Channels(some(), ChannelView(order="mean")).ordered() == [4, 2, 0, 3, 1]
    assert Channels(some(), ChannelView(show="dead")).ordered() == [1, 3]
    assert (Channels(some()).dead.tolist(), Channels(some()).broken.tolist()) == ([1], [3])
    assert Channels(some()).selected == 4
    assert Channels(some(), ChannelView(selected=99)).selected == 4
    assert Channels(some()).ranking() == [2, 4, 0, 3, 1]


def test_scales() -> None:
    own, shared = Channels(some()), Channels(some(), ChannelView(scale="shared"))
    assert [own.limit(c) for c in range(5)] == [0.5, 8, 8, 8, 3], "dead and broken ones have the shared scale"
    assert [shared.limit(c) for c in range(5)] == [8] * 5
    assert own.shares(1).tolist() == [[-0.25] * 2] * 2
    units = Channels(np.array([1.0, -4.0], np.float32))
    assert (units.limit(0), units.most, units.dead.size) == (4, 4, 0)
    assert Channels(np.zeros((2, 3, 3), np.float32)).limit(0) == 1


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_the_figure_says_what_the_live_view_says() -> None:
    shown = show_activations(halves(), picture(), "conv")
    told = texts(shown.figure())
    for words in (
        "conv", "Convolution, 4 channels, 24 × 24", "#0", "Largest values, sorted",
        "\u2212its largest", "its own largest", "100", "10, 4", "1 of 4", "1 × 1",
        "boxed: what it sees where it answers most", "the image given, as the net got it: 24 × 24",
    ):  # fmt: skip
        assert words in told, words
    shared = texts(shown.figure(ChannelView(scale="shared", selected=2)))
    assert {"\u2212100", "100", "#2", "50.0"} <= set(shared)
    assert "its own largest" not in shared


def test_units_have_their_names_and_only_so_many_channels_are_drawn_as_wanted() -> None:
    told = texts(show_activations(halves(), picture(), "prob", labels=LABELS).figure())
    assert {"left · #0", "Strongest units", "left", "right", "Softmax, 3 units"} <= set(told)
    few = show_activations(halves(), picture(), "conv", channels=2).figure()
    assert "Convolution, 4 channels, 24 × 24; 2 shown" in texts(few)


@pytest.mark.parametrize("shape", [(3, 16, 16), (300, 2, 2), (1, 1, 9), (2, 150, 40), (12,)])
@pytest.mark.parametrize("image", [(20, 30), (30, 20, 3)])
def test_any_shape_can_be_drawn(shape: tuple[int, ...], image: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    figure = Activations("any", values, np.zeros(image, np.uint8)).figure()
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=40)
    assert 250 < figure.get_figheight() * 100 < 1100


def test_marked_and_picked_channels_have_frames() -> None:
    shown = Activations("marks", some(), np.zeros((4, 4), np.uint8))
    grid = ActivationsFigure(shown, Channels(shown.values)).figure.axes[0]
    frames = [patch.get_edgecolor() for patch in grid.patches]
    assert len(frames) == 3, "one is dead, one broken, one picked"
    healthy = Activations("none", np.ones((3, 2, 2), np.float32), np.zeros((4, 4), np.uint8))
    assert "Every channel has a positive value somewhere." in texts(healthy.figure(ChannelView(show="dead")))


def test_numbers() -> None:
    found = [short(x) for x in (0, 1.234, -0.5, 217, 15_040, 3.14e-5, float("nan"), float("-inf"))]
    assert found == ["0", "1.23", "−0.500", "217", "15\u202f000", "3.1 × 10⁻⁵", "NaN", "−Inf"]


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("RATIO", ["r-6", "r-5", "r-4", "r-3", "r-2", "r-1", "r-0"]),
        ("SIZE", ["m-0", "m-1", "m-2", "m-3", "m-4"]),
        *[(name, [token]) for name, token in (
            ("INK", "ink"), ("SOFT", "ink-2"), ("WARN", "warn"), ("BAD", "bad"), ("PLUS", "test"),
            ("MINUS", "train"), ("BARS", "m-2"),
        )],
    ],
)  # fmt: skip
def test_colours_are_the_light_ones_of_the_live_view(name: str, tokens: list[str]) -> None:
    sheet = TOKENS.read_text(encoding="utf-8")  # the light ones come first
    wanted = [re.findall(rf"--owl-{token}:\s*(#\w+)", sheet)[0] for token in tokens]
    found = getattr(activations_figure, name)
    assert ([found] if isinstance(found, str) else list(found)) == wanted
