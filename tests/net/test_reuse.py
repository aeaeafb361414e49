"""Memory that is used again: results stay, memory shrinks, and what is gone says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from owlkit import L, Net, NetSpec, P
from owlkit.core.errors import NetError
from owlkit.core.memory import Memory
from owlkit.net.lifetimes import Lifetime, place
from tests.support import emulated_gpu

RNG = np.random.default_rng(0)
INPUTS = {"data": RNG.standard_normal((4, 3, 12, 12)), "label": RNG.integers(0, 5, 4)}


def branched() -> NetSpec:
    n, filler = NetSpec("branched"), dict(type="xavier")
    n.data, n.label = L.Input(shape=dict(dim=[4, 3, 12, 12])), L.Input(shape=dict(dim=[4]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, pad=1, num_output=8, weight_filler=filler)
    n.bn = L.BatchNorm(n.conv1, in_place=True)
    n.scale = L.Scale(n.bn, bias_term=True, in_place=True)
    n.relu1 = L.ReLU(n.scale, in_place=True)
    n.left = L.Convolution(n.relu1, kernel_size=1, num_output=8, weight_filler=filler)
    n.tanh = L.TanH(n.left)
    n.right = L.Convolution(n.relu1, kernel_size=3, pad=1, num_output=8, weight_filler=filler)
    n.sum = L.Eltwise(n.tanh, n.right)
    n.joined = L.Concat(n.sum, n.relu1)
    n.pool = L.Pooling(n.joined, kernel_size=2, stride=2, pool=P.Pooling.AVE)
    n.score = L.InnerProduct(n.pool, num_output=5, weight_filler=filler)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n


def build(memory: str, device: Any = "cpu", **options: Any) -> Net:
    return Net(branched(), phase="train", device=device, seed=1, memory=memory, **options)


def gradients(net: Net) -> dict[str, np.ndarray]:
    net.clear_param_diffs()
    net.forward(**INPUTS)
    net.backward()
    return {p.name: np.array(p.blob.diff) for p in net.learnable}


@pytest.mark.parametrize("where", ["cpu", "gpu"])
@pytest.mark.parametrize("fuse", [True, False])
def test_gradients_are_those_of_a_net_that_keeps_all(where: str, fuse: bool) -> None:
    if where == "gpu" and not emulated_gpu.available():
        pytest.skip("g++ is not installed")
    device = emulated_gpu.emulated_device if where == "gpu" else lambda: "cpu"
    keeps, reuses = build("keep", device(), fuse=fuse), build("reuse", device(), fuse=fuse)
    for _ in range(4):  # on a GPU: as it is, captured, replayed
        expected, found = gradients(keeps), gradients(reuses)
        assert reuses.loss == keeps.loss
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_memory_is_saved_and_more_without_backward() -> None:
    trains, infers = build("reuse"), build("reuse", backward=False)
    for net in (trains, infers):
        net.forward(**INPUTS)
    assert trains.reuse is not None
    assert infers.reuse is not None
    shares = [net.reuse.saved / (net.reuse.total + net.reuse.saved) for net in (trains, infers)]
    assert shares[0] > 0.25
    assert shares[1] > 0.35
    assert "loss" not in trains.reuse.recycled


def test_the_gpu_takes_less() -> None:
    if not emulated_gpu.available():
        pytest.skip("g++ is not installed")
    taken = {}
    for memory in ("keep", "reuse"):
        device = emulated_gpu.emulated_device()
        gradients(build(memory, device))
        taken[memory] = device.gpu.driver.used
    assert taken["reuse"] < 0.9 * taken["keep"]


def test_what_is_gone_says_so() -> None:
    net = build("reuse")
    net.forward(**INPUTS)
    net.backward()
    for role in ("data", "diff"):
        with pytest.raises(NetError, match=rf"blob 'left': the memory of its {role} .* keep=\['left'\]"):
            getattr(net.blobs["left"], role)
    assert net.blobs["loss"].data == net.loss
    with pytest.raises(NetError, match="memory='keep' to run a part of it"):
        net.forward(end="left")
    assert net.blobs["left"].shape == (4, 8, 12, 12)


def test_kept_blobs_last() -> None:
    net, other = build("reuse", keep=["left"]), build("keep")
    for each in (net, other):
        gradients(each)
    np.testing.assert_array_equal(net.blobs["left"].diff, other.blobs["left"].diff)
    with pytest.raises(NetError, match="there is no blob 'lift'"):
        build("reuse", keep=["lift"])
    with pytest.raises(NetError, match="give 'keep', or 'reuse'"):
        build("recycle")


def test_shapes_may_change_between_passes() -> None:
    net, other = build("reuse"), build("keep")
    for count in (4, 2, 6):
        for each in (net, other):
            each.blobs["data"].reshape(count, 3, 12, 12)
            each.blobs["label"].reshape(count)
            each.reshape()
            each.blobs["data"].data[...] = np.linspace(-1, 1, count * 432).reshape(count, 3, 12, 12)
            each.blobs["label"].data[...] = 1
            each.clear_param_diffs()
            each.forward_backward()
        assert net.loss == other.loss


def test_debug_info_says_that_it_has_nothing_to_show(caplog: pytest.LogCaptureFixture) -> None:
    """Passes failed when they were done, for the blobs that they were to show are gone then."""
    definition = branched().to_proto()
    definition.debug_info = True
    net = Net(definition, phase="train", memory="reuse")
    assert "debug_info shows nothing of a net with memory='reuse'" in caplog.text
    net.forward(**INPUTS)
    net.backward()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 30), st.integers(0, 10)), max_size=25))
def test_no_two_overlap_that_live_at_one_moment(drawn: list[tuple[int, int, int]]) -> None:
    lives = [Lifetime(Memory(), size, first, first + length) for size, first, length in drawn]
    placement = place(lives)
    where = {id(memory): (offset, offset + length) for offset, length, memory in placement.places}
    for i, one in enumerate(lives):
        low, high = where[id(one.memory)]
        assert high - low == one.nbytes
        assert low % 256 == 0
        assert high <= placement.total
        for other in lives[:i]:
            if other.first <= one.last and one.first <= other.last:
                start, end = where[id(other.memory)]
                assert high <= start or end <= low
    assert placement.total <= sum(life.nbytes + 255 for life in lives)
