"""Receptive fields against sizes worked out by hand, published ones, and the gradient itself."""

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P, zoo
from owlkit.core.errors import NetError
from owlkit.inspection.receptive_field import Extent, receptive_field, receptive_fields
from owlkit.net.graph import Graph


@pytest.mark.parametrize(
    ("make", "blob", "size", "stride"),
    [
        (zoo.caffenet, "conv1", 11, 4),
        (zoo.caffenet, "conv5", 163, 16),
        (zoo.caffenet, "pool5", 195, 32),
        (zoo.caffenet, "fc8", 355, 192),
        (lambda form: zoo.resnet(50, form=form), "res5c", 483, 32),
        (zoo.lenet, "pool2", 16, 4),
    ],
)
def test_published_sizes(make, blob, size, stride):
    field = receptive_field(Graph(make(form="deploy")), blob)
    assert (field.height.size, field.width.size) == (size, size)
    assert (field.height.stride, field.width.stride) == (stride, stride)


def odd_net():
    """Every kind of window, uneven in height and width, with branches that meet."""
    n = NetSpec("odd")
    n.data = L.Input(shape=dict(dim=[1, 2, 40, 36]))
    gauss = dict(type="gaussian", std=1)
    n.conv = L.Convolution(
        n.data,
        num_output=3,
        kernel_h=3,
        kernel_w=5,
        stride_h=1,
        stride_w=2,
        pad_h=2,
        pad_w=1,
        weight_filler=gauss,
    )
    n.wide = L.Convolution(n.conv, num_output=2, kernel_size=3, dilation=2, pad=2, weight_filler=gauss)
    n.near = L.Pooling(n.conv, kernel_size=3, pad=1, stride=1, pool=P.Pooling.AVE)
    n.both = L.Concat(n.wide, n.near)
    n.up = L.Deconvolution(
        n.both, convolution_param=dict(num_output=2, kernel_size=4, stride=2, pad=1, weight_filler=gauss)
    )
    n.frame = L.Input(shape=dict(dim=[1, 2, 40, 30]))
    n.cut = L.Crop(n.up, n.frame, axis=2, offset=[5, 3])
    return n


@pytest.mark.parametrize("blob", ["conv", "wide", "near", "both", "up", "cut"])
@pytest.mark.parametrize("place", [(0, 0), (13, 9), (20, 15)])
def test_units_depend_on_the_pixels_of_their_box_and_no_others(blob, place):
    net = Net(odd_net(), dtype="float64", seed=3)
    field = receptive_field(net.graph, blob)
    image = np.random.default_rng(0).standard_normal(net.blobs["data"].shape)
    row, column = place
    before = net.forward(end=blob, data=image)
    before = net.blobs[blob].data[0, :, row, column].copy()
    top, left, bottom, right = field.box(row, column, image.shape)
    outside = image + np.random.default_rng(1).standard_normal(image.shape)
    outside[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    net.forward(end=blob, data=outside)
    np.testing.assert_allclose(net.blobs[blob].data[0, :, row, column], before, rtol=1e-12)
    edges = image.copy()
    edges[:, :, top, :] += 1
    net.forward(end=blob, data=edges)
    if blob not in ("up", "cut"):  # of a deconvolution the size is that of its widest unit
        assert not np.allclose(net.blobs[blob].data[0, :, row, column], before)


def test_a_box_is_cut_at_the_image():
    assert Extent(11, 4, -3).pixels(0, 100) == (0, 8)
    assert Extent(11, 4, -3).pixels(25, 100) == (97, 100)


def test_blobs_without_one_field():
    n = NetSpec("two")
    n.a = L.Input(shape=dict(dim=[1, 1, 8, 8]))
    n.b = L.Input(shape=dict(dim=[1, 1, 8, 8]))
    n.half = L.Pooling(n.a, kernel_size=2, stride=2)
    n.sum = L.Eltwise(n.a, n.b)
    graph = Graph(n)
    assert "sum" not in receptive_fields(graph)
    with pytest.raises(NetError, match="several inputs"):
        receptive_field(graph, "sum")
    with pytest.raises(NetError, match="half"):
        receptive_field(graph, "hlaf")
