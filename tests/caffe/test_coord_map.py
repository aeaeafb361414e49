"""coord_map: where pixels lie, on nets whose numbers are worked out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.caffe import NetSpec
from owlkit.caffe import layers as L
from owlkit.caffe import params as P
from owlkit.caffe.coord_map import (
    PASS_THROUGH_LAYERS,
    AxisMismatchException,
    UndefinedMapException,
    compose,
    conv_params,
    coord_map,
    coord_map_from_to,
    crop,
    inverse,
)
from owlkit.net import Graph


def _image(*size: int) -> Any:
    return L.Input(shape=dict(dim=[1, 3, *(size or (64, 64))]))


def _conv(bottom: Any, kernel_size: Any, **params: Any) -> Any:
    return L.Convolution(bottom, num_output=4, kernel_size=kernel_size, **params)


def _pool(bottom: Any, size: int = 2) -> Any:
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=size, stride=size)


def _up(bottom: Any, kernel_size: int, stride: int, **params: Any) -> Any:
    return L.Deconvolution(
        bottom, convolution_param=dict(num_output=2, kernel_size=kernel_size, stride=stride, **params)
    )


def _is(found: Any, axis: int | None, scale: Any, shift: Any) -> None:
    assert found[0] == axis
    np.testing.assert_allclose(np.ravel(found[1]), np.ravel(scale), rtol=1e-12)
    np.testing.assert_allclose(np.ravel(found[2]), np.ravel(shift), rtol=1e-12, atol=1e-12)


def test_one_layer_each() -> None:
    """Output y is centred at stride * y + (extent - 1) / 2 - pad of the input; maps are its inverse."""
    x = _image()
    _is(coord_map(_conv(x, 5, stride=2, pad=1).fn), 1, 0.5, (1 - 2) / 2)
    # kernel 3 with dilation 4 reaches over 9 pixels
    _is(coord_map(_conv(x, 3, dilation=4).fn), 1, 1, -4)
    _is(coord_map(_pool(x, 2).fn), 1, 0.5, -0.25)
    _is(coord_map(L.Im2col(x, kernel_size=3, pad=1).fn), 1, 1, 0)
    _is(coord_map(_up(x, 4, 2, pad=1).fn), 1, 2, 0.5)
    _is(coord_map(L.Crop(x, x, axis=2, offset=[3, 5]).fn), 1, 1, [-3, -5])
    _is(coord_map(L.Crop(x, x, axis=3).fn), 2, 1, 0)


@pytest.mark.parametrize("layer_type", [name for name in PASS_THROUGH_LAYERS if name != "Eltwise"])
def test_layers_of_single_elements_move_nothing(layer_type: str) -> None:
    assert coord_map(getattr(L, layer_type)(_image()).fn) == (None, 1, 0)


def test_axes_of_their_own() -> None:
    x = _image()
    _is(coord_map(_conv(x, [3, 5], stride=[1, 2], pad=[0, 10]).fn), 1, [1, 0.5], [-1, 4])
    rectangular = L.Convolution(x, num_output=1, kernel_h=3, kernel_w=5, stride_h=1, stride_w=2, pad_w=10)
    _is(coord_map(rectangular.fn), 1, [1, 0.5], [-1, 4])
    volume = _conv(L.Input(shape=dict(dim=[1, 1, 9, 9, 9])), 3, pad=[0, 1, 2])
    _is(coord_map(volume.fn), 1, 1, [-1, 0, 1])


def test_kernels_are_given_as_a_message_too() -> None:
    x = _image()
    fn = L.Convolution(x, convolution_param=dict(num_output=1, kernel_size=7, stride=4, axis=1)).fn
    axis, stride, extent, pad = conv_params(fn)
    assert (axis, stride.tolist(), extent.tolist(), pad.tolist()) == (1, [4], [7], [0])


def test_maps_are_composed_and_inverted() -> None:
    # x -> 2 x + 3, then x -> 5 x + 7: 5 (2 x + 3) + 7
    _is(compose((1, 5, 7), (1, 2, 3)), 1, 10, 22)
    _is(compose((1, 5, 7), (None, 1, 0)), 1, 5, 7)
    _is(compose((None, 1, 0), (2, 5, 7)), 2, 5, 7)
    _is(inverse((1, 4.0, 6.0)), 1, 0.25, -1.5)
    with pytest.raises(AxisMismatchException, match="axis 1 and after axis 2"):
        compose((1, 1, 0), (2, 1, 0))


def test_halved_and_doubled() -> None:
    """conv 3, pool 2, deconv 4 / 2: 2 ((x - 1) / 2 - 1/4) + 3/2 = x."""
    x = _image()
    up = _up(_pool(_conv(x, 3)), 4, 2)
    _is(coord_map_from_to(up, x), 1, 1, 0)
    # pool 4, deconv 8 / 4: 4 ((x - 1) / 4 - 3/8) + 7/2 = x + 1, so x of `up` is x - 1 of the image
    up = _up(_pool(_conv(x, 3), 4), 8, 4)
    _is(coord_map_from_to(up, x), 1, 1, -1)
    _is(coord_map_from_to(x, up), 1, 1, 1)


def test_padding_shifts() -> None:
    x = _image()
    _is(coord_map_from_to(_up(_pool(_conv(x, 3, pad=6)), 4, 2), x), 1, 1, -6)
    _is(coord_map_from_to(_up(_pool(_conv(x, 3)), 4, 2, pad=6), x), 1, 1, 6)


def _fcn() -> tuple[NetSpec, dict[str, int]]:
    """The published FCN-32s, 16s and 8s in small: VGG's convolutions, padded by 100, and their crops."""
    n = NetSpec()
    n.data = _image(40, 52)
    bottom = n.data
    for stage, depth in enumerate((2, 2, 3, 3, 3), 1):
        for i in range(1, depth + 1):
            n[f"conv{stage}_{i}"] = _conv(bottom, 3, pad=100 if (stage, i) == (1, 1) else 1)
            bottom = n[f"relu{stage}_{i}"] = L.ReLU(n[f"conv{stage}_{i}"], in_place=True)
        bottom = n[f"pool{stage}"] = _pool(bottom)
    n.fc6 = _conv(bottom, 7)
    n.relu6 = L.ReLU(n.fc6, in_place=True)
    n.score_fr = L.Convolution(n.relu6, num_output=2, kernel_size=1)
    n.score32 = crop(_up(n.score_fr, 64, 32), n.data)

    n.upscore2 = _up(n.score_fr, 4, 2)
    n.score_pool4 = L.Convolution(n.pool4, num_output=2, kernel_size=1)
    n.score_pool4c = crop(n.score_pool4, n.upscore2)
    n.fuse_pool4 = L.Eltwise(n.upscore2, n.score_pool4c)
    n.score16 = crop(_up(n.fuse_pool4, 32, 16), n.data)

    n.upscore_pool4 = _up(n.fuse_pool4, 4, 2)
    n.score_pool3 = L.Convolution(n.pool3, num_output=2, kernel_size=1)
    n.score_pool3c = crop(n.score_pool3, n.upscore_pool4)
    n.fuse_pool3 = L.Eltwise(n.upscore_pool4, n.score_pool3c)
    n.score8 = crop(_up(n.fuse_pool3, 16, 8), n.data)
    # What the papers' definitions have in their Crop layers.
    return n, {"score32": 19, "score_pool4c": 5, "score16": 27, "score_pool3c": 9, "score8": 31}


def test_fully_convolutional_nets_are_aligned() -> None:
    n, offsets = _fcn()
    layers = {layer.name: layer for layer in n.to_proto().layer}
    found = {name: list(layers[name].crop_param.offset) for name in offsets}
    assert found == {name: [offset] for name, offset in offsets.items()}
    assert {layers[name].crop_param.axis for name in offsets} == {2}
    graph = Graph(n)
    assert {graph.blobs[name].shape for name in ("score32", "score16", "score8")} == {(1, 2, 40, 52)}


def test_a_crop_is_mapped_itself() -> None:
    x = _image()
    up = _up(_pool(_conv(x, 3, pad=6)), 4, 2)
    cut = L.Crop(up, x, axis=2, offset=6)
    # By its first bottom only: the second one, the image, would give the identity.
    _is(coord_map_from_to(cut, x), 1, 1, 0)
    assert crop(cut, x).fn.build().crop_param.offset[:] == [0]


def test_a_layer_of_single_elements_is_cropped_in_space() -> None:
    x = _image()
    param = crop(L.ReLU(x), x).fn.build().crop_param
    assert (param.axis, list(param.offset)) == (2, [0])


def test_deep_residual_nets_take_no_longer_than_their_layers() -> None:
    """Each block offers two ways, 2^60 in all; the nearest one, by the shortcuts, counts from no axis."""
    x = bottom = _image()
    for _ in range(60):
        bottom = L.Eltwise(_conv(bottom, 3, pad=1), bottom)
    _is(coord_map_from_to(bottom, x), None, 1, 0)


def test_what_cannot_be_mapped_or_cropped_is_told() -> None:
    x = _image()
    up = _up(_pool(_conv(x, 3)), 4, 2)
    with pytest.raises(RuntimeError, match="no map between the tops of InnerProduct layer and Input layer"):
        coord_map_from_to(L.InnerProduct(up, num_output=10), x)
    with pytest.raises(RuntimeError, match="no map"):
        coord_map_from_to(L.Pooling(up, global_pooling=True), x)
    with pytest.raises(UndefinedMapException, match="Softmax"):
        coord_map(L.Softmax(x).fn)
    with pytest.raises(AssertionError, match="differ in size"):
        crop(_up(_pool(_conv(x, 3), 3), 4, 2), x)
    with pytest.raises(AssertionError, match="inside the other"):
        crop(_up(_pool(_conv(x, 3)), 4, 2, pad=10), x)
    with pytest.raises(AssertionError, match="no whole number"):
        crop(_up(_pool(_conv(x, 4, pad=8)), 4, 2), x)
    with pytest.raises(ValueError, match="kernel_size"):
        coord_map(L.Convolution(x, num_output=1).fn)
