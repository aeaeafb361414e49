"""The harness for layers: what it lets pass, what it calls known, and the broken layers it has to catch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from owlkit.layers.base import LAYERS
from tests.support.broken import BROKEN, BothWinTies, Larger, OtherWinsTies
from tests.support.gradient import check

RNG = np.random.default_rng(5)
A, B = RNG.standard_normal((2, 6, 4))
X = (2, 3, 5, 4)
CONT = np.ones((3, 2))


def _larger(a: np.ndarray, b: np.ndarray, g: np.ndarray) -> np.ndarray:
    return np.maximum(g * a, b)


G = np.array([0.5, 1.0, -1.5, 2.0])
LARGER = 'type: "Larger"'


def tied() -> np.ndarray:
    """B with one element equal to that of A, where the factor is 1."""
    b = B.copy()
    b[2, 1] = A[2, 1]
    return b


# -- prototxt, shapes, expectation
def test_a_right_layer_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "Larger", Larger)
    check("passes", LARGER, A, B, value=_larger)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_layer_is_caught(broken: type[Larger], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "Larger", broken)
    with pytest.raises(AssertionError, match=BROKEN[broken]):
        check("passes", LARGER, A, tied() if broken is BothWinTies else B, learned=[G])


def test_a_wrong_value_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "Larger", Larger)
    with pytest.raises(AssertionError, match="top 0 is another value"):
        check("passes", LARGER, A, B, value=lambda a, b, g: _larger(a, b, g) + 1e-9)
    with pytest.raises(AssertionError, match="top 0 is "):
        check("passes", LARGER, A, B, value=lambda a, b, g: _larger(a, b, g)[0])


def test_the_wrong_winner_of_a_tie_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """No difference tells which of two equal elements gets the gradient, so the test has to say."""
    wins, loses = np.zeros_like(A), np.zeros_like(A)
    a_wins = tied() <= G * A
    wins[a_wins], loses[~a_wins] = np.broadcast_to(G, A.shape)[a_wins], 1
    monkeypatch.setitem(LAYERS, "Larger", OtherWinsTies)
    with pytest.raises(AssertionError, match="another one of equal elements"):
        check("passes", LARGER, A, tied(), learned=[G], ties=[wins, loses])
    check("passes", LARGER, A, B, learned=[G])
    monkeypatch.setitem(LAYERS, "Larger", Larger)
    with pytest.raises(
        AssertionError, match="learned blob 0: 1 of 4 elements at a kink"
    ):  # by the tie itself
        check("passes", LARGER, A, tied(), learned=[G], ties=[wins, loses])


# -- where Caffe's gradient is not the true one: the check fails, and says that it is known
STATES = [(3, 2, 4), CONT, (1, 2, 3), (1, 2, 3)]
FILLER = 'weight_filler { type: "gaussian" std: 0.5 }'
KNOWN: dict[str, tuple[str, Sequence[Any], int]] = {
    "MVN": ("mvn_param { eps: 0.5 }", [X], 1),
    "ContrastiveLoss": ("contrastive_loss_param { margin: 4 }", [A, B, np.arange(6) % 2], 1),
    "LSTM": (f"recurrent_param {{ num_output: 3 expose_hidden: true {FILLER} }}", STATES, 3),
    "RNN": (f"recurrent_param {{ num_output: 3 expose_hidden: true {FILLER} }}", STATES[:3], 2),
}


@pytest.mark.parametrize("type_", KNOWN)
def test_what_is_wrong_in_caffe_too_fails_and_is_named(type_: str) -> None:
    options, bottoms, tops = KNOWN[type_]
    report = check("known", f'type: "{type_}" {options}', *bottoms, tops=tops)
    assert report.ok
    assert all(row.known for row in report.rows if row.verdict == "known")
