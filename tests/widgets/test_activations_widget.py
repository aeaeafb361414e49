"""The kernel's half of the activations widget: layers, channels, one channel, other images."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from owlkit import show_activations
from owlkit.core.errors import DataError, NetError
from owlkit.inspection.layerwise import Layerwise
from owlkit_widgets.activation_tiles import channel_of, channels_of, frame_of
from owlkit_widgets.activations import ActivationsWidget
from owlkit_widgets.activations_view import ActivationsView
from owlkit_widgets.frontend import Frontend
from tests.widgets.look_net import LABELS, SIDE, halves, picture


def made(layer: str = "conv", **options: Any) -> ActivationsWidget:
    return ActivationsWidget(show_activations(halves(), picture(), layer, **options))


def test_layers_are_seen_before_and_after_those_in_place() -> None:
    seen = Layerwise(halves(), picture())
    assert list(seen.layers) == ["conv", "relu", "ip", "prob"]
    assert (seen.layers["conv"].blob, seen.layers["relu"].blob) == ("conv", "conv")
    assert seen.values("conv").min() == -100
    assert seen.values("relu").min() == 0
    np.testing.assert_array_equal(seen.values("conv")[0], picture()[0])
    assert seen.layers["relu"].silent == 2  # channel 1 has no dark place, channel 3 never has a value
    assert seen.layers["ip"].silent == 0
    found = seen.classes(LABELS)
    assert found is not None
    assert (found[0], found[1].names[0]) == ("prob", "left")
    with pytest.raises(NetError, match="3 classes, but there are 1"):
        seen.classes(["left"])


def test_losses_without_labels_hide_nothing_before_them() -> None:
    from owlkit import L, Net, NetSpec

    n = NetSpec("trains")
    n.data, n.label = L.Input(ntop=2, shape=[dict(dim=[2, 1, 8, 8]), dict(dim=[2])])
    n.ip = L.InnerProduct(n.data, num_output=3, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    seen = Layerwise(Net(n, seed=1), np.ones((1, 8, 8), np.float32))
    assert list(seen.layers) == ["ip"]
    found = seen.classes()
    assert found is not None
    assert found[0] == "ip"
    assert sum(found[1].shares) == pytest.approx(1)
    with pytest.raises(DataError, match="input's shape"):
        Layerwise(Net(n, seed=1), np.ones((1, 9, 9), np.float32))


def test_levels_come_back_as_values() -> None:
    values = np.random.default_rng(1).normal(size=(5, 7, 9)).astype(np.float32)
    facts, data = channels_of(values)
    lows, highs = np.array(facts["lows"]), np.array(facts["highs"])
    levels = np.frombuffer(data, np.uint8).reshape(5, 7, 9)
    back = lows[:, None, None] + levels / 255 * (highs - lows)[:, None, None]
    assert np.abs(back - values).max() <= (highs - lows).max() / 509
    assert (facts["low"], facts["high"]) == (values.min(), values.max())


def test_dead_and_broken_channels_are_told_apart() -> None:
    values = np.ones((4, 3, 3), np.float32)
    values[1] = -2
    values[2, 1, 1] = np.nan
    values[3, 0, 0] = np.inf
    facts, data = channels_of(values)
    assert (facts["dead"], facts["broken"]) == ([1], [2, 3])
    assert facts["high"] == 1
    assert len(data) == 4 * 9
    assert channels_of(np.array([-1.0, 2.0]))[0]["dead"] == [], "a unit without a plane is not called dead"


def test_large_planes_are_sent_small_and_one_whole() -> None:
    values = np.zeros((2, 120, 120), np.float32)
    values[0, 77, 33] = 5
    facts, data = channels_of(values)
    assert facts["plane"] == [120, 120]
    levels = np.frombuffer(data, np.uint8).reshape(2, facts["height"], facts["width"])
    assert max(facts["height"], facts["width"]) <= 56
    assert levels[0].max() == 255, "a single bright pixel is not lost"
    one, whole = channel_of(values, 0, None, (120, 120))
    assert np.frombuffer(whole, np.uint8).reshape(120, 120)[77, 33] == 255
    assert (one["place"], one["frame"], sum(one["counts"])) == ([77, 33], [0, 0, 120, 120], 14400)


def test_a_plane_lies_where_its_units_look() -> None:
    from owlkit.inspection.receptive_field import Extent, ReceptiveField

    pooled = ReceptiveField("data", Extent(2, 2), Extent(2, 2))
    assert frame_of((4, 4), pooled, (8, 8)) == [0, 0, 8, 8]
    valid = ReceptiveField("data", Extent(3), Extent(3))  # 3 x 3 without padding: a rim of one pixel is left
    assert frame_of((6, 6), valid, (8, 8)) == [1, 1, 7, 7]


def test_the_busiest_channel_is_chosen_and_then_what_the_view_says() -> None:
    widget = made()
    assert [layer["name"] for layer in widget.net["layers"]] == ["conv", "relu", "ip", "prob"]
    assert (widget.unit["channel"], widget.unit["place"]) == (0, [10, 4])
    assert widget.unit["box"] == [10, 4, 11, 5]
    assert len(widget.pixels) == SIDE * SIDE * 3
    widget.view = {**widget.view, "selected": 2}
    assert (widget.unit["channel"], widget.unit["high"]) == (2, 50)
    assert len(widget.plane) == SIDE * SIDE
    widget.view = {**widget.view, "layer": "prob", "selected": None}
    assert (widget.layer["plane"], widget.layer["names"], widget.unit["name"]) == ([1, 1], None, None)
    assert widget.figure().startswith(b"\x89PNG")


def test_labels_name_the_units_of_layers_with_as_many() -> None:
    widget = made("prob", labels=LABELS)
    assert widget.layer["names"] == LABELS
    assert widget.unit["name"] == "left"
    widget.view = {**widget.view, "layer": "conv", "selected": None}
    assert widget.layer["names"] is None


def test_another_image_is_run_and_one_that_cannot_be_read_is_told_of() -> None:
    widget = made("relu")
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[2:5, 15:18] = 200
    written = io.BytesIO()
    Image.fromarray(image).save(written, "PNG")
    widget._receive(widget, {"type": "image", "name": "spot.png"}, [memoryview(written.getvalue())])
    assert (widget.image["name"], widget.unit["place"], widget.said) == ("spot.png", [2, 15], {})
    assert widget.unit["high"] == 200
    widget._receive(widget, {"type": "image", "name": "x.txt"}, [memoryview(b"no image")])
    assert "x.txt: what was given is no image" in widget.said["text"]
    assert widget.image["name"] == "spot.png"


def test_the_front_end_knows_activations() -> None:
    shown = show_activations(halves(), picture(), "conv")
    assert Frontend.view(shown) is ActivationsView
    assert repr(made()).startswith("<Activations('conv', 4x24x24, 2 channels without")
