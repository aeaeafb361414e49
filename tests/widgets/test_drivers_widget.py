"""The kernel's half of the widget for heatmaps and saliency: methods, units, places, stopping, images."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from owlkit import show_heatmap, show_saliency
from owlkit.inspection.occlusion import Scan
from owlkit.inspection.saliency import Saliency
from owlkit_widgets.driver_maps import levels_of
from owlkit_widgets.drivers import DriversWidget
from owlkit_widgets.drivers_view import DriversView
from owlkit_widgets.frontend import Frontend
from owlkit_widgets.latest import GivenUp, Latest
from tests.widgets.asking import ask, settled
from tests.widgets.look_net import LABELS, SIDE, halves, picture


def made(**options: Any) -> DriversWidget:
    return DriversWidget(show_heatmap(halves(), picture(), "ip", 0, labels=LABELS, progress=False, **options))


def wait(widget: DriversWidget, state: str = "ready", **expected: Any) -> dict[str, Any]:
    """Until it is so: `expected` is of the unit that is chosen, or of what was found."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        known = {**widget.found, **widget.chosen}
        if widget.found["state"] == state and all(known.get(k) == v for k, v in expected.items()):
            return dict(widget.found)
        time.sleep(0.01)
    raise AssertionError(f"never {state} with {expected}: {widget.found}, {widget.chosen}")


def signed(widget: DriversWidget) -> np.ndarray:
    return np.frombuffer(widget.map, np.uint8).reshape(SIDE, SIDE).astype(int) - 128


def test_what_was_computed_is_shown_at_once() -> None:
    shown = show_heatmap(halves(), picture(), "ip", 0, labels=LABELS, progress=False)
    widget = DriversWidget(shown)
    assert widget.found["state"] == "ready"
    assert widget.found["limit"] == pytest.approx(np.abs(shown.map).max())
    assert (
        np.abs(signed(widget) / 127 * widget.found["limit"] - shown.map).max() < widget.found["limit"] / 200
    )
    assert (widget.chosen["name"], widget.chosen["value"]) == ("left", pytest.approx(3.6))
    assert [c["name"] for c in widget.image["classes"]] == ["left", "right", "neither"]
    assert widget.signed == b""
    assert widget.figure().startswith(b"\x89PNG")
    assert "left (ip, unit 0)" in repr(widget)


def test_other_methods_and_units_are_found_in_a_thread() -> None:
    widget = made()
    widget.view = {**widget.view, "method": "guided"}
    wait(widget, method="guided")
    expected = show_saliency(halves(), picture(), "ip", 0, method="guided")
    pixels = np.frombuffer(widget.signed, np.uint8).reshape(SIDE, SIDE, 3)
    np.testing.assert_array_equal(pixels[..., 0], np.rint(255 * expected.signed))
    levels = np.frombuffer(widget.map, np.uint8).reshape(SIDE, SIDE)
    assert levels[12, 6] > 200
    assert levels[12, 20] == 0
    widget.view = {**widget.view, "unit": 1}  # of the right half, where nothing is bright
    found = wait(widget, unit=1, method="guided")
    assert widget.chosen["value"] == 0
    assert found["limit"] == 0
    widget.view = {**widget.view, "method": "occlusion", "unit": None}
    wait(widget, method="occlusion", unit=0)
    assert signed(widget)[12, 6] > 100


def test_a_place_of_a_plane_can_be_asked_about() -> None:
    widget = made()
    widget.view = {**widget.view, "layer": "conv", "unit": 2, "at": None, "method": "gradient"}
    wait(widget, layer="conv", unit=2, method="gradient")
    assert (widget.chosen["place"], widget.chosen["value"]) == ([10, 4], 50)
    widget.view = {**widget.view, "at": [3, 20]}
    wait(widget, place=[3, 20], method="gradient")
    assert widget.chosen["value"] == 0
    assert widget.found["peak"] == [3, 20]
    assert widget.chosen["box"] == [3, 20, 4, 21]


def test_maps_that_were_made_come_back_at_once() -> None:
    widget = made()
    widget.view = {**widget.view, "method": "gradient"}
    wait(widget, method="gradient")
    widget.view = {**widget.view, "method": "occlusion"}
    assert widget.found["state"] == "ready"
    assert widget.found["method"] == "occlusion"


def test_a_scan_goes_from_coarse_to_fine_and_over_every_pixel_alike() -> None:
    scan = Scan(6, 2)
    places = scan.places(SIDE, SIDE)
    assert len(places) == len(set(places)) == 100
    seen, covered = np.zeros((SIDE, SIDE), int), []
    for top, left in places:
        seen[top : top + 6, left : left + 6] += 1
        covered.append((seen > 0).mean())
    assert seen.min() == 1
    assert covered[15] == 1, "a ninth of the places, rounded up, see all of the image"
    assert Scan(5, 5).places(12, 12) == [(t, left) for t in (0, 5, 7) for left in (0, 5, 7)]


def test_covering_is_seen_as_it_goes_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit_widgets.drivers.PERIOD_SECONDS", 0.0)
    widget = made()
    wait(widget)
    seen: list[dict[str, Any]] = []

    def stop(change: Any) -> None:
        seen.append(change["new"])
        if change["new"]["state"] == "working" and change["new"]["done"]:
            ask(widget, {"type": "stop"})

    widget.observe(stop, "found")
    widget.view = {**widget.view, "unit": 1, "patch": 3}
    found = wait(widget, "stopped")
    assert 0 < found["done"] < found["total"]
    assert len(widget.map) == SIDE * SIDE
    widget.unobserve(stop, "found")
    settled(widget)
    widget._receive(widget, {"type": "again"}, [])
    found = wait(widget, unit=1, patch=3)
    assert found["done"] == found["total"] == (SIDE - 3 + 1) ** 2


def test_a_square_that_does_not_fit_is_told_of() -> None:
    widget = made()
    widget.view = {**widget.view, "patch": SIDE + 1}
    assert f"expected 1 to {SIDE}" in wait(widget, "failed")["problem"]
    widget.view = {**widget.view, "patch": None}
    wait(widget)


def test_another_image_is_asked_the_same() -> None:
    widget = made()
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[2:8, 15:21] = 100
    written = io.BytesIO()
    Image.fromarray(image).save(written, "PNG")
    widget._receive(widget, {"type": "image", "name": "right.png"}, [memoryview(written.getvalue())])
    wait(widget, name="right", unit=1)
    assert widget.image["name"] == "right.png"
    assert signed(widget)[4, 18] > 100
    widget._receive(widget, {"type": "image", "name": "x"}, [memoryview(b"none")])
    assert widget.said["bad"]
    assert widget.image["name"] == "right.png"


def test_labels_of_other_classes_are_told_of_and_the_rest_works() -> None:
    shown = show_heatmap(halves(), picture(), "ip", 0, labels=["a", "b"], progress=False)
    widget = DriversWidget(shown)
    assert "3 classes, but there are 2" in widget.said["text"]
    assert widget.image["classes"] == []
    assert widget.found["state"] == "ready"
    assert shown.label is None


def test_levels_of_maps() -> None:
    levels, limit = levels_of(np.array([[-2.0, 0.0], [1.0, np.nan]]), signed=True)
    assert (list(levels), limit) == ([1, 128, 192, 128], 2.0)
    levels, limit = levels_of(np.array([[0.0, 0.5], [1.0, 1.0]]), signed=False)
    assert (list(levels), limit) == ([0, 128, 255, 255], 1.0)
    assert levels_of(np.zeros((2, 2)), signed=True) == (bytes([128] * 4), 0.0)


def test_only_the_latest_wish_is_done() -> None:
    done, begun, go = [], threading.Event(), threading.Event()
    problems: list[tuple[int, Exception]] = []

    def work(wish: int) -> None:
        begun.set()
        assert go.wait(10)
        latest.check()
        if wish < 0:
            raise ValueError("no such wish")
        done.append(wish)

    latest: Latest[int] = Latest(work, lambda *problem: problems.append(problem), "test")
    latest.want(1)
    assert begun.wait(10)
    latest.want(2)
    latest.want(3)
    go.set()
    _until(lambda: done == [3])
    latest.want(-1)
    _until(lambda: len(problems) == 1)
    assert problems[0][0] == -1
    latest.stop()
    with pytest.raises(GivenUp):
        latest.check()


def _until(so: Any) -> None:
    end = time.monotonic() + 10
    while not so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_front_end_knows_both() -> None:
    assert Frontend.view(show_heatmap(halves(), picture(), "ip", progress=False)) is DriversView
    assert Frontend.view(show_saliency(halves(), picture(), "ip")) is DriversView


def test_what_was_made_by_hand_stays_a_figure() -> None:
    found = show_saliency(halves(), picture(), "ip", 0)
    by_hand = Saliency(found.unit, found.value, found.method, found.gradient, found.image)
    assert DriversView.mimebundle(by_hand) is None
    assert "image/png" in by_hand._repr_mimebundle_()


def test_a_net_of_pycaffe_is_looked_at_too(tmp_path: Path) -> None:
    from owlkit import caffe

    net = halves()
    net.save(tmp_path / "halves.caffemodel")
    (tmp_path / "halves.prototxt").write_text(str(net.graph.definition))
    there = caffe.Net(
        str(tmp_path / "halves.prototxt"), caffe.TEST, weights=str(tmp_path / "halves.caffemodel")
    )
    widget = DriversWidget(show_heatmap(there, picture(), "ip", 0, progress=False))
    assert (widget.found["state"], widget.chosen["value"]) == ("ready", pytest.approx(3.6))
    widget.view = {**widget.view, "method": "gradient"}
    wait(widget, method="gradient")
