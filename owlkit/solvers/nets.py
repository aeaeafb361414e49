"""Which nets a solver trains and tests, and in which states, from its many fields. The rules are Caffe's."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from owlkit import proto
from owlkit.core.device import resolve_device
from owlkit.core.errors import DeviceError, MissingFileError, TrainingError
from owlkit.core.tensor import Tensor
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.solvers.testing import batches_of_one_pass

log = logging.getLogger("owlkit")


@dataclass
class NetChoice:
    """A net to build. iterations : batches of one test; 0 means one pass over its data."""

    definition: Any
    level: int = 0
    stages: tuple[str, ...] = ()
    iterations: int = 0


def chosen_device(param: Any) -> tuple[str | None, str]:
    """(device, remark) by solver_mode and device_id; None, the default, where the file says neither."""
    if not param.HasField("solver_mode"):
        return None, ""
    if param.solver_mode == caffe_pb2.SolverParameter.CPU:
        return "cpu", ""
    name = f"gpu:{max(param.device_id, 0)}"
    try:
        resolve_device(name)
    except DeviceError as error:
        found = str(error).removesuffix("; use device='cpu'")  # which is what happens
        return "cpu", f"solver_mode is GPU; training on the CPU: {found}"
    return name, ""


def train_choice(param: Any) -> NetChoice:
    """The net to train; TrainingError unless exactly one field names it."""
    fields = ("net", "net_param", "train_net", "train_net_param")
    given = [name for name in fields if param.HasField(name)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise TrainingError(f"a solver needs exactly one of {', '.join(fields)}; found {found}")
    return _choice(getattr(param, given[0]), param.train_state)


def test_choices(param: Any) -> list[NetChoice]:
    """The nets to test with: test_net_param, then test_net, then `net` once per test_iter that is left."""
    sources: list[Any] = [*param.test_net_param, *param.test_net]
    generic = param.net if param.HasField("net") else param.net_param if param.HasField("net_param") else None
    counts = list(param.test_iter) or [0] * len(sources)
    surplus = len(counts) - len(sources)
    if surplus < 0 or (surplus and generic is None):
        raise TrainingError(
            f"{len(sources)} test nets but {len(param.test_iter)} test_iter; give test_iter (batches of one "
            "test) once per test net"
        )
    sources += [generic] * surplus
    if surplus > 1 and not param.test_state:
        log.warning("%d test_iter and no test_state: the same net is tested %d times", len(counts), surplus)
    _check(param, len(sources))
    states = list(param.test_state) or [caffe_pb2.NetState()] * len(sources)
    choices = [_choice(source, state) for source, state in zip(sources, states, strict=True)]
    for choice, iterations in zip(choices, counts, strict=True):
        choice.iterations = iterations
    return choices


test_choices.__test__ = False  # type: ignore[attr-defined]  # the name is not meant for pytest


def _check(param: Any, count: int) -> None:
    if len(param.test_state) not in (0, count):
        raise TrainingError(
            f"{len(param.test_state)} test_state for {count} test nets; give one per test net"
        )
    if count and param.test_interval <= 0:
        raise TrainingError("there are test nets but no test_interval; say after how many iterations to test")
    if any(iterations <= 0 for iterations in param.test_iter):
        raise TrainingError(f"test_iter is {list(param.test_iter)}; each must be at least 1")


def _choice(source: Any, solver_state: Any) -> NetChoice:
    """The states of the net and of the solver are merged; the solver's wins."""
    try:
        definition = proto.net_param(source)
    except MissingFileError as error:
        raise MissingFileError(
            f"{error}: the solver names it, and it is neither there as seen from the working directory, "
            f"{os.getcwd()}, nor beside the solver file; start elsewhere, or correct the name"
        ) from None
    state = caffe_pb2.NetState()
    state.MergeFrom(definition.state)
    state.MergeFrom(solver_state)
    return NetChoice(definition, state.level, tuple(state.stage))


def build_train_net(param: Any, options: dict[str, Any]) -> Net:
    """The net to train; options : of Net."""
    choice = train_choice(param)
    net = Net(choice.definition, phase="train", level=choice.level, stages=choice.stages, **options)
    net.debug_info = False  # the solver's own counts, as in Caffe
    if not any(weight for layer in net.layers for weight in layer.loss_weights):
        last = f"; its last layer is {net.layers[-1].name!r}" if net.layers else "; it has no layers"
        raise TrainingError(
            f"the train net {net.name!r} has no loss, so nothing can be learned{last}: is its file complete? "
            "Otherwise add a loss layer such as SoftmaxWithLoss, or a loss_weight"
        )
    return net


def build_test_nets(param: Any, train_net: Net, options: dict[str, Any]) -> tuple[list[Net], list[int]]:
    """The nets to test with, sharing the parameters of `train_net`, and the batches of one test of each."""
    nets: list[Net] = []
    iterations: list[int] = []
    for choice in test_choices(param):
        state: dict[str, Any] = {"level": choice.level, "stages": choice.stages}
        net = Net(choice.definition, phase="test", share=train_net, backward=False, **state, **options)
        net.debug_info = False
        nets.append(net)
        iterations.append(choice.iterations or batches_of_one_pass(net))
    return nets, iterations


def keep_to(nets: Sequence[Net], histories: Sequence[Tensor], thread: int | None) -> None:
    """Let only this thread run the nets, and write to their blobs but inputs, to the parameters of the first
    and to the histories; None: any."""
    blobs = [parameter.blob for parameter in nets[0].learnable]
    for net in nets:
        net.keep_to(thread)
        blobs += [blob for name, blob in net.graph.blobs.items() if name not in net.inputs]
    memories = [blob.memory(role) for blob in blobs for role in ("data", "diff")]
    for memory in (*memories, *(tensor.memory for tensor in histories)):
        memory.keeper = thread
