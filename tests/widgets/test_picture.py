"""The still picture with its panels."""

from __future__ import annotations

import importlib.util
import io
import math
from typing import Any

import numpy as np
import pytest

from owlkit_widgets import sampler as sampling
from owlkit_widgets.norms import Norms
from owlkit_widgets.picture_filters import grid_of
from owlkit_widgets.picture_layers import _Columns
from owlkit_widgets.words import log_ratio, norm, percent

from .fake_net import CAFFENET, LENET, FakeSolver, resnet152
from .fake_run import FakeRun

if any(importlib.util.find_spec(name) is None for name in ("anywidget", "matplotlib", "PIL")):
    pytest.skip("needs anywidget and matplotlib (extra notebook)", allow_module_level=True)

from PIL import Image

from owlkit_widgets.assets import light_tokens
from owlkit_widgets.monitor import Monitor


def frozen(layer: int, iteration: int) -> float:
    return -5.0 if layer == 2 and iteration > 60 else -3.0


def picture(solver: FakeSolver, monkeypatch: pytest.MonkeyPatch, **options: Any) -> np.ndarray:
    """Pixels (height, width, 3) of the picture of a run of 120 iterations."""
    for name in ("PERIOD", "FILTERS_PERIOD"):
        monkeypatch.setattr(sampling, name, 0.0)
    monkeypatch.setattr(sampling, "SHARE", math.inf)
    monkeypatch.setattr(Monitor, "send", lambda self, content, buffers=None: None)
    run = FakeRun(solver=solver, test_interval=20, max_iter=200, **options)
    monitor = Monitor(run)
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
    pixels = picture(solver, monkeypatch)
    assert pixels.shape[0] > 1500
    assert ink(pixels, "r-5") > 2000, "nothing is frozen"
    assert ink(pixels, "warn") > 100, "no dead filter is marked"
    healthy = picture(FakeSolver(CAFFENET, (96, 3, 11, 11)), monkeypatch)
    assert ink(healthy, "r-5") < 0.2 * ink(pixels, "r-5")


def test_many_layers_and_two_test_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = FakeSolver(resnet152(), (64, 3, 7, 7), frozen)
    pixels = picture(solver, monkeypatch, test_nets=("val", "holdout"))
    assert 1900 < pixels.shape[0] < 2400
    one = picture(FakeSolver(LENET), monkeypatch)
    two = picture(FakeSolver(LENET), monkeypatch, test_nets=("val", "holdout"))
    assert ink(two, "acc") > 1.3 * ink(one, "acc")


def test_what_is_not_finite_is_hatched(monkeypatch: pytest.MonkeyPatch) -> None:
    calm, bad = (picture(FakeSolver(LENET, nan_at=at), monkeypatch) for at in (None, 80))
    assert ink(bad, "bad", 40) > ink(calm, "bad", 40) + 200


def test_a_pixel_shows_what_stands_out() -> None:
    norms = Norms(1)
    for i in range(1, 1001):
        norms.add(i, np.array([[1], [0.5 if i == 500 else 1e-3]], np.float32))
    iters, values = norms.columns()
    found = _Columns(iters, 4000.0).of(np.log10(values[:, 1]))
    assert found[0][np.isfinite(found[0])].max() == pytest.approx(math.log10(0.5))
    assert np.isnan(found[0][-1])
    assert np.isfinite(found[0][0])


def test_grids_are_full_and_fit() -> None:
    assert [grid_of(n, 760)[:2] for n in (96, 20, 64, 0)] == [(4, 24), (2, 10), (4, 16), (0, 1)]
    for n in (1, 6, 50, 256):
        rows, columns, tile, gap = grid_of(n, 760)
        assert rows * columns >= n
        assert columns * tile + (columns - 1) * gap <= 761


def test_numbers() -> None:
    assert [log_ratio(-3.456), log_ratio(math.nan)] == ["−3.46", "–"]
    assert [norm(15.512, 3), norm(9.1e-4, 2), norm(0.0, 2), norm(math.inf, 2)] == [
        "15.5",
        "9.1 × 10⁻⁴".replace(" ", "\u202f"),
        "0",
        "NaN",
    ]
    assert [percent(0.9917), percent(None)] == ["99.2", "–"]
