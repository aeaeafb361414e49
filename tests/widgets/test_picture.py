"""The still picture with its panels."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from owlkit_widgets import sampler as sampling
from owlkit_widgets.histograms import BINS, FIELDS, histogram
from owlkit_widgets.norms import Norms
from owlkit_widgets.picture_chart import loss_range
from owlkit_widgets.picture_filters import grid_of
from owlkit_widgets.picture_layers import LayersPanel
from owlkit_widgets.picture_map import stages
from owlkit_widgets.picture_rows import HISTOGRAM, Opened, histogram_words, rows_of
from owlkit_widgets.picture_strips import Columns, densities, value_axis
from owlkit_widgets.words import log_ratio, norm, percent

from .fake_net import CAFFENET, LENET, FakeSolver, googlenet, resnet152, squeezenet
from .fake_run import FakeRun

if any(importlib.util.find_spec(name) is None for name in ("anywidget", "matplotlib", "PIL")):
    pytest.skip("needs anywidget and matplotlib (extra notebook)", allow_module_level=True)

from PIL import Image

from owlkit_widgets.assets import light_tokens
from owlkit_widgets.monitor import Monitor


def frozen(layer: int, iteration: int) -> float:
    return -5.0 if layer == 2 and iteration > 60 else -3.0


def picture(
    solver: FakeSolver, monkeypatch: pytest.MonkeyPatch, opened: tuple[str, ...] = (), **options: Any
) -> np.ndarray:
    """Pixels (height, width, 3) of the picture of a run of 120 iterations. opened : layers, by the person."""
    for name in ("PERIOD", "FILTERS_PERIOD"):
        monkeypatch.setattr(sampling, name, 0.0)
    monkeypatch.setattr(sampling, "SHARE", math.inf)
    monkeypatch.setattr(Monitor, "send", lambda self, content, buffers=None: None)
    run = FakeRun(solver=solver, test_interval=20, max_iter=200, **options)
    monitor = Monitor(run)
    monitor.view = {**monitor.view, "layerOpen": list(opened)}
    run._state("running")
    for _ in range(12):
        run.advance(10)
        monitor.publish()
    data = monitor.picture()
    assert len(data) < 200_000
    monitor.close()
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def ink(pixels: np.ndarray, token: str, near: int = 14) -> int:
    """Pixels that have the colour of a token."""
    wanted = [int(light_tokens()[token][i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=-1) < near).sum())


def test_layers_and_filters_are_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = FakeSolver(CAFFENET, (96, 3, 11, 11), frozen)
    solver.goal[13] *= 0.001
    solver.noise[13] *= 0.001
    pixels = picture(solver, monkeypatch, opened=("conv2",))
    assert pixels.shape[0] > 1500
    assert ink(pixels, "r-5") > 2000, "nothing is frozen"
    assert ink(pixels, "warn") > 100, "no dead filter is marked"
    healthy = picture(FakeSolver(CAFFENET, (96, 3, 11, 11)), monkeypatch)
    assert ink(healthy, "m-3") < ink(pixels, "m-3") / 3
    assert pixels.shape[0] - healthy.shape[0] > 2 * 2 * HISTOGRAM, "nothing is open"
    assert ink(healthy, "r-5") < 0.2 * ink(pixels, "r-5")


def test_a_layer_of_filters_that_do_nothing_is_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = FakeSolver(LENET)
    solver.goal[...] = solver.noise[...] = 0  # a forgotten weight_filler
    assert ink(picture(solver, monkeypatch), "warn") > 500, "no filter is marked"


@pytest.mark.parametrize(
    ("course", "whole"),
    [
        (lambda layer, iteration: -5.0, ["▼ the whole net hardly moves"]),
        (lambda layer, iteration: -5.0 if iteration > 60 else -3.0, ["updates are small throughout"]),
        (lambda layer, iteration: -3.0, []),
    ],
)
def test_what_holds_of_the_whole_net_is_in_the_picture(
    course: Callable[[int, int], float], whole: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    chips = LayersPanel._chips
    monkeypatch.setattr(
        LayersPanel, "_chips", lambda self: told.extend(text for text, *_ in chips(self)) or chips(self)
    )
    picture(FakeSolver(LENET, course=course), monkeypatch)
    assert told == whole


@pytest.mark.parametrize("names", [squeezenet(), googlenet()], ids=["rows", "map"])
def test_layers_that_are_fixed_are_neither_coloured_nor_judged(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    chips = LayersPanel._chips
    monkeypatch.setattr(
        LayersPanel, "_chips", lambda self: told.extend(text for text, *_ in chips(self)) or chips(self)
    )

    def hot(layer: int, iteration: int) -> float:
        return -1.0

    tuned = picture(FakeSolver(names, course=hot, fixed=names[:-1]), monkeypatch)
    assert told == [f"▲ {names[-1]} hot"]
    everything = picture(FakeSolver(names, course=hot), monkeypatch)
    assert ink(everything, "r-1") > 10 * ink(tuned, "r-1")
    assert ink(tuned, "r-6") < 2000, "fixed layers are painted like frozen ones"

    def stuck(layer: int, iteration: int) -> float:
        return -math.inf if layer < len(names) - 1 else -1.0

    assert ink(picture(FakeSolver(names, course=stuck), monkeypatch), "r-6") > 20000, "who learns nothing is"


def test_many_layers_and_two_test_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = FakeSolver(resnet152(), (64, 3, 7, 7), frozen)
    pixels = picture(solver, monkeypatch, test_nets=("val", "holdout"))
    assert 1900 < pixels.shape[0] < 2400
    one = picture(FakeSolver(LENET), monkeypatch)
    two = picture(FakeSolver(LENET), monkeypatch, test_nets=("val", "holdout"))
    assert ink(two, "acc") > 1.3 * ink(one, "acc")


def test_stages_are_named_by_what_comes_before_the_own_number() -> None:
    assert stages(("conv1", "res2.0.1", "res2.1.1", "fire3/a", "fire3/b", "fc")) == [
        ("conv1", 0, 1), ("res2", 1, 3), ("fire3", 3, 5), ("fc", 5, 6),
    ]  # fmt: skip


def test_rows_of_layers_that_are_open() -> None:
    params = [{"index": i, "name": name, "fixed": not i} for i, name in enumerate(("weight", "bias"))]
    layers = [{"name": "a", "params": params}, {"name": "b", "params": params}]
    row = histogram(np.array([-2.0, 0, 0, 1e-4]))
    opened = Opened(("b",), {("b", "gradients"): [(10, row)]})
    found = [(r.name, r.main, r.param["index"], bool(r.moments)) for r in rows_of(layers, opened, 20)]
    assert found[:2] == [("a", True, 1, False), ("b", True, 1, False)]
    assert found[2:] == [("weight", False, 0, False), ("gradients", False, 1, True)]
    assert histogram_words(row) == "\u22122.0 to 1.0\u202f×\u202f10⁻⁴, 50\u202f% zero"


def test_densities_miss_no_bin() -> None:
    table = np.zeros((3, FIELDS + BINS), np.float32)
    table[:, :2] = [[0, 48], [-1, 1], [2, 2]]  # bins one wide; narrow bins; all values are the same
    table[0, FIELDS + 7] = 0.5
    table[1, FIELDS + 40] = 0.25
    table[2, FIELDS + BINS // 2] = 1.0
    shares = densities(table, np.linspace(48, -48, 97))
    assert np.flatnonzero(shares[0]).tolist() == [40, 41], "value 7 to 8, and the edge at which it begins"
    assert shares[1].max() == 1.0
    assert np.flatnonzero(shares[2]).tolist() == [45, 46]
    assert value_axis(table) == (-1.0, 48.0)
    assert value_axis(table[2:]) == (-1.0, 1.0)


def test_what_is_not_finite_is_hatched(monkeypatch: pytest.MonkeyPatch) -> None:
    calm, bad = (picture(FakeSolver(LENET, nan_at=at), monkeypatch) for at in (None, 80))
    assert ink(bad, "bad", 40) > ink(calm, "bad", 40) + 200


@pytest.mark.parametrize(("now", "end"), [(3000, 0.75), (3400, 0.85)])
def test_a_row_says_nothing_of_the_iterations_before_it_and_holds_until_now(now: int, end: float) -> None:
    found = Columns(np.array([3000]), now, 4000.0).of(np.array([[-2.0]]))[0]
    at = np.flatnonzero(np.isfinite(found)) / len(found)
    assert len(at) >= 1
    assert at.min() == pytest.approx(0.75, abs=0.002)
    assert at.max() == pytest.approx(end, abs=0.002)


def test_a_row_holds_from_its_iteration_to_the_next() -> None:
    """A rate that is lowered at 2000 is seen there, however long ago the sample before was."""
    found = Columns(np.array([1000, 2000, 2100]), 4000, 4000.0).of(np.array([[-2.0], [-3.0], [-4.0]]))[0]
    begin = [np.flatnonzero(found == value)[0] / len(found) for value in (-2.0, -3.0, -4.0)]
    assert begin == pytest.approx([0.25, 0.5, 0.525], abs=0.003)
    assert found[-1] == -4.0


def test_a_pixel_shows_what_stands_out() -> None:
    norms = Norms(1)
    for i in range(1, 1001):
        norms.add(i, np.array([[1], [0.5 if i == 500 else 1e-3]], np.float32))
    iters, values = norms.columns()
    found = Columns(iters, 1000, 4000.0).of(np.log10(values[:, 1]))
    assert found[0][np.isfinite(found[0])].max() == pytest.approx(math.log10(0.5))
    assert np.isnan(found[0][-1])
    assert np.isfinite(found[0][0])


def learned(state: str, log: bool, *, blown_up: bool = False) -> Any:
    """What a picture knows of a net that learns as LeNet does: nine in ten losses lie far below the first."""
    step = np.arange(4000)
    mean = 2.3 * np.exp(-step / 40) + 0.01 * (1.5 + np.sin(step))
    smoothed = np.concatenate([mean, [1e9]]) if blown_up else mean
    points = {"mean": smoothed.astype(np.float32)}
    tests = [(i, 0.02) for i in range(0, 4000, 100)]
    return SimpleNamespace(
        points=points, smoothed=smoothed, behind=[], pasts=[], state=state, log=log,
        test_nets=[0], tested=lambda what, net: tests,
    )  # fmt: skip


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("state", "blown_up"), [("running", False), ("finished", False), ("diverged", True)])
def test_where_the_curve_begins_is_in_sight(state: str, blown_up: bool, log: bool) -> None:
    low, high = loss_range(learned(state, log, blown_up=blown_up)) or (math.nan, math.nan)
    assert 2.3 < high < 3
    assert low < 0.02


def test_a_logarithmic_axis_holds_what_stands_out_upwards() -> None:
    spike = learned("running", True)
    spike.points["mean"][3001] = 50
    assert (loss_range(spike) or (0, 0))[1] == 50
    spike.log = False
    assert (loss_range(spike) or (0, 0))[1] < 3


def test_losses_below_zero_are_in_sight() -> None:
    facts = learned("diverged", False)
    facts.points["mean"] = facts.smoothed = np.array([-1.0, -2.0, -3.0])
    facts.tested = lambda what, net: []
    assert loss_range(facts) == (-3, -1)


def test_grids_are_full_and_fit() -> None:
    assert [grid_of(n, 760)[:2] for n in (96, 20, 64, 0)] == [(4, 24), (2, 10), (4, 16), (0, 1)]
    for n in (1, 6, 50, 256):
        rows, columns, tile, gap = grid_of(n, 760)
        assert rows * columns >= n
        assert columns * tile + (columns - 1) * gap <= 761


def test_numbers() -> None:
    assert [log_ratio(-3.456), log_ratio(math.nan), log_ratio(-math.inf)] == ["−3.46", "–", "−∞"]
    assert [norm(15.512, 3), norm(9.1e-4, 2), norm(0.0, 2), norm(math.inf, 2)] == [
        "15.5",
        "9.1 × 10⁻⁴".replace(" ", "\u202f"),
        "0",
        "NaN",
    ]
    assert [percent(0.9917), percent(None)] == ["99.2", "–"]
