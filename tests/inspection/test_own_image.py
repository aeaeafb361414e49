"""Activations where nobody gives an image: of what the net has seen, or would see first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, show_activations, show_heatmap, show_saliency
from owlkit.core.errors import DataError, NetError
from tests.support.sets import random_images, write_set


def reading(folder: Path, **options: Any) -> Net:
    """A net that reads four images (3, 8, 8) with labels 3, 1, 2, 0, two at a time, cropped, scaled."""
    source = write_set(folder / "set", random_images(4, (3, 8, 8)), [3, 1, 2, 0])
    n = NetSpec("reads")
    transform = dict(scale=0.5, crop_size=6, mean_value=[10])
    n.data, n.label = L.Data(
        source=str(source), batch_size=2, backend="LMDB", transform_param=transform, ntop=2
    )
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=2, weight_filler=dict(type="xavier"))
    n.conv2 = L.Convolution(n.conv1, kernel_size=3, num_output=2, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(L.InnerProduct(n.conv2, num_output=4), n.label)
    return Net(n, seed=1, **options)


@pytest.mark.parametrize("phase", ["train", "test"])
def test_the_last_batch_is_looked_at(phase: str, tmp_path: Path) -> None:
    net = reading(tmp_path, phase=phase)
    net.forward()
    net.forward()
    seen = show_activations(net, "conv1")
    assert seen.given is not None
    np.testing.assert_array_equal(seen.given, net.blobs["data"].data[0])
    np.testing.assert_array_equal(
        seen.values, show_activations(net, net.blobs["data"].data[0], "conv1").values
    )
    assert seen.about == "image 0 of the net's last batch, record '00000002' of set, label 2"
    assert seen.about in repr(seen)
    assert show_activations(net, layer="conv1").about == seen.about


FIGURES: dict[str, Callable[..., Any]] = {
    "show_heatmap": lambda *given: show_heatmap(*given, progress=False),
    "by gradient": lambda *given: show_heatmap(*given, method="gradient"),
    "show_saliency": show_saliency,
}


@pytest.mark.parametrize("name", FIGURES)
def test_what_drives_a_unit_is_shown_of_it_too(name: str, tmp_path: Path) -> None:
    net = reading(tmp_path)
    net.forward()
    show = FIGURES[name]
    seen, given = show(net, "conv2"), show(net, net.blobs["data"].data[0], "conv2")
    np.testing.assert_array_equal(seen.map, given.map)
    assert (seen.unit, seen.value) == (given.unit, given.value)
    assert seen.about == "image 0 of the net's last batch, record '00000000' of set, label 3"
    assert seen.about in repr(seen)
    assert given.about == "the image given"
    assert seen.figure().axes[0].get_title().replace("\n", " ") == seen.about
    with pytest.raises(NetError, match=r"name a layer: show_(heatmap|saliency)"):
        show(net)


def test_before_the_first_batch_the_data_layer_is_asked_and_its_place_is_kept(tmp_path: Path) -> None:
    net = reading(tmp_path)
    seen = show_activations(net, "conv1")
    assert seen.about == "the first image that the net's data layer reads, record '00000000' of set, label 3"
    net.forward()
    assert seen.given is not None
    np.testing.assert_array_equal(seen.given, net.blobs["data"].data[0])
    assert seen.image.shape == (6, 6, 3)


def test_where_memory_is_used_again_the_last_batch_is_still_there(tmp_path: Path) -> None:
    net = reading(tmp_path, memory="reuse")
    net.forward()
    net.forward()
    assert show_activations(net, "conv1").about.endswith("last batch, record '00000002' of set, label 2")


def inputs() -> Net:
    n = NetSpec("deploy")
    n.data = L.Input(shape=dict(dim=[2, 1, 6, 6]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=2)
    return Net(n)


def test_what_was_put_into_an_input_is_looked_at() -> None:
    net = inputs()
    with pytest.raises(DataError, match=r"deploy has run no batch yet and has no data layer .*'data'; give"):
        show_activations(net, "conv1")
    net.blobs["data"].data[...] = np.arange(72, dtype=np.float32).reshape(2, 1, 6, 6)
    seen = show_activations(net, "conv1")
    assert seen.about == "image 0 of the net's last batch"
    assert seen.given is not None
    assert seen.given.max() == 35


def test_what_a_layer_in_place_wrote_over_is_no_image(tmp_path: Path) -> None:
    n = NetSpec("over")
    n.data = L.Input(shape=dict(dim=[1, 1, 6, 6]))
    n.less = L.Power(n.data, scale=0.5, in_place=True)
    n.conv1 = L.Convolution(n.less, kernel_size=3, num_output=2)
    net = Net(n)
    net.forward(data=np.ones((1, 1, 6, 6), np.float32))
    with pytest.raises(DataError, match="give one"):
        show_activations(net, "conv1")


def test_a_given_image_is_said_to_be_given_and_a_layer_has_to_be_named() -> None:
    net = inputs()
    assert show_activations(net, np.zeros((6, 6), np.uint8), "conv1").about == "the image given"
    for image in (np.zeros((6, 6), np.uint8), None):
        with pytest.raises(NetError, match="name a layer"):
            show_activations(net, image)
