"""Nets in half precision: the scale of the loss, by which small gradients survive."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import Net
from owlkit.kernels import masters
from tests.net.halves import small_net, solver
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def test_small_gradients_survive_by_the_scale_of_the_loss() -> None:
    net = Net(
        small_net(loss_weight=1e-7),
        phase="train",
        device=emulated_gpu.emulated_device(),
        seed=3,
        dtype="float16",
    )
    net.forward_backward()
    scaled = {p.name: p.blob.diff.copy() for p in net.learnable}
    assert net.loss_scale is not None
    assert net.blobs["loss"].diff == np.float32(1e-7), "as it was before"
    net.loss_scale.set(1)
    net.clear_param_diffs()
    net.forward_backward()
    lost = [p.name for p in net.learnable if scaled[p.name].any() and not p.blob.diff.any()]
    assert "conv1[0]" in lost, "without a scale they are rounded to zero"


def test_an_update_that_would_overflow_is_left_out_and_the_scale_halved() -> None:
    training = solver("float16")
    scale = training.net.loss_scale
    assert scale is not None
    training.step(3)
    before = [p.blob.data.copy() for p in training.net.learnable]
    history = [h.copy() for h in training.history]
    scale.set(2.0**24)
    training.step(1)
    assert (scale.value, scale.skipped) == (2.0**23, 1)
    for parameter, data in zip(training.net.learnable, before, strict=True):
        if not parameter.name.startswith("bn"):  # statistics are no gradient's
            np.testing.assert_array_equal(parameter.blob.data, data, err_msg=parameter.name)
    for mine, theirs in zip(training.history, history, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    while scale.skipped < 9 and scale.saved()["streak"] == 0:
        training.step(1)
    done, skipped = scale.saved()["streak"], scale.skipped
    training.step(2)
    assert (scale.saved()["streak"], scale.skipped) == (done + 2, skipped)
    assert any((p.blob.data != d).any() for p, d in zip(training.net.learnable, before, strict=True))


@pytest.mark.parametrize("graph", [None, False])
def test_a_pass_of_a_users_own_that_overflows_costs_no_update(graph: bool | None) -> None:
    """Its gradients are thrown away before the next iteration; those added to them are no better."""
    training = solver("float16", graph=graph)
    net, scale = training.net, training.net.loss_scale
    assert scale is not None
    training.step(3)  # the third is the first that a graph runs

    usual = scale.value
    for factor in (2.0**24, usual):
        scale.state.array[[masters.SCALE, masters.INVERSE]] = factor, 1 / factor
        net.forward_backward()  # the second one adds to what overflowed
        assert scale.state.peek()[masters.FOUND] == 1
    before, counted = [p.blob.data.copy() for p in net.learnable], scale.saved()
    training.step(1)
    assert scale.saved() == counted | {"streak": counted["streak"] + 1}, "nothing left out"
    assert any((p.blob.data != d).any() for p, d in zip(net.learnable, before, strict=True))


def test_the_scale_is_doubled_after_many_good_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit.kernels.masters.PATIENCE", 3)
    training = solver("float16")
    training.net.loss_scale.set(2.0**10)  # type: ignore[union-attr]
    training.step(7)
    assert training.net.loss_scale.value == 2.0**12  # type: ignore[union-attr]
