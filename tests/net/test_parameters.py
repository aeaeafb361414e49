"""Learned parameters: sharing by name, accumulation, arenas, loading and saving."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from tests.net.definitions import HEAD, SMALL, make, parse

SHARED = (
    HEAD
    + "".join(
        f"""
layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}"
        param {{ name: "w" lr_mult: {lr} }} param {{ name: "b" }}
        inner_product_param {{ num_output: 192 weight_filler {{ type: "xavier" }} }} }}"""
        for name, bottom, lr in (("one", "data", 1), ("two", "one", 1))
    )
    + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "two" bottom: "label" top: "loss" }'
)


def test_gradients_accumulate_until_they_are_cleared() -> None:
    net = make(SMALL)
    net.forward_backward()
    once = net.params["conv1"][0].diff.copy()
    net.forward_backward()
    np.testing.assert_allclose(net.params["conv1"][0].diff, 2 * once, rtol=1e-5)
    net.clear_param_diffs()
    assert not net.params["conv1"][0].diff.any()
    net.clear_param_diffs()
    net.forward_backward()
    np.testing.assert_array_equal(net.params["conv1"][0].diff, once)


def test_shared_parameters_sum_their_gradients() -> None:
    net = make(SHARED)
    assert [p.name for p in net.learnable] == ["one[0]", "one[1]"]
    assert net.params["two"][0].shares_data(net.params["one"][0])
    net.forward_backward()
    together = net.params["one"][0].diff.copy()
    apart = make(SHARED.replace('name: "w"', "").replace('name: "b"', ""))
    for blobs in apart.params.values():
        for blob, source in zip(blobs, net.params["one"], strict=True):
            blob.data[...] = source.data
    apart.forward_backward()
    total = apart.params["one"][0].diff + apart.params["two"][0].diff
    np.testing.assert_allclose(together, total, rtol=1e-4, atol=1e-6)


def test_shared_parameters_must_agree() -> None:
    with pytest.raises(NetError, match=re.escape("has lr_mult 2 here but 1 in layer 'one'")):
        make(SHARED.replace("lr_mult: 1", "lr_mult: 2").replace("lr_mult: 2", "lr_mult: 1", 1))
    head, tail = SHARED.rsplit("num_output: 192", 1)
    with pytest.raises(NetError, match="make the shapes equal, or share_mode: PERMISSIVE"):
        make(head + "num_output: 5" + tail)


def test_the_arena_holds_every_parameter_once() -> None:
    net = make(SMALL.replace('name: "ip1" type', 'name: "ip1" param { lr_mult: 2 } type'))
    assert [(g.lr_mult, len(g.parameters)) for g in net.arena] == [(1.0, 3), (2.0, 1)]
    net.forward_backward()
    for group in net.arena:
        for parameter, where in group.slices():
            np.testing.assert_array_equal(group.data.flat[where], parameter.blob.data.ravel())
            np.testing.assert_array_equal(group.diff.flat[where], parameter.blob.diff.ravel())
        inside = sum(p.blob.count for p in group.parameters)
        assert np.count_nonzero(group.diff.flat) <= inside


def test_a_test_net_uses_the_train_nets_parameters() -> None:
    train = make(SMALL)
    test = Net(parse(SMALL), phase="test", share=train, backward=False)
    assert test.arena == []
    train.params["ip1"][0].data[...] = 3
    assert (test.params["ip1"][0].data == 3).all()
    test.forward(data=train.blobs["data"].data, label=train.blobs["label"].data)


def test_nets_that_share_agree() -> None:
    train = make(SMALL)
    with pytest.raises(
        NetError, match=r"conv1: parameter 0 is float64 here but float32 .* give both nets one dtype"
    ):
        Net(parse(SMALL), phase="test", share=train, dtype="float64")
    with pytest.raises(
        NetError, match=r"ip1: parameter 0 is \(7, 96\) here but \(5, 96\) in the net it shares"
    ):
        Net(parse(SMALL.replace("num_output: 5", "num_output: 7")), phase="test", share=train)


def test_weights_survive_a_file(tmp_path: Path) -> None:
    net, other = make(SMALL), make(SMALL, seed=8)
    net.save(tmp_path / "x.caffemodel")
    report = other.copy_from(tmp_path / "x.caffemodel")
    assert report.loaded == ["conv1", "ip1"]
    assert report.missing == report.unused == []
    assert net.forward()["loss"] == other.forward()["loss"]


def test_what_was_not_loaded_is_told(tmp_path: Path) -> None:
    make(SMALL).save(tmp_path / "x.caffemodel")
    renamed = make(SMALL.replace('name: "ip1"', 'name: "ip_new"'))
    report = renamed.copy_from(tmp_path / "x.caffemodel")
    assert (report.loaded, report.missing, report.unused) == (["conv1"], ["ip_new"], ["ip1"])
    assert "in the file only: skipped" in repr(report)


def test_weights_of_another_shape_change_nothing(tmp_path: Path) -> None:
    make(SMALL).save(tmp_path / "x.caffemodel")
    other = make(SMALL.replace("num_output: 5", "num_output: 7"))
    before = other.params["conv1"][0].data.copy()
    with pytest.raises(
        NetError, match=r"ip1 .*is \(5, 96\) in the file but \(7, 96\) in the net; rename the layer"
    ):
        other.copy_from(tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(other.params["conv1"][0].data, before)


def test_a_layer_is_left_out_as_asked(tmp_path: Path) -> None:
    """A net of the zoo has a last layer that tells 1,000 classes apart, whose name cannot be chosen."""
    net = make(SMALL)
    net.save(tmp_path / "x.caffemodel")
    other = make(SMALL.replace("num_output: 5", "num_output: 7"), seed=9)
    before = other.params["ip1"][0].data.copy()
    report = other.copy_from(tmp_path / "x.caffemodel", skip="ip1")
    assert (report.loaded, report.left_out, report.missing, report.unused) == (["conv1"], ["ip1"], [], [])
    assert report.complete
    assert "left out, as asked" in repr(report)
    np.testing.assert_array_equal(other.params["ip1"][0].data, before)
    np.testing.assert_array_equal(other.params["conv1"][0].data, net.params["conv1"][0].data)
    with pytest.raises(NetError, match=r"skip='ip2'.*did you mean 'ip1'"):
        other.copy_from(tmp_path / "x.caffemodel", skip=["ip2"])


def test_seeds_make_nets_equal() -> None:
    assert make(SMALL, seed=5).forward()["loss"] == make(SMALL, seed=5).forward()["loss"]
    assert make(SMALL, seed=5).forward()["loss"] != make(SMALL, seed=6).forward()["loss"]


def test_an_input_of_another_shape_is_refused() -> None:
    with pytest.raises(
        NetError, match=re.escape("input 'data' is (4, 3, 8, 8), but the array is (1, 3, 8, 8)")
    ):
        make(SMALL).forward(data=np.zeros((1, 3, 8, 8)))


def test_the_first_nan_is_found_where_it_starts() -> None:
    net = make(SMALL)
    assert net.first_nonfinite() is None
    net.params["ip1"][0].data[0, 0] = np.nan
    net.forward()
    layer, blob, what = net.first_nonfinite() or ("", "", "")
    assert (layer, blob) == ("ip1", "ip1[0]")
    assert what.startswith("1 NaN of 480")


def test_weights_may_come_second_and_a_phase_does_not_pass_for_them(tmp_path: Path) -> None:
    """pycaffe's Net takes them there, and a phase third."""
    first = Net(parse(SMALL), seed=1)
    first.save(tmp_path / "w.caffemodel")
    second = Net(parse(SMALL), tmp_path / "w.caffemodel", seed=2)
    for mine, theirs in zip(first.learnable, second.learnable, strict=True):
        np.testing.assert_array_equal(mine.blob.data, theirs.blob.data)
    for phase in ("train", 1):
        with pytest.raises(NetError, match="give it as phase='train'"):
            Net(parse(SMALL), phase)  # type: ignore[arg-type]


def test_blobs_of_a_definition_are_the_first_weights(caplog: pytest.LogCaptureFixture) -> None:
    """As in Caffe. They were passed over: a net made of another's `to_proto` had weights of its own."""
    for definition in (SMALL, SHARED):
        net = make(definition)
        again = Net(net.to_proto(), phase="train", seed=99)
        for name, blobs in net.params.items():
            for mine, theirs in zip(blobs, again.params[name], strict=True):
                np.testing.assert_array_equal(mine.data, theirs.data)
    assert not caplog.records
    sharing = Net(net.to_proto(), phase="test", share=make(SHARED, seed=5))
    assert not np.array_equal(sharing.params["one"][0].data, net.params["one"][0].data)
    message = net.to_proto()
    del message.layer[1].blobs[1]
    with pytest.raises(
        NetError, match=r"one \(InnerProduct\).* 1 learned blobs for it.* the net 2; .*ClearField"
    ):
        Net(message, phase="train")


def test_blobs_of_a_definition_do_not_outlive_the_first_weights(tmp_path: Path) -> None:
    """They stayed in the definition, and with it in a file beside newer weights, and in memory."""
    net = Net(make(SMALL).to_proto(), phase="train")
    shared = Net(net.to_proto(), share=net)
    for made in (net, shared, net.deploy()):
        assert "blobs" not in made.save_definition(tmp_path / "net.prototxt").read_text()
