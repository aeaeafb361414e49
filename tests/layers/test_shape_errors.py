"""Shapes that do not fit: the mistake that users make most with each layer, and what they are told to do."""

from __future__ import annotations

import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.errors import NetError


def net_of(*shapes: tuple[int, ...]) -> NetSpec:
    """A net with inputs a, b, ... of these shapes."""
    n = NetSpec("mistaken")
    for name, shape in zip("abc", shapes, strict=False):
        n[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
    return n


@pytest.mark.parametrize(
    ("kind", "shapes", "fields", "message"),
    [
        ("EuclideanLoss", [(8, 1), (8, 2)], {}, r"'a' \(8, 1\).*found 8 and 16: .*'a' num_output: 2"),
        ("EuclideanLoss", [(8, 1, 5, 5), (8, 1, 7, 7)], {}, r"found 200 and 392: .*Crop"),
        ("EuclideanLoss", [(8, 1), (4, 2)], {}, r"first axis.*the same batch_size"),
        ("SoftmaxWithLoss", [(8, 10), (8, 10)], {}, r"labels of shape \(8,\).*the number of its class"),
        ("SoftmaxWithLoss", [(8, 10, 7, 7), (8,)], {}, r"every place of a map: .*global_pooling: true"),
        ("SoftmaxWithLoss", [(8, 10), (8, 2)], {}, r"one label for each row"),
        ("Accuracy", [(8, 10), (8, 10)], {}, r"the number of its class"),
        ("SigmoidCrossEntropyLoss", [(8, 5), (8, 6)], {}, r"found 40 and 48: .*num_output: 6"),
        ("SigmoidCrossEntropyLoss", [(8, 5), (8,)], {}, r"needs 40 targets.*take SoftmaxWithLoss"),
        ("HingeLoss", [(8, 5), (8, 5)], {}, r"needs 8 labels.*batch_size"),
        ("Eltwise", [(2, 8, 4, 4), (2, 4, 4, 4)], {}, r"as of 'a': .*num_output.*1x1 Convolution"),
        ("Eltwise", [(2, 8, 4, 4), (2, 8, 3, 3)], {}, r"as of 'a': .*pad and stride.*Crop"),
        ("Eltwise", [(2, 8, 4, 4), (2, 4, 3, 3)], {}, r"num_output.*; make the maps equally large"),
        ("Eltwise", [(2, 8), (2, 4)], {}, r"the same num_output \("),
        ("Eltwise", [(2, 8, 1, 1), (2, 8)], {}, r"number of axes by a Reshape or Flatten"),
        ("Concat", [(2, 8, 4, 4), (2, 8, 3, 3)], {}, r"apart from axis 1: .*make the maps equally large"),
        ("Concat", [(2, 8, 4, 4), (3, 8, 4, 4)], {}, r"of the same batch"),
        ("Scale", [(2, 8, 4, 4), (2,)], {"axis": 1}, r"scales \(2,\).*\(8,\).*choose axis"),
        ("Bias", [(2, 8, 4, 4), (2,)], {"axis": 1}, r"does not stand in x's shape.*choose axis"),
        ("Pooling", [(2, 8)], {"kernel_size": 2}, r"4 axes.*put it before InnerProduct"),
        ("LRN", [(2, 8)], {}, r"4 axes.*put it before InnerProduct"),
        ("Reshape", [(2, 8)], {"shape": {"dim": [2, 9]}}, r"18 elements, the bottom 16; make one dim -1"),
        ("BatchNorm", [(8,)], {}, r"at least two axes.*add a Reshape"),
    ],
)
def test_what_to_do_is_said(
    kind: str, shapes: list[tuple[int, ...]], fields: dict[str, object], message: str
) -> None:
    n = net_of(*shapes)
    n["wrong"] = getattr(L, kind)(*(n[name] for name in "abc"[: len(shapes)]), **fields)
    with pytest.raises(NetError, match=message) as caught:
        Net(n, phase="train", device="cpu")
    assert str(caught.value).startswith(f"wrong ({kind}): ")
    assert any(f"'{name}'" in str(caught.value) for name in "ab")


def test_targets_may_have_any_number_of_axes() -> None:
    n = net_of((2, 3, 2, 2, 2), (2, 3, 2, 2, 2))
    n.loss = L.SigmoidCrossEntropyLoss(n.a, n.b)
    assert Net(n, phase="train", device="cpu").blobs["loss"].shape == ()


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (
            "Convolution",
            {"num_output": 2, "kernel_size": 1},
            r"expects 3 channels.*found 4 channels; its filters",
        ),
        ("BatchNorm", {}, r"expects 3 channels.*its statistics"),
        ("PReLU", {}, r"slopes for 3 channels, found 4; .*channel_shared"),
        ("InnerProduct", {"num_output": 2}, r"take 108 inputs, the bottom gives 144; .*global_pooling"),
    ],
)
def test_what_was_learned_for_another_input_says_so(
    kind: str, fields: dict[str, object], message: str
) -> None:
    n = net_of((2, 3, 6, 6))
    n["wrong"] = getattr(L, kind)(n.a, **fields)
    net = Net(n, phase="train", device="cpu")
    net.blobs["a"].reshape(2, 4, 6, 6)
    with pytest.raises(NetError, match=message):
        net.forward()
