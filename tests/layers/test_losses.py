"""Losses: labels that are wrong, normalization, weights, and the oddities that follow Caffe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from tests.support.one_layer import OneLayer

SOFTMAX = 'type: "SoftmaxWithLoss"'
SIGMOID = 'type: "SigmoidCrossEntropyLoss"'
LABELS = [0, 4, 2, 1]


def with_loss_param(kind: str, fields: str) -> str:
    return f"{kind} loss_param {{ {fields} }}"


# -- labels
@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (5, "raise num_output of the layer that makes 'b0' to at least 6"),
        (-1, "set ignore_label: -1"),
        (1.5, "whole numbers"),
        (-0.5, "whole numbers"),
        (np.nan, "whole numbers"),
        (np.inf, "correct the"),
        (1e20, "correct the labels"),
    ],
)
def test_a_wrong_label_names_layer_value_place_and_range(wrong: float, advice: str) -> None:
    net = OneLayer(SOFTMAX, (4, 5), LABELS)
    net.bottom[1].data[2] = wrong
    with pytest.raises(DataError) as caught:
        net.forward()
    text = str(caught.value)
    assert text.startswith(f"l (SoftmaxWithLoss): label {wrong:g} at index 2 of the batch (blob 'b1'")
    assert "has 5 outputs (labels 0..4)" in text
    assert advice in text


def test_labels_are_checked_in_every_batch() -> None:
    net = OneLayer(SOFTMAX, (4, 5), LABELS)
    net.forward()
    net.bottom[1].data[0] = 7
    with pytest.raises(DataError, match="label 7 at index 0"):
        net.forward()


def test_a_wrong_label_in_an_image_is_placed() -> None:
    labels = np.zeros((2, 1, 3, 4))
    labels[1, 0, 2, 3] = 9
    with pytest.raises(DataError, match=r"label 9 at index \(1, 0, 2, 3\)"):
        OneLayer(SOFTMAX, (2, 5, 3, 4), labels).forward()


def test_ignore_label_is_named_among_the_allowed_ones_and_excuses_no_other() -> None:
    net = OneLayer(with_loss_param(SOFTMAX, "ignore_label: 255"), (4, 5), [0, 255, -1, 1])
    with pytest.raises(DataError, match=r"label -1 at index 2.*labels 0\.\.4 or 255 \(ignore_label\)"):
        net.forward()


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1, 1)])
def test_labels_of_any_shape_with_one_value_per_image(shape: tuple[int, ...]) -> None:
    expected = OneLayer(SOFTMAX, (4, 5), LABELS).forward()[0]
    assert OneLayer(SOFTMAX, (4, 5), np.reshape(LABELS, shape)).forward()[0] == expected


@pytest.mark.parametrize("shape", [(4, 5), (3,), (1, 4)])
def test_labels_of_another_count_or_batch_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetError, match="'b1'"):
        OneLayer(SOFTMAX, (4, 5), shape)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [(SOFTMAX, (4,)), (SIGMOID, (4, 5))],
    ids=["SoftmaxWithLoss", "SigmoidCrossEntropyLoss"],
)
def test_a_gradient_to_labels_is_refused(kind: str, labels: tuple[int, ...]) -> None:
    net = OneLayer(kind, (4, 5), np.zeros(labels))
    net.forward()
    with pytest.raises(NetError, match="cannot backpropagate to labels"):
        net.backward(1, propagate_down=[True, True])


# -- softmax
def softmax_loss(x: Any, labels: Any, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of losses and its gradient, in float64."""
    x = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    hot = np.asarray(labels, int)[..., None] == np.arange(x.shape[-1])
    return -np.log(p[hot]).sum(), np.moveaxis(p - hot, -1, axis)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_along_every_axis_of_a_channels_last_blob(axis: int, dtype: str) -> None:
    shape = (2, 5, 3, 4)
    rest = shape[:axis] + shape[axis + 1 :]
    labels = np.random.default_rng(3).integers(0, shape[axis], rest)
    body = f"{SOFTMAX} softmax_param {{ axis: {axis} }} loss_param {{ normalization: NONE }}"
    net = OneLayer(body, shape, labels, dtype=dtype)
    loss, gradient = softmax_loss(net.bottom[0].data, labels, axis)
    assert net.forward()[0] == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(net.backward(0.5)[0], 0.5 * gradient, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "divisor"),
    [
        ("", 18),  # VALID is the default
        ("normalization: VALID", 18),
        ("normalization: FULL", 24),
        ("normalization: BATCH_SIZE", 2),
        ("normalization: NONE", 1),
        ("normalize: true", 18),
        ("normalize: false", 2),
        ("normalize: false normalization: FULL", 24),
    ],
)
def test_normalization_of_softmax(fields: str, divisor: int) -> None:
    labels = np.random.default_rng(3).integers(0, 5, (2, 3, 4))
    labels[:, 0, :3] = 255
    net = OneLayer(with_loss_param(SOFTMAX, f"ignore_label: 255 {fields}"), (2, 5, 3, 4), labels)
    valid = labels != 255
    _, gradient = softmax_loss(net.bottom[0].data, np.where(valid, labels, 0), 1)
    net.forward()
    (dx, _) = net.backward(1)
    np.testing.assert_allclose(dx, gradient * valid[:, None] / divisor, atol=1e-6)


def test_batch_size_counts_all_axes_before_the_classes() -> None:
    """Caffe's BATCH_SIZE is the product of the axes before `axis`, not the length of axis 0."""
    body = f"{SOFTMAX} softmax_param {{ axis: 2 }} loss_param {{ normalization: %s }}"
    labels = np.zeros((2, 3, 4))
    total = OneLayer(body % "NONE", (2, 3, 5, 4), labels).forward()[0]
    assert OneLayer(body % "BATCH_SIZE", (2, 3, 5, 4), labels).forward()[0] == pytest.approx(total / 6)


def test_only_ignored_labels_give_zero_loss_and_gradient() -> None:
    net = OneLayer(with_loss_param(SOFTMAX, "ignore_label: 9"), (3, 4), [9, 9, 9])
    assert net.forward()[0] == 0
    assert (net.backward(1)[0] == 0).all()


def test_a_probability_of_zero_costs_87_not_infinity() -> None:
    """-log(FLT_MIN) = 87.3365: Caffe's floor."""
    assert OneLayer(SOFTMAX, [[0.0, 1000.0]], [0]).forward()[0] == pytest.approx(87.3365, rel=1e-5)


def test_second_top_holds_the_probabilities() -> None:
    net = OneLayer(SOFTMAX, (2, 5, 3, 4), np.zeros((2, 3, 4)), tops=2)
    _, prob = net.forward()
    assert prob.shape == (2, 5, 3, 4)
    np.testing.assert_allclose(prob.sum(axis=1), 1, rtol=1e-6)


def test_the_second_top_cannot_be_a_loss() -> None:
    with pytest.raises(NetError, match="loss_weight 0"):
        OneLayer(f"{SOFTMAX} loss_weight: 1 loss_weight: 2", (2, 5), (2,), tops=2)


def test_nan_scores_give_nan_loss_so_that_divergence_is_seen() -> None:
    net = OneLayer(SOFTMAX, np.full((2, 3), np.nan), [0, 1])
    assert np.isnan(net.forward()[0])


# -- sigmoid cross-entropy
def test_sigmoid_cross_entropy_of_large_logits_is_finite() -> None:
    net = OneLayer(SIGMOID, [[1000.0, -1000.0, 1000.0]], [[0.0, 1.0, 1.0]])
    assert net.forward()[0] == pytest.approx(2000)
    np.testing.assert_allclose(net.backward(1)[0], [[1, -1, 0]])


def test_batch_size_is_the_default_for_sigmoid_cross_entropy() -> None:
    targets = np.random.default_rng(3).random((4, 2, 3, 5))
    fields = ("", "normalization: BATCH_SIZE", "normalize: false", "normalization: NONE")
    given = [OneLayer(with_loss_param(SIGMOID, f), (4, 2, 3, 5), targets).forward()[0] for f in fields]
    assert given[0] == given[1] == given[2]
    assert given[3] == pytest.approx(4 * given[0])


def test_targets_of_another_shape_are_matched_in_caffe_order() -> None:
    """A channels-last blob against flat targets: memory orders differ, values must not."""
    targets = np.random.default_rng(3).random((2, 3, 4, 5))
    same, flat = (
        OneLayer(SIGMOID, (2, 3, 4, 5), targets),
        OneLayer(SIGMOID, (2, 3, 4, 5), targets.reshape(2, 60)),
    )
    assert same.forward()[0] == flat.forward()[0]
    np.testing.assert_array_equal(same.backward(1)[0], flat.backward(1)[0])


@pytest.mark.parametrize("kind", [SIGMOID, 'type: "EuclideanLoss"'])
def test_counts_must_match(kind: str) -> None:
    with pytest.raises(NetError, match="equally many values, found 20 and 24"):
        OneLayer(kind, (4, 5), (4, 6))


# -- Euclidean
@pytest.mark.parametrize("shapes", [((2, 3, 4, 5), (2, 60)), ((2, 60), (2, 3, 4, 5)), ((2, 3, 4, 5),) * 2])
def test_euclidean_gives_gradients_to_both_bottoms(shapes: tuple[tuple[int, ...], ...]) -> None:
    net = OneLayer('type: "EuclideanLoss"', *shapes)
    a, b = (blob.data.reshape(2, 60).astype(np.float64) for blob in net.bottom)
    assert net.forward()[0] == pytest.approx(((a - b) ** 2).sum() / 4, rel=1e-6)
    da, db = net.backward(0.5)
    np.testing.assert_allclose(da.reshape(2, 60), 0.25 * (a - b), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(db.reshape(2, 60), 0.25 * (b - a), rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_wanted_is_not_written() -> None:
    net = OneLayer('type: "EuclideanLoss"', (3, 4), (3, 4))
    net.forward()
    da, db = net.backward(1, propagate_down=[False, True])
    assert np.isnan(da).all()
    assert not np.isnan(db).any()


# -- all
@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "EuclideanLoss", "SigmoidCrossEntropyLoss"])
def test_a_loss_needs_no_named_top_and_weighs_one(kind: str) -> None:
    from owlkit.layers import LAYERS

    assert LAYERS[kind].auto_tops
    assert LAYERS[kind].default_loss_weight == 1


@pytest.mark.parametrize("kind", ["EuclideanLoss", "HingeLoss", "MultinomialLogisticLoss", "SoftmaxWithLoss"])
def test_a_loss_that_does_not_heed_loss_param_says_so(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    from owlkit.layers.base import create
    from owlkit.proto import caffe_pb2

    param = caffe_pb2.LayerParameter(name="loss", type=kind)
    create(param, "train")
    assert not caplog.messages
    param.loss_param.normalize = True
    create(param, "train")
    told = [f"loss ({kind}): normalize has no effect on this loss, as in Caffe"]
    assert caplog.messages == ([] if kind == "SoftmaxWithLoss" else told)
