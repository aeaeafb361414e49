"""The kernel's half of the inspector: what it tells the browser, and what it does with the answers."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import owlkit
from owlkit import Net, zoo
from owlkit.inspection.distribution import distribution, standard_deviation

pytest.importorskip("anywidget")
from owlkit_widgets.assets import STATIC

if not (STATIC / "inspector.js").is_file():
    pytest.skip("the browser bundle is not built: python widgets/hatch_build.py", allow_module_level=True)

from owlkit_widgets.inspector import InspectorWidget
from owlkit_widgets.inspector_tiles import LARGEST, PER_PAGE, tiles_of


def widget(what: Any, **options: Any) -> InspectorWidget:
    return InspectorWidget(owlkit.inspect(what, **options))


def choose(shown: InspectorWidget, **choices: Any) -> None:
    """As the browser does."""
    shown.view = {**shown.view, **choices}


def picture() -> bytes:
    written = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (40, 30), np.uint8)
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def lenet() -> Net:
    return Net(zoo.lenet(batch_size=4), seed=1)


def test_the_header_and_the_table(lenet: Net) -> None:
    shown = widget(lenet)
    assert shown.net["parameters"] == 431080
    assert shown.net["macs"] == 2_293_000, "per image, whatever the batch"
    assert shown.order == ["data", "conv1", "conv2", "ip1", "ip2", "prob"]
    conv2 = shown.cards["conv2"]
    assert (conv2["shape"], conv2["field"], conv2["macs"]) == ("50×8×8", 14, 1_600_000)
    assert conv2["std"] == pytest.approx(float(lenet.params["conv2"][0].data.std()), rel=1e-5)
    assert shown.view["chosen"] == "conv1"
    for trait in ("net", "cards", "drawing", "detail"):
        json.dumps(getattr(shown, trait), allow_nan=False)


def test_choosing_renews_what_depends_on_it(lenet: Net) -> None:
    shown = widget(lenet)
    choose(shown, chosen="ip1")
    assert shown.detail["output"] == [[500]]
    assert [p["name"] for p in shown.detail["params"]] == ["weights", "biases"]
    assert sum(shown.detail["histogram"]["counts"]) + shown.detail["histogram"]["outside"] == 500 * 800
    choose(shown, param=1)
    assert shown.detail["histogram"]["count"] == 500
    choose(shown, fold=False)
    assert "relu1" in shown.cards
    drawn = len(shown.drawing["places"])
    choose(shown, sort={"id": "macs", "down": True})
    assert len(shown.drawing["places"]) == drawn == 9


def test_stages_open_and_close() -> None:
    shown = widget(zoo.squeezenet())
    assert shown.view["open"] == []
    count = len(shown.drawing["places"])
    choose(shown, open=["block fire2"])
    assert len(shown.drawing["places"]) == count + 4
    choose(shown, chosen="block fire2")
    assert shown.detail["parameters"] == 1040 + 1088 + 9280
    choose(shown, open=[])
    assert len(shown.drawing["places"]) == count


def test_an_image_from_the_browser(lenet: Net) -> None:
    shown = widget(lenet, labels=[f"digit {i}" for i in range(10)])
    choose(shown, chosen="conv1")
    assert shown.tiles == {}
    shown._receive(shown, {"type": "image", "name": "seven.png"}, [memoryview(picture())])
    assert shown.said == {}
    assert shown.answer["name"] == "seven.png"
    assert shown.answer["classes"][0].startswith("digit ")
    assert Image.open(io.BytesIO(shown.answer["image"])).size == (28, 28)
    assert shown.detail["blobs"] == ["conv1", "pool1"]
    assert (shown.tiles["blob"], shown.tiles["count"]) == ("pool1", 20)
    choose(shown, blob="conv1")
    assert shown.tiles["width"] == 24
    assert len(shown.tiles["data"]) == 20 * 24 * 24


def test_what_goes_wrong_is_told_in_the_widget(lenet: Net) -> None:
    shown = widget(lenet)
    shown._receive(shown, {"type": "image", "name": "x"}, [memoryview(b"nonsense")])
    assert shown.said["bad"]
    assert "no image that can be read" in shown.said["text"]
    shown._receive(shown, {"type": "compare", "path": "/nowhere/w.caffemodel"}, [])
    assert "/nowhere/w.caffemodel" in shown.said["text"]
    choose(shown, phase="train")
    assert "only test" in shown.said["text"]
    choose(shown, chosen="conv2")
    assert shown.said == {}, "the next thing that works takes the message away"


def test_a_snapshot_to_compare_with(lenet: Net, tmp_path: Path) -> None:
    lenet.save(tmp_path / "before.caffemodel")
    lenet.params["conv1"][0].data[...] *= 2
    shown = widget(lenet)
    shown._receive(shown, {"type": "compare", "path": str(tmp_path / "before.caffemodel")}, [])
    assert shown.net["earlier"] == "before.caffemodel"
    assert shown.cards["conv1"]["moved"] == pytest.approx(1, rel=1e-5)
    assert shown.cards["ip1"]["moved"] == 0
    assert shown.detail["histogram"]["moved"]["cosine"] == pytest.approx(1)
    assert sum(shown.detail["histogram"]["earlier"]["counts"]) == 500


def test_phases_of_a_definition() -> None:
    shown = widget(zoo.lenet(form="train"), phase="train")
    assert "accuracy" not in shown.cards
    choose(shown, phase="test")
    assert shown.net["phase"] == "test"
    assert "accuracy" in shown.cards


# -- time
def test_layers_are_timed_on_request(lenet: Net) -> None:
    shown = widget(zoo.lenet(form="train", batch_size=4), phase="train")
    states = []
    shown.observe(lambda change: states.append(change["new"]["state"]), "timing")
    assert shown.cards["conv1"]["seconds"] is None
    shown._receive(shown, {"type": "time"}, [])
    shown._stopwatch.join(60)
    assert shown._desk.wait(60)
    assert states[0] == "running"
    assert (shown.timing["state"], shown.timing["batch"]) == ("ready", 4)
    cards = [shown.cards[key] for key in shown.order]
    assert sum(card["seconds"] for card in cards) == pytest.approx(shown.timing["seconds"])
    assert sum(card["share"] for card in cards) == pytest.approx(1)
    assert shown.cards["conv2"]["backward"] > 0
    assert shown.detail["types"][1][4] > 0, "the pooling in conv1's card has a time of its own"
    choose(shown, fold=False)
    assert shown.cards["relu1"]["within"] == "ip1"
    assert shown.cards["relu1"]["seconds"] is None
    choose(shown, phase="test")
    assert shown.timing == {"state": "none"}, "the other phase was not timed"
    choose(shown, phase="train")
    assert shown.timing["state"] == "ready"
    for trait in ("timing", "cards", "detail"):
        json.dumps(getattr(shown, trait), allow_nan=False)


def test_a_timing_is_stopped_and_one_that_fails_says_why(lenet: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = widget(lenet)
    shown._stopwatch.stop()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "clear", lambda self: None)  # the person is faster than the thread
        shown._receive(shown, {"type": "time"}, [])
        shown._stopwatch.join(60)
    assert shown._desk.wait(60)
    assert shown.timing == {"state": "none"}
    assert shown.said == {}
    monkeypatch.setattr(shown.inspector, "time", lambda told: 1 / 0)
    shown._receive(shown, {"type": "time"}, [])
    shown._stopwatch.join(60)
    assert shown._desk.wait(60)
    assert shown.said == {"text": "division by zero", "bad": True}
    assert shown.timing == {"state": "none"}


# -- tiles
def test_levels_of_tiles_by_hand() -> None:
    values = np.zeros((3, 2, 2), np.float32)
    values[0] = [[0, 1], [2, 4]]
    values[2] = [[-1, 0], [0, 0]]
    tiles = tiles_of(values, "x", 0)
    assert (tiles["low"], tiles["high"], tiles["dead"]) == (-1.0, 4.0, [1])
    assert tiles["zeros"] == pytest.approx(8 / 12)
    assert list(tiles["data"][:4]) == [51, 102, 153, 255]
    assert tiles["data"][8] == 0


def test_pages_large_planes_and_vectors() -> None:
    many = tiles_of(np.ones((PER_PAGE + 5, 1, 1)), "x", 9)
    assert (many["page"], many["pages"], many["count"], many["first"]) == (1, 2, 5, PER_PAGE)
    plane = np.zeros((1, 2 * LARGEST, 2 * LARGEST))
    plane[0, 1, 0] = 3
    small = tiles_of(plane, "x", 0)
    assert (small["height"], small["data"][0], small["data"][1]) == (LARGEST, 255, 0)
    vector = tiles_of(np.arange(130.0), "fc", 0)
    assert (vector["height"], vector["width"], vector["count"]) == (3, 64, 1)
    broken = tiles_of(np.array([1.0, np.nan, np.inf]), "x", 0)
    assert (broken["not_finite"], broken["high"]) == (2, 1.0)


def test_the_quick_deviation_is_that_of_the_distribution() -> None:
    values = np.random.default_rng(2).normal(1000, 0.5, 5000).astype(np.float32)
    assert standard_deviation(values) == pytest.approx(distribution(values).std, rel=1e-9)
    assert np.isnan(standard_deviation(np.array([np.nan])))
