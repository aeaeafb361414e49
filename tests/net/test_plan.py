"""Rewrites of the plan: faster, and no visible blob changes."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.net import Net
from tests.net.definitions import RESIDUAL, SMALL, make


def visible(net: Net) -> dict[str, np.ndarray]:
    """All that a user can read after forward and backward."""
    net.forward_backward()
    found = {f"{name}.data": blob.data.copy() for name, blob in net.blobs.items()}
    for node in net.graph.nodes:
        if node.backward:
            wanted = zip(node.bottom_names, node.propagate_down, strict=True)
            found |= {f"{n}.diff": net.blobs[n].diff.copy() for n, w in wanted if w}
    for name, blobs in net.params.items():
        found |= {f"{name}[{i}].diff": blob.diff.copy() for i, blob in enumerate(blobs)}
        found |= {f"{name}[{i}].data": blob.data.copy() for i, blob in enumerate(blobs)}
    return found


@pytest.mark.parametrize("definition", [SMALL, RESIDUAL], ids=["small", "residual"])
def test_fusion_changes_no_visible_blob(definition: str) -> None:
    fused, single = make(definition), make(definition, fuse=False)
    exact = make(definition, dtype="float64", fuse=False)
    exact.copy_from(fused.to_proto())
    for _ in range(2):  # the second pass must not see leftovers of the first
        ours, theirs, judge = visible(fused), visible(single), visible(exact)
    assert len(fused.plan.steps) < len(single.plan.steps)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-4, atol=2e-5, err_msg=name)
        np.testing.assert_allclose(value, judge[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_gradients_are_not_all_zero() -> None:
    """The comparison above would pass on zeros; it must not be one of zeros."""
    net = make(RESIDUAL)
    for name, value in visible(net).items():
        if name.endswith("diff") and not name.startswith(("label", "data")) and "_bn" not in name:
            assert np.count_nonzero(value) > 0.2 * value.size, name


def test_residual_sum_shares_its_gradient() -> None:
    net = make(RESIDUAL)
    assert len(net.plan.steps) == 15
    assert net.blobs["a_a_relu_0_split_1"].shares_diff(net.blobs["sum"])


def test_partial_forward_stops_between_fused_layers() -> None:
    net = make(SMALL)
    net.forward()
    assert net.blobs["conv1"].data.min() == 0
    assert net.forward(end="conv1")["conv1"].min() < 0
    assert net.forward(start="relu1", end="relu1")["conv1"].min() == 0
    whole = net.forward()["loss"].copy()
    assert whole == pytest.approx(float(make(SMALL).forward()["loss"]), rel=1e-6)


def test_nothing_moves_between_iterations() -> None:
    net = make(SMALL)
    net.forward_backward()
    before = {name: (b.data_tensor.address, b.diff_tensor.address) for name, b in net.blobs.items()}
    net.forward_backward()
    assert before == {name: (b.data_tensor.address, b.diff_tensor.address) for name, b in net.blobs.items()}


def test_reshaping_an_input_is_followed() -> None:
    net = make(SMALL)
    net.forward()
    net.blobs["data"].reshape(2, 3, 8, 8)
    net.blobs["label"].reshape(2)
    net.blobs["data"].data[...] = 1
    net.blobs["label"].data[...] = 0
    net.forward_backward()
    assert net.blobs["ip1"].shape == (2, 5)
    np.testing.assert_allclose(net.blobs["ip1"].data[0], net.blobs["ip1"].data[1], rtol=1e-6)


def test_profile_names_every_layer() -> None:
    net = make(SMALL)
    times = net.plan.profile(2)
    assert [name for t in times for name in t.layers] == net.layer_names
    assert all(t.forward > 0 for t in times)
    assert any(t.backward > 0 for t in times)


def test_the_plan_and_the_net_explain_themselves() -> None:
    net = make(SMALL)
    assert "conv1 + relu1" in repr(net.plan)
    assert "<table>" in net.plan._repr_html_()
    assert "6 of 3x3, pad 1" in repr(net)
    assert "<svg" in net._repr_html_()
