"""The kernel's half of the filters widget: facts, what the images say, what a run has kept."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from owlkit import ImageInput, show_filters
from owlkit.inspection.patches import show_top_patches
from owlkit_widgets.answer_pixels import around
from owlkit_widgets.filmstrip import Filmstrip, Frame
from owlkit_widgets.filter_facts import drawable, facts
from owlkit_widgets.filters import FiltersWidget
from owlkit_widgets.filters_view import FiltersView
from owlkit_widgets.frontend import Frontend
from owlkit_widgets.run_view import RunView
from tests.widgets.filter_net import COUNT, DEAD, NOISE, SIDE, TWINS, pictures, planted

PREPARE = ImageInput(mean=128)


def wait(widget: FiltersWidget, unit: int, rank: int = 0) -> dict[str, Any]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found: dict[str, Any] = widget.unit
        if found["state"] == "failed":
            return found
        if found["state"] == "ready" and (found["unit"], found["where"]["rank"]) == (unit, rank):
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing was found for filter {unit}: {widget.unit}")


def test_what_was_put_in_is_found() -> None:
    found = facts(np.array(planted().params["conv1"][0].data))
    assert found["dead"] == [DEAD]
    assert found["noise"] == [NOISE]
    assert [pair[:2] for pair in found["duplicates"]] == [list(TWINS)]
    assert found["nearest"][TWINS[0]] == [TWINS[1], pytest.approx(1)]
    order = found["likeness"]
    assert sorted(order) == list(range(COUNT))
    assert abs(order.index(TWINS[0]) - order.index(TWINS[1])) == 1


def test_filters_with_nan_are_told_of_and_harm_no_other() -> None:
    weights = np.array(planted().params["conv1"][0].data)
    weights[7, 0, 0, 0], weights[8, 1, 2, 2] = np.nan, np.inf
    found = facts(weights)
    assert found["broken"] == [7, 8]
    assert found["norms"][7] is None
    assert [pair[:2] for pair in found["duplicates"]] == [list(TWINS)]


def test_weights_go_out_as_red_green_blue_and_by_input_channel() -> None:
    net = planted()
    widget = FiltersWidget(show_filters(net, "conv1"))
    assert widget.net["layers"] == drawable(net) == ["conv1", "conv2"]
    assert widget.layer["geometry"] == "stride 2"
    bank = np.frombuffer(widget.weights, np.float32).reshape(COUNT, 3, SIDE, SIDE)
    np.testing.assert_array_equal(bank, net.params["conv1"][0].data[:, ::-1])
    widget.view = {"layer": "conv2", "input": 5}
    assert (widget.layer["planes"], widget.layer["input"], widget.layer["geometry"]) == (1, 5, "")
    bank = np.frombuffer(widget.weights, np.float32).reshape(8, 1, 3, 3)
    np.testing.assert_array_equal(bank, net.params["conv2"][0].data[:, 5:6])
    assert widget.unit == {"state": "off"}
    assert widget.figure().startswith(b"\x89PNG")


def test_patches_are_those_of_show_top_patches() -> None:
    net, images = planted(), pictures(4)
    widget = FiltersWidget(show_filters(net, "conv1", images=images, prepare=PREPARE))
    wait(widget, 0)
    widget.view = {**widget.view, "selected": 26, "rank": 1}
    found = wait(widget, 26, 1)
    expected = show_top_patches(net, images, "conv1", [26], prepare=PREPARE, progress=False).patches[26]
    found_values = [(p["value"], p["image"]) for p in found["patches"]]
    # show_top_patches was asked for the layer conv1, the widget for its top after ReLU: equal where above 0
    assert found_values == [(p.value, p.index) for p in expected]
    assert found["where"]["box"] == list(expected[1].box)
    assert 0 < found["fired"] < 1
    patch = found["patches"][0]
    top, left, bottom, right = patch["box"]
    size = patch["size"][0] * patch["size"][1] * 3
    pixels = np.frombuffer(widget.pixels, np.uint8)
    first = pixels[:size].reshape(*patch["size"], 3)[top:bottom, left:right]
    np.testing.assert_array_equal(first, expected[0].pixels)
    rows, columns = found["where"]["plane"]
    answers = pixels[-rows * columns :].reshape(rows, columns)
    assert answers[tuple(found["where"]["place"])] == 255


def test_images_that_cannot_be_read_are_told_of() -> None:
    widget = FiltersWidget(show_filters(planted(), "conv1", images=["/no/such.png"]))
    assert "cannot be read" in wait(widget, 0)["problem"]


def test_small_fields_are_shown_with_what_surrounds_them() -> None:
    assert around((0, 0, 10, 10), (100, 100, 3)) == (0, 0, 28, 28)
    assert around((50, 90, 60, 100), (100, 100, 3)) == (41, 72, 69, 100)
    assert around((0, 0, 60, 80), (100, 100, 3)) == (0, 0, 60, 80)


def test_earlier_iterations_are_seen_as_the_run_kept_them(monkeypatch: pytest.MonkeyPatch) -> None:
    net = planted()
    early = np.array(net.params["conv1"][0].data)[:, :, ::-1]
    film, listeners = Filmstrip(), []
    film.add(Frame.of(100, early))
    film.add(Frame.of(200, np.array(net.params["conv1"][0].data)))
    about = dict(layer="conv1", outputs=COUNT, inputs=3, height=SIDE, width=SIDE)
    panels = SimpleNamespace(lock=threading.RLock(), film=film, describe=lambda: {"filters": about})
    monkeypatch.setattr(RunView, "monitor", lambda run: SimpleNamespace(panels=panels))
    run = SimpleNamespace(name="run 1", iter=200, subscribe=lambda f: listeners.append(f) or (lambda: None))
    widget = FiltersWidget(show_filters(net, "conv1", over=run))
    assert (widget.film, widget.net["run"], widget.layer["iter"]) == ([100, 200], "run 1", 200)
    widget.view = {**widget.view, "frame": 100}
    bank = np.frombuffer(widget.weights, np.float32).reshape(COUNT, 3, SIDE, SIDE)
    largest = np.abs(early).max((1, 2, 3))
    off = np.abs(bank - early[:, ::-1]).max((1, 2, 3))
    assert (off <= largest / 254).all(), "levels have 8 bits"
    assert widget.layer["iter"] == 100
    film.add(Frame.of(300, early))
    listeners[0](type("StateChanged", (), {})())
    assert widget._desk.wait(10)
    assert widget.film == [100, 200, 300]


def test_the_front_end_knows_filters() -> None:
    shown = show_filters(planted(), "conv1")
    assert Frontend.view(shown) is FiltersView
