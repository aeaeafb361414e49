"""The kernel's half of top patches and embeddings: what is found, stopped, kept, and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from PIL import Image

from owlkit import ImageInput
from owlkit.core import frontends
from owlkit.inspection.embedding import show_embedding
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.patches import TopPatches, show_top_patches
from owlkit_widgets.embedding import EmbeddingWidget
from owlkit_widgets.embedding_facts import agreement, classes_of, neighbours
from owlkit_widgets.embedding_view import EmbeddingView
from owlkit_widgets.frontend import WIDGET_VIEW, Frontend
from owlkit_widgets.patch_search import SIDE, tile
from owlkit_widgets.patches import PatchesWidget
from owlkit_widgets.patches_view import PatchesView
from tests.widgets.asking import ask, settled
from tests.widgets.filter_net import COUNT, pictures, planted

PREPARE = ImageInput(mean=128)


def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


class Gate(list[Any]):
    """Images of which the last are given only once `open` is set."""

    def __init__(self, images: list[Any], held_from: int) -> None:
        super().__init__(images)
        self.open, self.held_from = False, held_from

    def __getitem__(self, index: Any) -> Any:
        while index >= self.held_from and not self.open:
            time.sleep(0.01)
        return super().__getitem__(index)


def test_the_widget_finds_what_show_top_patches_finds() -> None:
    net, images = planted(), pictures(5)
    plain = show_top_patches(net, images, "relu1", [26], prepare=PREPARE, progress=False)
    shown = TopPatches(net, ImageSource(images), "relu1", [26], prepare=PREPARE)
    widget = PatchesWidget(shown)
    assert widget.settled.wait(30)
    until(lambda: widget.unit.get("unit") == 26)
    assert [(p["value"], p["image"]) for p in widget.unit["patches"]] == [
        (p.value, p.index) for p in plain.patches[26]
    ]
    assert widget.unit["patches"][0]["name"] == plain.patches[26][0].name
    assert (widget.scan["state"], widget.scan["done"]) == ("ready", 5)
    assert len(widget.tiles) == COUNT * SIDE * SIDE * 4
    assert shown.images == 5, "what the widget found is what the object has"
    assert [layer["name"] for layer in widget.net["layers"]] == ["conv1", "relu1", "conv2"]
    assert widget.picture().startswith(b"\x89PNG")
    again = PatchesWidget(shown)
    assert again.settled.wait(30)
    assert again.tiles == widget.tiles
    widget.view = {**widget.view, "layer": "conv2", "unit": 3}
    until(lambda: widget.unit["layer"] == "conv2" and widget.scan["state"] == "ready")
    assert (widget.unit["unit"], widget.scan["units"]) == (3, 8)


def test_a_search_that_is_stopped_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit.inspection.twin.BATCH", 2)
    monkeypatch.setattr("owlkit_widgets.patches.PERIOD_SECONDS", 0.0)
    monkeypatch.setattr("owlkit_widgets.patches.BYTES_PER_SECOND", 1e12)
    net, images = planted(), pictures(8)
    gate = Gate(images, held_from=4)
    shown = TopPatches(net, ImageSource(gate), "relu1", [0], prepare=PREPARE)
    widget = PatchesWidget(shown)
    until(lambda: widget.scan.get("done") == 4)
    ask(widget, {"type": "stop"})
    gate.open = True
    assert widget.settled.wait(30)
    assert widget.scan["state"] == "stopped"
    assert 4 <= shown.images < 8
    stopped = show_top_patches(net, images[: shown.images], "relu1", [0], prepare=PREPARE, progress=False)
    values = [(p.value, p.index) for p in shown.patches[0]]
    assert values == [(p.value, p.index) for p in stopped.patches[0]]
    settled(widget)
    widget._receive(widget, {"type": "go"}, [])
    until(lambda: widget.scan["state"] == "ready")
    plain = show_top_patches(net, images, "relu1", [0], prepare=PREPARE, progress=False)
    assert [p.value for p in shown.patches[0]] == [p.value for p in plain.patches[0]]


def test_images_that_cannot_be_read_are_told_of() -> None:
    shown = TopPatches(planted(), ImageSource(["/no/such.png"]), "conv1", [0], prepare=PREPARE)
    widget = PatchesWidget(shown)
    assert widget.settled.wait(30)
    assert widget.scan["state"] == "failed"
    assert "cannot be read" in widget.scan["problem"]


def test_images_that_cannot_be_read_are_left_out_of_all_that_is_seen(tmp_path: Path) -> None:
    for k, pixels in enumerate(pictures(4)):
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "1.png").write_bytes(b"")
    shown = TopPatches(planted(), ImageSource(tmp_path), "relu1", [26], prepare=PREPARE)
    widget = PatchesWidget(shown)
    assert widget.settled.wait(30)
    remark = "1 of 4 images could not be read: 1.png"
    assert [widget.scan[key] for key in ("state", "done", "total", "remark")] == ["ready", 3, 3, remark]
    assert remark in repr(widget)
    until(lambda: widget.unit.get("unit") == 26)
    names = {patch["image"]: patch["name"] for patch in widget.unit["patches"]}
    assert names == {0: "0.png", 2: "2.png", 3: "3.png"}
    good = [pixels for k, pixels in enumerate(pictures(4)) if k != 1]
    alone = PatchesWidget(TopPatches(planted(), ImageSource(good), "relu1", [26], prepare=PREPARE))
    assert alone.settled.wait(30)
    assert alone.tiles == widget.tiles
    assert widget.picture().startswith(b"\x89PNG")


def test_an_embedding_shows_the_image_that_belongs_to_a_point(tmp_path: Path) -> None:
    for k, pixels in enumerate(pictures(5)):
        (tmp_path / "ab"[k % 2]).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "ab"[k % 2] / f"{k}.png")
    (tmp_path / "a" / "0.png").write_bytes(b"")
    shown = show_embedding(planted(), tmp_path, "conv2", method="pca", prepare=PREPARE, progress=False)
    widget = EmbeddingWidget(shown)
    assert widget.names == ["a/2.png", "a/4.png", "b/1.png", "b/3.png"]
    assert widget.net["remark"] == "1 of 5 images could not be read: a/0.png"
    sent: list[Any] = []
    widget.send = lambda content, buffers=None: sent.append(buffers[0])
    widget._receive(widget, {"type": "image", "index": 0}, [])
    assert sent == [pictures(5)[2].tobytes()]
    assert widget.settled.wait(30)
    assert [entry["name"] for entry in widget.facts["classes"]] == ["a", "b"]


def test_with_a_front_end_the_images_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontends, "find", lambda: Frontend)
    shown = show_top_patches(planted(), pictures(2), "conv1", prepare=PREPARE)
    assert shown.answers is None
    assert Frontend.view(shown) is PatchesView
    assert len(shown.patches[0]) == 2, "who asks before it is shown gets them"
    placed = show_embedding(planted(), pictures(4), "conv2", prepare=PREPARE, progress=False)
    assert placed.arranged("tsne") is None
    assert Frontend.view(placed) is EmbeddingView
    assert placed.points.shape == (4, 2)


class Output:
    """An output of a cell, as IPython gives it: all that it has shown."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.shown = [content]

    def update(self, content: dict[str, Any], raw: bool, metadata: Any = None) -> None:
        self.shown.append(content)


@pytest.mark.parametrize("patience", [30.0, 0.0])
def test_the_live_output_is_not_made_anew_when_its_picture_follows(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[Output] = []

    def display(content: dict[str, Any], raw: bool, display_id: bool = False, metadata: Any = None) -> Output:
        outputs.append(Output(content))
        return outputs[-1]

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("owlkit_widgets.filling.PATIENCE_SECONDS", patience)
    placed = show_embedding(planted(), pictures(6), "conv2", method="pca", prepare=PREPARE, progress=False)
    EmbeddingView.display(type(placed)(placed.net, placed.source, placed.found, prepare=PREPARE))
    live, still, image = outputs
    until(lambda: "image/png" in image.shown[-1])
    assert len(live.shown) == 1, "what a person does in the widget would be lost"
    assert WIDGET_VIEW in live.shown[0]
    assert ["owl-image-follows" in shown["text/html"].split("<style>")[0] for shown in still.shown][-1]
    assert image.shown[-1]["image/png"] not in still.shown[-1]["text/html"], "it is stored once"


def test_a_tile_keeps_the_shape_of_what_was_seen() -> None:
    picture = np.full((10, 20, 3), 200, np.uint8)
    found = tile(picture, (0, 0, 7, 14))
    assert (found[:7, :, 3] == 0).all()
    assert (found[7:21, :, 3] == 255).all()
    assert (found[7:21, :, :3] == 200).all()


def test_the_embedding_is_arranged_told_and_kept() -> None:
    shown = show_embedding(
        planted(),
        pictures(8),
        "conv2",
        method="pca",
        labels=list("abababab"),
        prepare=PREPARE,
        progress=False,
    )
    shown = type(shown)(shown.net, shown.source, shown.found, labels=shown.labels, prepare=PREPARE)
    widget = EmbeddingWidget(shown)
    assert widget.settled.wait(60)
    assert (widget.course["state"], widget.course["method"]) == ("ready", "tsne")
    points = np.frombuffer(widget.points, np.float32).reshape(-1, 2)
    np.testing.assert_allclose(points, shown.points, rtol=1e-5)
    assert [c["name"] for c in widget.facts["classes"]] == ["a", "b"]
    widget.view = {**widget.view, "method": "pca"}
    until(lambda: widget.course["state"] == "ready" and widget.course["method"] == "pca")
    assert not np.allclose(np.frombuffer(widget.points, np.float32).reshape(-1, 2), points)
    widget.view = {**widget.view, "layer": "conv1"}
    until(lambda: widget.facts["layer"] == "conv1" and widget.course["state"] == "ready")
    sent: list[Any] = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))  # type: ignore[method-assign]
    widget._receive(widget, {"type": "image", "index": 2}, [])
    widget._receive(widget, {"type": "image", "index": 99}, [])
    ((content, buffers),) = sent
    assert len(buffers[0]) == content["height"] * content["width"] * 3
    widget._receive(widget, {"type": "thumbnails"}, [])
    assert sent[1] == ({"type": "thumbnails"}, [shown.thumbnails.tobytes()])
    assert shown.thumbnails.shape == (8, 32, 32, 3)
    saved = widget.get_state()
    assert max(len(value) for value in saved.values() if isinstance(value, bytes)) < 8 * 32, (
        "pictures are most of a saved notebook"
    )
    assert widget.picture().startswith(b"\x89PNG")


def test_an_arrangement_that_is_stopped_keeps_the_places_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit_widgets.embedding.PERIOD_SECONDS", 0.0)
    monkeypatch.setattr("owlkit.inspection.arrangement.STEPS", 10**6)
    placed = show_embedding(planted(), pictures(6), "conv2", method="pca", prepare=PREPARE, progress=False)
    widget = EmbeddingWidget(type(placed)(placed.net, placed.source, placed.found, prepare=PREPARE))
    until(lambda: widget.points and widget.course.get("done", 0) > 3)
    ask(widget, {"type": "stop"})
    assert widget.settled.wait(30)
    assert widget.course["state"] == "stopped"
    assert widget.course["done"] < 10**6
    assert len(widget.points) == 6 * 2 * 4
    assert widget.picture().startswith(b"\x89PNG")


def test_classes_neighbours_and_whether_they_agree() -> None:
    classes, each = classes_of([3, 1, 3, 1])
    assert [(c["name"], c["count"]) for c in classes] == [("1", 2), ("3", 2)]
    assert each.tolist() == [1, 0, 1, 0]
    assert [c["name"] for c in classes_of(["z", "a"])[0]] == ["z", "a"]
    table = np.array([[0.0], [10.0], [1.0], [2.0]])
    nearest = neighbours(table, 2)
    assert nearest.tolist() == [[2, 3], [3, 2], [0, 3], [2, 0]]
    assert agreement(nearest, each) == 0.75
    assert agreement(nearest, classes_of(None)[1]) is None
