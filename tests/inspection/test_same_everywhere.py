"""Figures of nets whose weights are 0 or no numbers: a finding to look at, never an error."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, show_embedding, show_heatmap, show_top_patches

SIDE = 12


def net_of(value: float, channels: int = 1) -> Net:
    n = NetSpec("same")
    n.data = L.Input(shape=dict(dim=[2, channels, SIDE, SIDE]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=4)
    n.ip = L.InnerProduct(n.conv1, num_output=3)
    net = Net(n, phase="test")
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = value
    return net


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_heatmaps_of_a_net_that_says_the_same_everywhere(value: float, method: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8)
    seen = show_heatmap(net_of(value), image, "ip", method=method, progress=False)
    seen.figure()
    assert ("NaN or infinite" in repr(seen)) == np.isnan(value)


def test_arrays_that_are_no_photographs_are_looked_at_as_the_mean_of_their_channels() -> None:
    rng = np.random.default_rng(0)
    images = [rng.uniform(0, 255, (2, SIDE, SIDE)).astype(np.float32) for _ in range(5)]
    net = net_of(0.5, channels=2)
    patches = show_top_patches(net, images, "conv1", [0], count=1, progress=False).patches[0]
    top, left, bottom, right = patches[0].box
    shown = images[patches[0].index].mean(0)[top:bottom, left:right]
    assert np.abs(patches[0].pixels - shown).max() <= 0.5
    show_embedding(net, images, "ip", method="pca", progress=False).figure()
    show_heatmap(net, images[0], "ip", progress=False).figure()
