"""How photographs become a net's input where nobody says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, Net, NetSpec
from owlkit.inspection.answers import find_answers
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.layerwise import Layerwise
from owlkit.inspection.look import Look
from tests.support.sets import random_images, write_set

IMAGE = np.zeros((6, 6, 3), np.uint8)


def test_the_data_layer_says_it(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", random_images(4, (3, 6, 6)), [0, 1, 0, 1])
    n = NetSpec("small")
    transform = dict(scale=0.5, mean_value=[104, 117, 123])
    n.data = L.Data(source=str(source), batch_size=2, backend="LMDB", transform_param=transform)
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=2)
    found = input_of(Net(n, phase="train"))
    assert (found.mean, found.scale) == ([104, 117, 123], 0.5)
    image = np.random.default_rng(0).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    bgr = image[..., ::-1].transpose(2, 0, 1).astype(np.float32)
    expected = (bgr - np.float32([104, 117, 123]).reshape(3, 1, 1)) * 0.5
    np.testing.assert_allclose(found(image, (2, 3, 6, 6)), expected, 1e-6)
    np.testing.assert_array_equal(found.restore(expected), image)


class Asked(Exception):
    """How photographs are prepared was taken from the net."""


SHOWN: dict[str, Callable[[Net], Any]] = {
    "activations": lambda net: owlkit.show_activations(net, IMAGE, "conv1"),
    "heatmap": lambda net: owlkit.show_heatmap(net, IMAGE, "conv1"),
    "saliency": lambda net: owlkit.show_saliency(net, IMAGE, "conv1"),
    "patches": lambda net: owlkit.show_top_patches(net, [IMAGE], "conv1"),
    "answers": lambda net: find_answers(net, ImageSource([IMAGE]), "conv1"),
    "embedding": lambda net: owlkit.show_embedding(net, [IMAGE], "conv1"),
    "inspector": lambda net: owlkit.inspect(net),
    "look": lambda net: Look(net, IMAGE),
    "layer by layer": lambda net: Layerwise(net, IMAGE),
}


@pytest.mark.parametrize("name", SHOWN)
def test_whoever_shows_something_asks_the_net(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody prepares photographs in a way of its own."""

    def asked(net: Net) -> ImageInput:
        raise Asked

    for module in ("activations", "heatmaps", "saliency", "patches", "answers", "embedding", "inspector",
                   "look", "layerwise"):  # fmt: skip
        monkeypatch.setattr(f"owlkit.inspection.{module}.input_of", asked)
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[1, 3, 6, 6]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=2)
    with pytest.raises(Asked):
        SHOWN[name](Net(n))


def test_without_one_photographs_are_as_they_are() -> None:
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[1, 3, 6, 6]))
    for net in (Net(n), None):
        found = input_of(net)
        assert (found.mean, found.scale) == (ImageInput().mean, ImageInput().scale)
