"""Which layers belong to a net: phase, level and stages."""

from __future__ import annotations

import pytest

from owlkit.core.errors import NetError
from owlkit.proto import caffe_pb2, text
from owlkit.proto.rules import filter_net


def _kept(rules: str, phase: str = "train", level: int = 0, stages: tuple[str, ...] = ()) -> bool:
    net = text.parse(f'layer {{ name: "x" {rules} }} layer {{ name: "y" }}', caffe_pb2.NetParameter)
    filtered = filter_net(net, phase, level, stages)
    assert len(net.layer) == 2
    assert filtered.layer[-1].name == "y"
    return len(filtered.layer) == 2


def test_phase() -> None:
    assert _kept("")
    assert _kept("include { phase: TRAIN }")
    assert not _kept("include { phase: TRAIN }", "test")
    assert _kept("include { phase: TRAIN } include { phase: TEST }", "TEST")
    assert not _kept("exclude { phase: TRAIN }")
    assert _kept("exclude { phase: TRAIN }", "test")
    assert _kept("include { }"), "a rule that asks for nothing holds"


@pytest.mark.parametrize("level", [-1, 0, 1, 2, 3])
def test_level(level: int) -> None:
    assert _kept("include { min_level: 1 max_level: 2 }", level=level) == (level in (1, 2))
    assert _kept("exclude { min_level: 1 }", level=level) == (level < 1)


def test_stages() -> None:
    assert _kept('include { stage: "a" }', stages=("a", "b"))
    assert not _kept('include { stage: "a" stage: "b" }', stages=("a",)), "all of a rule's stages"
    assert _kept('include { stage: "a" } include { stage: "b" }', stages=("b",)), "any rule"
    assert not _kept('include { stage: "a" not_stage: "b" }', stages=("a", "b"))
    assert not _kept('include { phase: TRAIN stage: "a" }', "test", stages=("a",))


def test_both_kinds_of_rule_are_refused() -> None:
    with pytest.raises(NetError, match="layer 'x' has both include and exclude rules"):
        _kept("include { } exclude { }")


def test_the_definitions_own_state_counts() -> None:
    net = text.parse(
        'name: "n" force_backward: true state { stage: "a" level: 2 }'
        'layer { include { stage: "a" stage: "b" } }',
        caffe_pb2.NetParameter,
    )
    filtered = filter_net(net, "test", stages="b")
    assert len(filtered.layer) == 1
    assert (filtered.name, filtered.force_backward) == ("n", True)
    assert list(filtered.state.stage) == ["a", "b"]
    assert (filtered.state.phase, filtered.state.level) == (caffe_pb2.TEST, 2)


def test_unknown_phase() -> None:
    with pytest.raises(NetError, match=r"'train' or 'test', not 'tset' \(did you mean 'test'\?\)"):
        filter_net(caffe_pb2.NetParameter(), "tset")
