"""Which layers belong to a net in a given state: include and exclude rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from owlkit.core.errors import NetError, closest
from owlkit.proto import caffe_pb2

_PHASES = {"train": caffe_pb2.TRAIN, "test": caffe_pb2.TEST}


def phase_number(phase: str | int) -> int:
    """TRAIN or TEST from "train", "test" in any case, or from the number itself."""
    found = _PHASES.get(phase.lower(), -1) if isinstance(phase, str) else phase
    if found not in _PHASES.values():
        near = closest(phase, _PHASES) if isinstance(phase, str) else ""
        raise NetError(f"a phase is 'train' or 'test', not {phase!r}{near}")
    return found


def net_state(
    net: caffe_pb2.NetParameter, phase: str | int, level: int = 0, stages: Iterable[str] = ()
) -> caffe_pb2.NetState:
    """The state of a net: what is asked for, over what the definition itself says in `state`.

    As in Caffe, stages add up; a level of 0 leaves that of the definition.
    """
    if isinstance(stages, str):
        stages = (stages,)
    state = caffe_pb2.NetState(phase=phase_number(phase), level=level or net.state.level)
    state.stage.extend(dict.fromkeys((*net.state.stage, *stages)))
    return state


def meets(state: caffe_pb2.NetState, rule: caffe_pb2.NetStateRule) -> bool:
    """Whether all that a rule asks for holds: phase, min_level, max_level, every stage, no not_stage."""
    if rule.HasField("phase") and rule.phase != state.phase:
        return False
    if rule.HasField("min_level") and state.level < rule.min_level:
        return False
    if rule.HasField("max_level") and state.level > rule.max_level:
        return False
    stages = set(state.stage)
    return stages.issuperset(rule.stage) and stages.isdisjoint(rule.not_stage)


def included(layer: Any, state: caffe_pb2.NetState) -> bool:
    """Whether a layer belongs to a net in that state. Raises NetError where it has both kinds of rules."""
    if layer.include and layer.exclude:
        raise NetError(f"layer '{layer.name}' has both include and exclude rules; give one of the two")
    if layer.include:
        return any(meets(state, rule) for rule in layer.include)
    return not any(meets(state, rule) for rule in layer.exclude)


def filter_net(
    net: caffe_pb2.NetParameter, phase: str | int, level: int = 0, stages: Iterable[str] = ()
) -> caffe_pb2.NetParameter:
    """A copy with the layers that belong to the net in this phase, level and stages; its `state` says which.

    net : in today's format (see upgrade_net).
    Raises NetError for a layer with both include and exclude rules.
    """
    state = net_state(net, phase, level, stages)
    filtered = caffe_pb2.NetParameter()
    for field, value in net.ListFields():
        if field.name in ("layer", "state"):
            continue
        if field.is_repeated:
            getattr(filtered, field.name).extend(value)
        else:
            setattr(filtered, field.name, value)
    filtered.state.CopyFrom(state)
    filtered.layer.extend(layer for layer in net.layer if included(layer, state))
    return filtered


def left_out(
    net: caffe_pb2.NetParameter, state: caffe_pb2.NetState
) -> list[tuple[int, caffe_pb2.LayerParameter]]:
    """(index, a copy) of the layers that `filter_net` leaves out of a net in that state."""
    return [
        (index, caffe_pb2.LayerParameter.FromString(layer.SerializeToString()))
        for index, layer in enumerate(net.layer)
        if not included(layer, state)
    ]
