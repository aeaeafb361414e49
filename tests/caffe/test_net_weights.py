"""Weights of caffe.Net: shared, saved, loaded and moved to another net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from owlkit.caffe import mode
from owlkit.core.errors import NetError
from tests.caffe.nets import DEPLOY, constructed, write
from tests.support import emulated_gpu


def test_share_with_uses_the_same_memory(tmp_path: Path) -> None:
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    two.share_with(one)
    one.params["fc"][0].data[...] = 0
    one.params["fc"][1].data[...] = [0, 0, 50, 0, 0]
    np.testing.assert_allclose(two.forward()["prob"][:, 2], 1, rtol=1e-6)
    assert np.shares_memory(one.params["conv1"][0].data, two.params["conv1"][0].data)


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_share_with_after_passes_were_captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = emulated_gpu.emulated_device()
    monkeypatch.setattr(mode, "device", lambda: device)
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    for _ in range(3):
        two.forward()
    assert "forward is captured" in repr(two.owlkit_net.plan)
    two.share_with(one)
    one.params["fc"][0].data[...] = 0
    one.params["fc"][1].data[...] = [0, 0, 50, 0, 0]
    for _ in range(3):
        np.testing.assert_allclose(two.forward()["prob"][:, 2], 1, rtol=1e-6)


@pytest.mark.parametrize("way", ["binary", "hdf5"])
def test_weights_written_are_read_again(tmp_path: Path, way: str) -> None:
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    path = str(tmp_path / ("w.caffemodel" if way == "binary" else "w.caffemodel.h5"))
    if way == "binary":
        one.save(path)
        report = two.copy_from(path)
    else:
        one.save_hdf5(path)
        report = two.load_hdf5(path)
    assert report.loaded == ["conv1", "fc"]
    for name in one.params:
        for mine, theirs in zip(one.params[name], two.params[name], strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_surgery_makes_a_fully_convolutional_net(tmp_path: Path) -> None:
    """The inner product's weights, read as a convolution's, classify every place of a larger image."""
    text = DEPLOY.replace('name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"', "").replace(
        "inner_product_param { num_output: 5",
        'name: "fc-conv" type: "Convolution" bottom: "pool1" top: "fc"\n'
        "convolution_param { num_output: 5 kernel_size: 4",
    )
    net = constructed(tmp_path, caffe.TEST)
    full = caffe.Net(write(tmp_path, text, "full.prototxt"), caffe.TEST)
    for name in ("conv1",):
        for index in (0, 1):
            full.params[name][index].data[...] = net.params[name][index].data
    full.params["fc-conv"][0].data.flat = net.params["fc"][0].data.flat
    full.params["fc-conv"][1].data[...] = net.params["fc"][1].data
    image = np.random.default_rng(0).normal(size=(3, 12, 10)).astype(np.float32)
    full.blobs["data"].reshape(1, 3, 12, 10)
    out = full.forward_all(data=np.asarray([image]))["prob"]
    assert out.shape == (1, 5, 3, 2)
    crops = np.stack([image[:, :8, :8], image[:, 4:, 2:]])
    # Padding differs at the crops' inner borders: compare what is computed from the inside alone.
    net.params["conv1"][0].data[:, :, 0] = net.params["conv1"][0].data[:, :, 2] = 0
    net.params["conv1"][0].data[:, :, :, ::2] = 0
    full.params["conv1"][0].data[...] = net.params["conv1"][0].data
    out = full.forward(data=image[None])["prob"]
    expected = net.forward(data=crops)["prob"]
    np.testing.assert_allclose(out[0, :, 0, 0], expected[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(out[0, :, 2, 1], expected[1], rtol=1e-4, atol=1e-6)


def test_weights_of_another_net_are_refused_and_partial_ones_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    constructed(tmp_path, caffe.TEST).save(str(tmp_path / "w.caffemodel"))
    weights = str(tmp_path / "w.caffemodel")
    renamed = DEPLOY.replace('"fc"', '"other"')
    net = caffe.Net(write(tmp_path, renamed, "renamed.prototxt"), weights, caffe.TEST)
    assert "1 of 2 layers loaded; not in the file, kept as they are: other" in caplog.text
    assert net.copy_from(weights).missing == ["other"]
    with pytest.raises(NetError, match="no layer was loaded"):
        caffe.Net(write(tmp_path, renamed.replace('"conv1"', '"c"'), "all.prototxt"), weights, caffe.TEST)
