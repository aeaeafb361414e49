"""RNN, LSTM and LSTMUnit: gradients, hidden state, and the mistakes they tell. Caffe: see test_golden."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

T, N, D, H = 4, 3, 5, 2
CONT = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]])
X, STATE = (T, N, D), (1, N, H)
INPUTS = {
    "sequence": (X, CONT),
    "images": ((T, N, 2, 3), CONT),
    "static": (X, CONT, (N, 4)),
    "static_images": (X, CONT, (N, 2, 1, 2)),
    "scalars": ((T, N), CONT),
}


def _net(
    kind: str, *bottoms: object, dtype: str = "float32", exposed: bool = False, more: str = ""
) -> OneLayer:
    expose = "expose_hidden: true" if exposed else ""
    body = f'type: "{kind}" recurrent_param {{ num_output: {H} {expose} {more} }}'
    tops = {"LSTM": 3, "RNN": 2}[kind] if exposed else 1
    net = OneLayer(body, *bottoms, tops=tops, dtype=dtype)
    rng = np.random.default_rng(3)
    for blob in net.layer.blobs:
        blob.data[...] = rng.standard_normal(blob.shape) / 2
    return net


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize("inputs", INPUTS)
def test_gradient(kind: str, inputs: str) -> None:
    check_gradients(_net(kind, *INPUTS[inputs], dtype="float64"))


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize("inputs", INPUTS)
def test_float32_agrees_with_float64(kind: str, inputs: str) -> None:
    results = []
    for dtype in ("float32", "float64"):
        net = _net(kind, *INPUTS[inputs], dtype=dtype)
        (y,) = net.forward()
        diffs = net.backward(np.random.default_rng(2).standard_normal(y.shape))
        del diffs[1]  # of cont: there is none
        results.append([y.copy(), *diffs, *(blob.diff for blob in net.layer.blobs)])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, 1e-5, 1e-5)


def test_gradient_of_lstm_unit() -> None:
    check_gradients(OneLayer('type: "LSTMUnit"', (1, 3, 2), (1, 3, 8), [[1, 0, 1]], tops=2, dtype="float64"))


def test_lstm_unit_forgets_where_a_sequence_begins() -> None:
    cont = np.array([[1, 0, 1]])
    net = OneLayer('type: "LSTMUnit"', (1, 3, 2), (1, 3, 8), cont, tops=2)
    first = [top.copy() for top in net.forward()]
    net.bottom[0].data[0, 1] = 100
    for before, after in zip(first, net.forward(), strict=True):
        np.testing.assert_array_equal(before, after)
    dc_prev = net.backward(np.ones((1, 3, 2)), np.ones((1, 3, 2)))[0]
    assert not dc_prev[0, 1].any()
    assert dc_prev[0, 0].all()


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_large_gates_do_not_overflow(kind: str) -> None:
    net = _net(kind, np.full(X, 1e4), CONT)
    assert np.isfinite(net.forward()[0]).all()


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_a_sequence_in_two_pieces_equals_the_whole(kind: str) -> None:
    whole = _net(kind, X, CONT)
    expected = whole.forward()[0]
    piece = _net(kind, (T // 2, N, D), CONT[:2])
    for start in (0, 2):
        piece.bottom[0].data[...] = whole.bottom[0].data[start : start + 2]
        piece.bottom[1].data[...] = CONT[start : start + 2]
        np.testing.assert_allclose(piece.forward()[0], expected[start : start + 2], 1e-6, 1e-6)


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_reset_forgets_the_hidden_state(kind: str) -> None:
    net = _net(kind, X, np.ones((T, N)))
    first = net.forward()[0].copy()
    assert not np.allclose(net.forward()[0], first)
    net.layer.reset()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(net.forward()[0], first)


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_hidden_state_survives_a_snapshot(kind: str) -> None:
    net, resumed = _net(kind, X, np.ones((T, N))), _net(kind, X, np.ones((T, N)))
    net.forward()
    resumed.layer.restore_state(json.loads(json.dumps(net.layer.state())))
    np.testing.assert_array_equal(resumed.forward()[0], net.forward()[0])


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_exposed_hidden_state_is_what_is_carried_otherwise(kind: str) -> None:
    states = [STATE] * {"LSTM": 2, "RNN": 1}[kind]
    exposed = _net(kind, X, CONT, *states, exposed=True)
    carried = _net(kind, X, CONT)
    np.testing.assert_array_equal(carried.forward()[0], exposed.forward()[0])
    for state, end in zip(exposed.bottom[2:], exposed.top[1:], strict=True):
        state.data[...] = end.data
    for net in (exposed, carried):
        net.bottom[1].data[...] = 1
    np.testing.assert_array_equal(carried.forward()[0], exposed.forward()[0])
    assert exposed.layer.state() == {}


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_gradient_ends_at_the_exposed_state(kind: str) -> None:
    """Caffe's: nothing flows into h_0 and c_0 (zeros here), nothing comes from h_T and c_T."""
    states = [STATE] * {"LSTM": 2, "RNN": 1}[kind]
    net = _net(kind, X, np.ones((T, N)), *states, exposed=True)
    y = net.forward()[0]
    results = []
    for ending in (0, 1):
        diffs = net.backward(np.ones_like(y), *[np.full(STATE, ending)] * len(states))
        results.append(diffs[0].copy())
        assert all(not diff.any() for diff in diffs[2:])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_parameters_and_bottoms_that_want_no_gradient_are_left_alone(kind: str) -> None:
    net = _net(kind, X, CONT, (N, 4))
    net.layer.param_propagate_down = [False, True, False, True] + [True] * (len(net.layer.blobs) - 4)
    for blob in net.layer.blobs:
        blob.diff[...] = 7
        blob.clear_diff()
    y = net.forward()[0]
    dx, _, static = net.backward(np.ones_like(y), propagate_down=[False, False, False])
    assert np.isnan(dx).all()
    assert np.isnan(static).all()
    assert (net.layer.blobs[0].diff_tensor.array == 7).all()
    assert (net.layer.blobs[3].diff_tensor.array != 7).all()


def test_number_of_steps_and_streams_may_change() -> None:
    net = _net("LSTM", X, CONT)
    net.forward()
    for steps, streams in ((6, N), (2, 5)):
        net.bottom[0].reshape(steps, streams, D)
        net.bottom[1].reshape(steps, streams)
        net.bottom[0].data[...], net.bottom[1].data[...] = 0.5, 1
        net.reshape()
        assert net.forward()[0].shape == (steps, streams, H)


def test_debug_info_logs_every_step(caplog: pytest.LogCaptureFixture) -> None:
    net = _net("RNN", X, CONT, more="debug_info: true")
    with caplog.at_level(logging.INFO, "owlkit"):
        net.forward()
    assert len(caplog.records) == T
    assert "l, step 3: |h|" in caplog.text


@pytest.mark.parametrize(
    ("kind", "fields", "bottoms", "message"),
    [
        ("LSTM", "", (X, CONT), "num_output is missing"),
        ("LSTM", "num_output: 2", (X,), "1 bottoms; without expose_hidden give 2, or 3"),
        (
            "LSTM",
            "num_output: 2 expose_hidden: true",
            (X, CONT, STATE),
            "3 bottoms; with expose_hidden give 4",
        ),
        ("RNN", "num_output: 2", ((T,), (T,)), r"x must be \(T, N, ...\)"),
        ("RNN", "num_output: 2", (X, (T,)), r"cont must be \(T, N\) = \(4, 3\)"),
        ("RNN", "num_output: 2", (X, CONT, (4, 4)), r"static input must be \(N, ...\) with N = 3"),
        ("RNN", "num_output: 2 expose_hidden: true", (X, CONT, (1, 3, 9)), "hidden state must be"),
    ],
)
def test_mistakes_are_told(kind: str, fields: str, bottoms: tuple[object, ...], message: str) -> None:
    tops = 1 + ("expose" in fields) * {"LSTM": 2, "RNN": 1}[kind]
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "{kind}" recurrent_param {{ {fields} }}', *bottoms, tops=tops)


@pytest.mark.parametrize("bottoms", [((2, 3, 4), (1, 3, 16), (1, 3)), ((1, 3, 4), (1, 3, 12), (1, 3))])
def test_lstm_unit_tells_mistakes(bottoms: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(NetError, match="must be"):
        OneLayer('type: "LSTMUnit"', *bottoms, tops=2)


def test_the_size_of_the_input_must_stay() -> None:
    net = _net("LSTM", X, CONT)
    net.bottom[0].reshape(T, N, D + 1)
    with pytest.raises(NetError, match="weights take 5 inputs, found 6"):
        net.reshape()
