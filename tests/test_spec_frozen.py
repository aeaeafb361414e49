"""Layers of a NetSpec whose weights are not to learn."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import Net, Solver
from owlkit.spec import L, NetSpec, SpecError


def test_frozen_layers_keep_their_weights() -> None:
    """Every learned blob of them, of each type; what is above learns."""
    n = NetSpec("frozen")
    n.data, n.label = L.DummyData(
        shape=[[4, 3, 6, 6], [4]], data_filler=[dict(type="gaussian"), dict(type="constant")], ntop=2
    )
    n.a = L.Convolution(n.data, num_output=4, kernel_size=3, weight_filler="xavier", param=dict(lr_mult=2))
    n.b = L.Convolution(n.a, num_output=4, kernel_size=1, weight_filler="xavier", bias_term=False)
    n.scale = L.Scale(n.b, bias_term=True)
    n.prelu = L.PReLU(n.scale)
    n.up = L.Deconvolution(
        n.prelu, convolution_param=dict(num_output=2, kernel_size=2, weight_filler=dict(type="xavier"))
    )
    n.bias = L.Bias(n.up)
    n.fc = L.InnerProduct(n.bias, num_output=3, weight_filler="xavier")
    n.score = L.InnerProduct(n.fc, num_output=2, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    assert n.freeze("a", "[b-r]*", "up") == ["a", "b", "prelu", "bias", "fc", "up"]
    n.freeze("scale")
    solver = Solver(n, base_lr=0.1, weight_decay=0.1, max_iter=3, snapshot_after_train=False, seed=1)
    before = {name: [blob.data.copy() for blob in blobs] for name, blobs in solver.net.params.items()}
    solver.step(2)
    for name, blobs in solver.net.params.items():
        for old, blob in zip(before[name], blobs, strict=True):
            assert np.array_equal(old, blob.data) == (name != "score"), name
    with pytest.raises(SpecError, match=r"'relu'.*has weights to learn"):
        n.freeze("relu")
    with pytest.raises(SpecError, match=r"freeze\(\*names\)"):
        n.freeze(["a", "b"])


def test_recurrent_layers_are_frozen_whole() -> None:
    for layer, count in ((L.RNN, 5), (L.LSTM, 3)):
        n = NetSpec("recurrent")
        n.x, n.cont = L.DummyData(
            shape=[[3, 2, 4], [3, 2]], data_filler=dict(type="constant", value=1), ntop=2
        )
        n.h = layer(n.x, n.cont, num_output=3, weight_filler="xavier")
        n.freeze("h")
        assert [param.lr_mult for param in n.to_proto().layer[-1].param] == [0] * count
        assert len(Net(n).params["h"]) == count
