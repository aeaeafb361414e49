"""Accuracy: ties, NaN, ignored labels, and labels that no class stands for."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from tests.support.one_layer import OneLayer


def test_a_tie_counts_as_wrong() -> None:
    """Caffe counts every class that scores at least as high as the label: equal scores give 0, not 1/K."""
    assert OneLayer('type: "Accuracy"', np.zeros((4, 3)), [0, 1, 2, 0]).forward()[0] == 0


def test_a_tie_within_the_best_k_counts_as_right() -> None:
    scores = [[5.0, 5.0, 1.0]]
    assert OneLayer('type: "Accuracy" accuracy_param { top_k: 2 }', scores, [0]).forward()[0] == 1


def test_scores_of_a_diverged_net_are_never_right() -> None:
    scores = [[np.nan, np.nan], [np.nan, 1.0], [2.0, 1.0]]
    assert OneLayer('type: "Accuracy"', scores, [0, 1, 0]).forward()[0] == pytest.approx(1 / 3)


def test_only_ignored_labels_give_zero() -> None:
    net = OneLayer('type: "Accuracy" accuracy_param { ignore_label: -1 }', (3, 4), [-1, -1, -1], tops=2)
    accuracy, per_class = net.forward()
    assert accuracy == 0
    assert (per_class == 0).all()


def test_per_class_accuracy_leaves_ignored_labels_out() -> None:
    scores = np.eye(3)[[0, 1, 1, 2]]
    net = OneLayer('type: "Accuracy" accuracy_param { ignore_label: 2 }', scores, [0, 1, 0, 2], tops=2)
    accuracy, per_class = net.forward()
    assert accuracy == pytest.approx(2 / 3)
    np.testing.assert_allclose(per_class, [0.5, 1, 0])


def test_classes_along_another_axis_of_a_channels_last_blob() -> None:
    scores = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    labels = scores.argmax(axis=2)
    labels[0, 0, 0] += 1 if labels[0, 0, 0] < 3 else -1
    net = OneLayer('type: "Accuracy" accuracy_param { axis: 2 }', scores, labels)
    assert net.forward()[0] == pytest.approx(29 / 30)


def test_top_k_may_not_exceed_the_classes() -> None:
    with pytest.raises(NetError, match=r"top_k 5 exceeds the 3 classes.*'b0'"):
        OneLayer('type: "Accuracy" accuracy_param { top_k: 5 }', (4, 3), (4,))


def test_a_label_beyond_the_classes_is_an_error() -> None:
    net = OneLayer('type: "Accuracy"', (4, 3), [0, 1, 3, 2])
    with pytest.raises(DataError, match=r"label 3 at index 2 of the batch"):
        net.forward()


def test_no_gradient() -> None:
    net = OneLayer('type: "Accuracy"', (4, 3), [0, 1, 1, 2])
    net.forward()
    with pytest.raises(NetError, match="no gradient"):
        net.backward(1, propagate_down=[True, False])
    assert all(np.isnan(diff).all() for diff in net.backward(1))
