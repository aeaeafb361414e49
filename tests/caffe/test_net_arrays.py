"""Arrays of caffe.Net: in C order over channels-last blobs, and kept in step with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from tests.caffe.nets import DEPLOY, write


def test_arrays_are_in_c_order_and_their_views_write_through(deploy: caffe.Net) -> None:
    data = deploy.blobs["data"].data
    assert data.flags.c_contiguous
    assert data.flags.writeable
    data.reshape(2, -1)[...] = np.arange(2 * 192).reshape(2, 192)
    data.ravel()[0] = -5
    deploy.forward()
    expected = np.arange(384, dtype=np.float32)
    expected[0] = -5
    np.testing.assert_array_equal(deploy._net.blobs["data"].data, expected.reshape(2, 3, 8, 8))


def test_arrays_are_written_by_assignment_too(deploy: caffe.Net) -> None:
    """In pycaffe `data = x` is an error, and `data += x` one that comes after it has added."""
    blob, weights = deploy.blobs["data"], deploy.params["conv1"][0]
    blob.data = np.ones(blob.shape)
    blob.data += 2
    before = weights.data.copy()
    weights.data *= 3
    weights.diff = 5
    deploy.forward()
    assert (deploy._net.blobs["data"].data == 3).all()
    np.testing.assert_array_equal(deploy._net.params["conv1"][0].data, 3 * before)
    assert (deploy._net.params["conv1"][0].diff == 5).all()
    with pytest.raises(ValueError, match=r"blob 'data' is .* but the array is"):
        blob.data = np.ones((1, 3, 8, 8))


def test_an_array_that_is_kept_shows_every_later_pass(deploy: caffe.Net) -> None:
    kept = deploy.blobs["conv1"].data
    view = kept[1, 2]
    for value in (1.0, -3.0):
        deploy.blobs["data"].data[...] = value
        deploy.forward()
        assert kept.any()
        np.testing.assert_array_equal(kept, deploy._net.blobs["conv1"].data)
        np.testing.assert_array_equal(view, kept[1, 2])
    assert deploy.blobs["conv1"].data is kept


def test_arrays_that_nobody_keeps_cost_nothing_after_the_next_pass(deploy: caffe.Net) -> None:
    deploy.blobs["data"].data[...] = 1
    deploy.blobs["conv1"].diff[...] = 1
    assert len(deploy._arrays._handed_out) == 2
    deploy.forward()
    assert not deploy._arrays._handed_out


def test_blobs_that_share_memory_share_the_array(tmp_path: Path) -> None:
    text = DEPLOY + 'layer { name: "again" type: "Power" bottom: "pool1" top: "again" }'
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    net.forward()
    name = next(name for name in net.blobs if name.startswith("pool1_"))
    net.blobs["pool1"].data[...] = 7
    assert (net.blobs[name].data == 7).all()


def test_what_is_written_to_a_blob_is_what_the_next_layer_reads(trainable: caffe.Net) -> None:
    pool = np.random.default_rng(0).normal(size=trainable.blobs["pool"].shape).astype(np.float32)
    trainable.blobs["pool"].data[:] = pool
    out = trainable.forward(start="ip", end="ip")
    weights, bias = (blob.data for blob in trainable.params["ip"])
    np.testing.assert_allclose(out["ip"], pool.reshape(5, -1) @ weights.T + bias, rtol=1e-4, atol=1e-5)


def test_gradients_that_are_written_are_what_backward_starts_from(trainable: caffe.Net) -> None:
    diff = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    trainable.blobs["ip"].diff[:] = diff
    found = trainable.backward(start="ip", end="ip")
    assert list(found) == ["pool"]
    expected = (diff @ trainable.params["ip"][0].data).reshape(trainable.blobs["pool"].shape)
    np.testing.assert_allclose(found["pool"], expected, rtol=1e-4, atol=1e-5)
