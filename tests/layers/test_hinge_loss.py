"""HingeLoss: both norms, scores of several axes, wrong labels."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from tests.support.one_layer import OneLayer

LABELS = [1, 0, 2, 2]


@pytest.mark.parametrize(("norm", "power"), [("L1", 1), ("L2", 2)])
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1, 1), (4, 3, 2, 2)])
def test_value_and_gradient(norm: str, power: int, shape: tuple[int, ...]) -> None:
    """K is the product of all axes but the first, in Caffe's order, whatever the order in memory."""
    net = OneLayer(f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}', shape, LABELS)
    x = net.bottom[0].data.reshape(4, -1).astype(np.float64)
    sign = np.where(np.arange(x.shape[1]) == np.array(LABELS)[:, None], 1, -1)
    margin = np.maximum(0, 1 - sign * x)
    assert net.forward()[0] == pytest.approx((margin**power).sum() / 4, rel=1e-6)
    (dx, _) = net.backward(0.5)
    expected = -sign * (0.5 / 4) * (np.sign(margin) if power == 1 else 2 * margin)
    np.testing.assert_allclose(dx.reshape(4, -1), expected, rtol=1e-5, atol=1e-7)


def test_forward_leaves_the_diff_of_the_scores_alone() -> None:
    """Caffe uses it as scratch memory."""
    net = OneLayer('type: "HingeLoss"', (4, 3), LABELS)
    net.bottom[0].diff[...] = 5
    net.forward()
    assert (net.bottom[0].diff == 5).all()


def test_a_wrong_label_is_an_error() -> None:
    with pytest.raises(DataError, match="label 3 at index 1 of the batch"):
        OneLayer('type: "HingeLoss"', (4, 3), [0, 3, 1, 1]).forward()


def test_there_is_one_label_for_each_image() -> None:
    with pytest.raises(NetError, match="needs 4 labels"):
        OneLayer('type: "HingeLoss"', (4, 3, 2, 2), (4, 2, 2))
