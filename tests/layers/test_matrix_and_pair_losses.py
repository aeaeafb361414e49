"""MultinomialLogisticLoss, InfogainLoss and ContrastiveLoss: values, gradients, normalization, mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, FileFormatError, NetError
from owlkit.io.blobproto import array_to_proto
from owlkit.layers import LAYERS
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.gradient import check
from tests.support.one_layer import OneLayer


def slope_along(net: OneLayer, index: int, direction: np.ndarray) -> float:
    """Central difference of top 0 along a direction in bottom `index`."""
    x, losses = net.bottom[index].data.copy(), []
    for step in (1e-5, -1e-5):
        net.bottom[index].data[...] = x + step * direction
        losses.append(float(net.forward()[0]))
    net.bottom[index].data[...] = x
    return (losses[0] - losses[1]) / 2e-5


def check_directions(net: OneLayer, bottoms: tuple[int, ...], tolerance: float = 1e-7) -> None:
    """The gradients of these bottoms against central differences along random directions."""
    wanted = [i in bottoms for i in range(len(net.bottom))]
    net.forward()
    found = [gradient.copy() for gradient in net.backward(1, propagate_down=wanted)]
    rng = np.random.default_rng(8)
    for index in bottoms:
        assert np.count_nonzero(found[index])
        for _ in range(5):
            direction = rng.standard_normal(net.bottom[index].shape)
            expected = slope_along(net, index, direction)
            assert (found[index] * direction).sum() == pytest.approx(expected, rel=tolerance, abs=tolerance)


# -- MultinomialLogisticLoss
def multinomial(p: Any, labels: Any, dtype: str = "float64") -> OneLayer:
    return OneLayer('type: "MultinomialLogisticLoss"', p, labels, dtype=dtype)


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1, 1), (3, 2, 2, 2)])
def test_multinomial_logistic_loss(shape: tuple[int, ...]) -> None:
    p = np.random.default_rng(1).uniform(0.05, 1, shape)
    net = multinomial(p, [4, 0, 2])
    expected = -np.log(p.reshape(3, -1)[[0, 1, 2], [4, 0, 2]]).mean()
    assert net.forward()[0] == pytest.approx(expected)
    check_directions(net, (0,), 1e-6)


def test_a_probability_of_zero_costs_46_and_has_a_large_gradient() -> None:
    """-log(1e-20) = 46.05: Caffe's kLOG_THRESHOLD; the gradient there is 1e20, not 0."""
    net = multinomial([[0.0, 1.0]], [0])
    assert net.forward()[0] == pytest.approx(46.0517, rel=1e-5)
    np.testing.assert_allclose(net.backward(1)[0], [[-1e20, 0]])


def test_multinomial_tells_mistakes() -> None:
    with pytest.raises(DataError, match="label 5 at index 1"):
        multinomial((2, 5), [0, 5]).forward()
    with pytest.raises(NetError, match="needs 2 labels"):
        multinomial((2, 5), [[0, 1], [0, 1]])


# -- InfogainLoss
H = np.random.default_rng(2).uniform(0.1, 2, (1, 1, 4, 4))


def infogain(shape: tuple[int, ...], labels: Any, fields: str = "", h: Any = H, tops: int = 1) -> OneLayer:
    bottoms = [labels] if h is None else [labels, h]
    return OneLayer(f'type: "InfogainLoss" {fields}', shape, *bottoms, tops=tops, dtype="float64")


def sum_of_prices(x: np.ndarray, labels: np.ndarray, axis: int, ignored: int = -1) -> float:
    x = np.moveaxis(x, axis, -1)
    logarithms = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    kept = labels != ignored
    return float(-(H[0, 0][np.where(kept, labels, 0)] * logarithms * kept[..., None]).sum())


@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 4), 1), ((2, 4, 3, 5), 1), ((2, 3, 4, 5), 2), ((2, 3, 5, 4), -1), ((2, 4, 3), 1)]
)
def test_infogain_loss_along_every_axis(shape: tuple[int, ...], axis: int) -> None:
    at = axis % len(shape)
    labels = np.random.default_rng(3).integers(0, 4, shape[:at] + shape[at + 1 :])
    fields = f"infogain_loss_param {{ axis: {axis} }} loss_param {{ normalization: NONE }}"
    net = infogain(shape, labels, fields)
    assert net.forward()[0] == pytest.approx(sum_of_prices(net.bottom[0].data, labels, at))
    check_directions(net, (0,))


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
def test_normalization_of_infogain(fields: str, divisor: int) -> None:
    labels = np.random.default_rng(3).integers(0, 4, (2, 3, 4))
    labels[:, 0, :3] = 255
    net = infogain((2, 4, 3, 4), labels, f"loss_param {{ ignore_label: 255 {fields} }}")
    expected = sum_of_prices(net.bottom[0].data, labels, 1, ignored=255)
    assert net.forward()[0] == pytest.approx(expected / divisor)
    check_directions(net, (0,))


def test_infogain_with_the_identity_is_the_softmax_loss() -> None:
    labels = [3, 0, 1]
    net = infogain((3, 4), labels, h=np.eye(4), tops=2)
    softmax = OneLayer('type: "SoftmaxWithLoss"', net.bottom[0].data, labels, tops=2, dtype="float64")
    for mine, theirs in zip(net.forward(), softmax.forward(), strict=True):
        np.testing.assert_allclose(mine, theirs)
    np.testing.assert_allclose(net.backward(1)[0], softmax.backward(1)[0], atol=1e-12)


def test_the_matrix_may_come_from_a_file(tmp_path: Path) -> None:
    source = tmp_path / "H.binaryproto"
    source.write_bytes(array_to_proto(H.astype(np.float32), legacy=True).SerializeToString())
    net = infogain((3, 4), [3, 0, 1], f'infogain_loss_param {{ source: "{source}" }}', h=None)
    given = infogain((3, 4), [3, 0, 1])
    assert net.forward()[0] == pytest.approx(given.forward()[0], rel=1e-6)
    with pytest.raises(NetError, match="both are given"):
        infogain((3, 4), [3, 0, 1], f'infogain_loss_param {{ source: "{source}" }}')
    with pytest.raises(NetError, match=r"must be \(1, 1, 5, 5\), found \(1, 1, 4, 4\)"):
        infogain((3, 5), [3, 0, 1], f'infogain_loss_param {{ source: "{source}" }}', h=None)
    source.write_bytes(b"PK\x03\x04")
    with pytest.raises(FileFormatError, match="not a file of an infogain matrix"):
        infogain((3, 4), [3, 0, 1], f'infogain_loss_param {{ source: "{source}" }}', h=None)
    with pytest.raises(DataError, match="infogain matrix"):
        infogain((3, 4), [3, 0, 1], 'infogain_loss_param { source: "nowhere" }', h=None)


def test_infogain_tells_mistakes() -> None:
    with pytest.raises(NetError, match="neither is given"):
        infogain((3, 4), [0, 1, 2], h=None)
    with pytest.raises(NetError, match=r"must be \(1, 1, 5, 5\)"):
        infogain((3, 5), [0, 1, 2])
    with pytest.raises(NetError, match="outside the 2 axes"):
        infogain((3, 4), [0, 1, 2], "infogain_loss_param { axis: 2 }")
    with pytest.raises(DataError, match="label 4 at index 1"):
        infogain((2, 4), [0, 4]).forward()
    with pytest.raises(NetError, match="loss_weight 0"):
        infogain((2, 4), [0, 1], "loss_weight: 1 loss_weight: 1", tops=2)
    net = infogain((3, 4), [0, 1, 2])
    net.forward()
    for wanted in ([True, True, False], [True, False, True]):
        with pytest.raises(NetError, match="cannot backpropagate"):
            net.backward(1, propagate_down=wanted)


def test_forced_gradients_leave_out_labels_and_matrix() -> None:
    """Caffe stops there."""
    text = """
    force_backward: true
    layer { name: "in" type: "Input" top: "x" top: "label" top: "H" input_param {
        shape { dim: 3 dim: 4 } shape { dim: 3 } shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
    layer { name: "loss" type: "InfogainLoss" bottom: "x" bottom: "label" bottom: "H" top: "loss" }
    """
    net = Net(parse(text, caffe_pb2.NetParameter), phase="train")
    net.forward(H=H)
    net.backward()
    assert net.blobs["x"].diff.any()


# -- ContrastiveLoss
SIMILAR = [1, 0, 0, 1, 0, 0]


def contrastive(fields: str, similar: Any = SIMILAR, shape: tuple[int, ...] = (6, 4)) -> OneLayer:
    body = f'type: "ContrastiveLoss" contrastive_loss_param {{ {fields} }}'
    return OneLayer(body, shape, shape, similar, dtype="float64")


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1, 1)])
@pytest.mark.parametrize("legacy", [False, True])
def test_contrastive_loss(legacy: bool, shape: tuple[int, ...]) -> None:
    net = contrastive(f"margin: 3 legacy_version: {str(legacy).lower()}", shape=shape)
    a, b, s = (blob.data.reshape(6, -1) for blob in net.bottom)
    squared = ((a - b) ** 2).sum(axis=1)
    apart = np.maximum(3 - squared, 0) if legacy else np.maximum(3 - np.sqrt(squared), 0) ** 2
    assert net.forward()[0] == pytest.approx(np.where(s[:, 0] != 0, squared, apart).sum() / 12)
    check_directions(net, (0, 1), 1e-7 if legacy else 1e-3)


def test_the_gradient_of_a_distance_is_caffes_and_smaller_than_the_true_one() -> None:
    """Caffe adds 1e-4 to the distance that it divides by."""
    check("known", 'type: "ContrastiveLoss" contrastive_loss_param { margin: 3 }', (6, 4), (6, 4), SIMILAR)
    net = OneLayer('type: "ContrastiveLoss"', [[0.01]], [[0.0]], [0], dtype="float64")
    net.forward()
    assert net.backward(1)[0].item() == pytest.approx(-0.99 * 0.01 / (0.01 + 1e-4))
    assert slope_along(net, 0, np.ones((1, 1))) == pytest.approx(-0.99)


def test_equal_vectors_of_a_dissimilar_pair_do_not_move() -> None:
    net = OneLayer('type: "ContrastiveLoss"', [[1.0, 2.0]], [[1.0, 2.0]], [0])
    assert net.forward()[0] == pytest.approx(0.5)
    assert not net.backward(1)[0].any()


def test_a_similarity_is_cut_off_at_the_point() -> None:
    """Caffe casts it to int: 0.5 is dissimilar, -1 and 2 are similar."""
    net = contrastive("margin: 1", similar=[0.5, -0.5, -1, 2, 0, 1])
    reference = contrastive("margin: 1", similar=[0, 0, 1, 1, 0, 1])
    assert net.forward()[0] == reference.forward()[0]


def test_contrastive_writes_only_the_gradients_that_are_wanted() -> None:
    net = contrastive("margin: 3")
    net.forward()
    da, db, _ = net.backward(1, propagate_down=[False, True, False])
    assert np.isnan(da).all()
    assert db.any()


def test_contrastive_tells_mistakes() -> None:
    with pytest.raises(NetError, match="needs vectors"):
        contrastive("", shape=(6, 4, 2, 1))
    with pytest.raises(NetError, match="needs 6 values, one for each pair"):
        contrastive("", similar=[1, 0])
    with pytest.raises(NetError, match="equally many values"):
        OneLayer('type: "ContrastiveLoss"', (6, 4), (6, 3), SIMILAR)
    net = contrastive("")
    net.forward()
    with pytest.raises(NetError, match="cannot backpropagate to labels"):
        net.backward(1, propagate_down=[True, True, True])


@pytest.mark.parametrize("kind", ["MultinomialLogisticLoss", "InfogainLoss", "ContrastiveLoss"])
def test_a_loss_needs_no_named_top_and_weighs_one(kind: str) -> None:
    assert LAYERS[kind].auto_tops
    assert LAYERS[kind].default_loss_weight == 1
