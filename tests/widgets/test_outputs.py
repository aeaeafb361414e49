"""Which outputs of a test net the monitor takes for its loss and its accuracies."""

from __future__ import annotations

import pytest

import owlkit as owl
from owlkit import L, NetSpec
from owlkit.core import events
from owlkit_widgets.outputs import Outputs
from owlkit_widgets.recorder import Recorder

from .fake_run import FakeRun


def net(*, weights: tuple[float, float] = (0.3, 1.0)) -> owl.Net:
    """Two classifiers, an auxiliary one first, whose accuracies do not say so in their names."""
    n = NetSpec("two")
    n.data, n.label = L.DummyData(shape=[{"dim": [4, 6]}, {"dim": [4]}], ntop=2)
    n.side = L.InnerProduct(n.data, num_output=3)
    n.a = L.SoftmaxWithLoss(n.side, n.label, loss_weight=weights[0])
    n.right = L.Accuracy(n.side, n.label)
    n.main = L.InnerProduct(n.data, num_output=3)
    n.b = L.SoftmaxWithLoss(n.main, n.label, loss_weight=weights[1])
    n.hits2 = L.Accuracy(n.main, n.label, top_k=2)
    n.hits = L.Accuracy(n.main, n.label)
    return owl.Net(n)


def test_by_layer_type_the_nets_own_classifier_first() -> None:
    assert Outputs.of(net()) == Outputs("b", ("hits", "right", "hits2"))
    assert Outputs.of(net(weights=(1.0, 0.3))).loss == "a"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["loss", "accuracy"], Outputs("loss", ("accuracy",))),
        (
            ["loss3/loss3", "loss3/top-1", "loss3/top-5"],
            Outputs("loss3/loss3", ("loss3/top-1", "loss3/top-5")),
        ),
        (["prob"], Outputs(None, ())),
    ],
)
def test_by_name_where_there_is_only_a_log(names: list[str], expected: Outputs) -> None:
    assert Outputs.named(names) == expected


def test_rows_of_several_accuracies() -> None:
    run = FakeRun()
    run.solver = type("WithNets", (), {"test_nets": [net()]})()
    recorder = Recorder(run)
    outputs = {"a": 9.0, "right": 0.1, "b": 2.0, "hits2": 0.75, "hits": 0.5}
    for iteration in (5, 10):
        recorder(events.TestDone(iteration, 0, "two", outputs, None, 0.1))
    assert recorder.tests[:3] == [
        {"iter": 5, "net": 0, "loss": 2.0, "accuracy": 0.5, "name": "two", "top": "hits"},
        {"iter": 5, "net": 1000, "loss": None, "accuracy": 0.1, "name": "two", "top": "right"},
        {"iter": 5, "net": 2000, "loss": None, "accuracy": 0.75, "name": "two", "top": "hits2"},
    ]
    assert recorder.tests[3] == {"iter": 10, "net": 0, "loss": 2.0, "accuracy": 0.5}
