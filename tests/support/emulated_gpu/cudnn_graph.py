"""cuDNN's front end as far as convolutions need it: a graph that is recorded, planned and run in NumPy.

It takes the calls in the order in which the real one wants them, refuses what that refuses, and reads and
writes memory by the dims, strides and uids that it was given, so that a mistake in them is seen.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.support.emulated_gpu.convolutions import RESULTS


class data_type(enum.Enum):
    FLOAT, HALF, BFLOAT16, DOUBLE = "float32", "float16", "bfloat16", "float64"


class heur_mode(enum.Enum):
    A, B, FALLBACK = range(3)


class numerical_note(enum.Enum):
    TENSOR_CORE, DOWN_CONVERT_INPUTS, REDUCED_PRECISION_REDUCTION, NONDETERMINISTIC = range(4)
    WINOGRAD_TILE_4x4, WINOGRAD_TILE_6x6, WINOGRAD_TILE_13x13 = range(4, 7)


class cudnnGraphNotSupportedError(Exception):
    """A graph or a plan that no engine serves."""


@dataclass(frozen=True)
class Engine:
    """A plan of the stand-in's. seconds : what timing it gives. builds : whether building it succeeds."""

    name: str
    workspace: int
    seconds: float
    notes: tuple[numerical_note, ...] = ()
    builds: bool = True


_CORE, _ANY_ORDER = numerical_note.TENSOR_CORE, numerical_note.NONDETERMINISTIC
ENGINES = (
    Engine("eng9_k2=1", 1 << 31, 1e-6, (_CORE,)),
    Engine("eng10_k2=4", 512, 1e-6, (_CORE, numerical_note.REDUCED_PRECISION_REDUCTION)),
    Engine("eng11_k5=6", 512, 1e-6, (numerical_note.WINOGRAD_TILE_6x6,)),
    Engine("eng12_k5=13", 512, 1e-6, (numerical_note.WINOGRAD_TILE_13x13,)),
    Engine("eng7_k2=0", 0, 1e-6, builds=False),
    Engine("eng62_k2=0_k13=1", 4096, 4e-3, (_CORE,)),
    Engine("eng25_k2=2", 100, 3e-3, (_ANY_ORDER,)),
    Engine("eng0", 1000, 1e-3),
    Engine("eng1_k2=6", 40, 2e-3, (numerical_note.WINOGRAD_TILE_4x4,)),
)


@dataclass
class Tensor:
    """A tensor of a graph; made by an operation where `of` names it."""

    uid: int | None = None
    dim: list[int] = field(default_factory=list)
    stride: list[int] = field(default_factory=list)
    data_type: Any | None = None
    output: bool = False

    def set_uid(self, uid: int) -> Tensor:
        self.uid = uid
        return self

    def set_output(self, output: bool) -> Tensor:
        self.output = output
        return self

    def set_data_type(self, kind: data_type) -> Tensor:
        self.data_type = kind
        return self

    def set_dim(self, dim: list[int]) -> Tensor:
        assert type(dim) is list, "a list is wanted"
        self.dim = dim
        return self

    def set_stride(self, stride: list[int]) -> Tensor:
        assert type(stride) is list, "a list is wanted"
        self.stride = stride
        return self


class pygraph:
    """One convolution, with bias and ReLU behind it."""

    def __init__(
        self,
        io_data_type: Any | None = None,
        intermediate_data_type: Any | None = None,
        compute_data_type: Any | None = None,
        handle: Any = None,
    ) -> None:
        self._io, self._handle = io_data_type, handle
        self._between = (intermediate_data_type, compute_data_type)
        self._stage = 0  # of validate, operation graph, plans, a plan built
        self._given: list[Tensor] = []
        self._steps: list[tuple[str, list[Tensor], dict[str, list[int]]]] = []
        self._result = Tensor()
        self._barred: set[numerical_note] = set()
        self._most = 1 << 62
        self.engine: Engine | None = None
        self.recipe: dict[str, Any] = {}

    # -- operations
    def tensor(self, *, name: str, uid: int, dim: list[int], stride: list[int], data_type: Any) -> Tensor:
        assert all(type(value) is list for value in (dim, stride)), "lists are wanted"
        assert uid not in {known.uid for known in self._given}, f"uid {uid} is taken"
        self._given.append(Tensor(uid, dim, stride, data_type))
        return self._given[-1]

    def _operation(self, kind: str, inputs: list[Tensor], **window: list[int]) -> Tensor:
        assert not self._stage, "the graph is planned already"
        assert all(type(value) is list for value in window.values()), "lists are wanted"
        if "pre_padding" in window and not window["pre_padding"]:
            raise ValueError("Pre padding not set.")
        if self._steps:
            assert inputs[0] is self._result, "operations form a chain"
        self._result = Tensor()
        self._steps.append((kind, inputs, window))
        return self._result

    def conv_fprop(self, *, image: Tensor, weight: Tensor, **window: list[int]) -> Tensor:
        return self._operation("fprop", [image, weight], **window)

    def conv_dgrad(self, *, loss: Tensor, filter: Tensor, **window: list[int]) -> Tensor:
        return self._operation("dgrad", [loss, filter], **window)

    def conv_wgrad(self, *, image: Tensor, loss: Tensor, **window: list[int]) -> Tensor:
        return self._operation("wgrad", [image, loss], **window)

    def bias(self, *, input: Tensor, bias: Tensor) -> Tensor:
        return self._operation("bias", [input, bias])

    def relu(self, *, input: Tensor) -> Tensor:
        return self._operation("relu", [input])

    # -- planning
    def _reach(self, stage: int) -> None:
        assert self._stage in (stage - 1, stage), "the steps of planning are out of order"
        self._stage = stage

    def validate(self) -> None:
        self._reach(1)
        assert self._result.output, "no tensor is marked as output"
        assert self._result.uid is not None
        assert self._result.dim, "a gradient's dims do not follow from its inputs"

    def build_operation_graph(self) -> None:
        self._reach(2)

    def create_execution_plans(self, modes: list[heur_mode]) -> None:
        self._reach(3)
        assert modes
        self.recipe = self.recorded()
        reason = refusal(self._io, self._between, self.recipe)
        if reason:
            raise cudnnGraphNotSupportedError(f"no engine proposed a plan for this graph ({reason})\nmore")

    def recorded(self) -> dict[str, Any]:
        """All that running needs, in plain types."""
        named = {str(tensor.uid): tensor for tensor in [*self._given, self._result]}
        assert len(named) == len(self._given) + 1, "two tensors share a uid"
        return {
            "tensors": {
                uid: [t.dim, t.stride, t.data_type and t.data_type.value] for uid, t in named.items()
            },
            "steps": [
                [kind, [tensor.uid for tensor in inputs], window] for kind, inputs, window in self._steps
            ],
            "result": self._result.uid,
        }

    def deselect_numeric_notes(self, notes: list[numerical_note]) -> None:
        assert self._stage == 3, "before plans there is nothing to bar"
        self._barred |= set(notes)

    def deselect_workspace_greater_than(self, nbytes: int) -> None:
        self._most = nbytes

    def get_execution_plan_count(self) -> int:
        return len(ENGINES)

    def get_plan_name_at_index(self, index: int) -> str:
        return ENGINES[index].name

    def build_plan_at_index(self, index: int) -> None:
        assert self._stage >= 3
        engine = ENGINES[index]
        if self._barred & set(engine.notes) or engine.workspace > self._most:
            raise cudnnGraphNotSupportedError("Deselecting execution plan")
        if not engine.builds:
            raise cudnnGraphNotSupportedError("CUDNN_STATUS_NOT_SUPPORTED")
        self._stage, self.engine = 4, engine

    def get_workspace_size_plan_at_index(self, index: int) -> int:
        assert self.engine is ENGINES[index], "it was not built"
        return self.engine.workspace

    # -- keeping and running
    def serialize(self) -> list[int]:
        assert self.engine is not None
        return list(json.dumps([self.engine.name, self.recipe]).encode())

    def deserialize(self, content: list[int]) -> None:
        if not isinstance(content, list):
            raise RuntimeError("cast error")
        name, self.recipe = json.loads(bytes(content))
        self.engine = next(engine for engine in ENGINES if engine.name == name)

    def execute(self, places: dict[int, int], workspace: int, handle: Any = None) -> None:
        """places : addresses by uid."""
        from tests.support.emulated_gpu.driver import TYPES, at

        self.check_call(places, workspace, handle)
        assert self.engine is not None
        told = self.recipe["tensors"]
        space = at(workspace, self.engine.workspace)
        space[...] = 0xFF  # whoever keeps something there loses it
        arrays = {}
        for uid, (dim, stride, kind) in told.items():
            item = TYPES[kind]
            span = sum((n - 1) * step for n, step in zip(dim, stride, strict=True)) + 1
            flat = at(places[int(uid)], span * item.itemsize).view(item)
            steps = [step * item.itemsize for step in stride]
            arrays[int(uid)] = np.lib.stride_tricks.as_strided(flat, dim, steps)
        run(self.recipe, arrays)
        space[...] = 0xFF  # and a result there too

    def check_call(self, places: dict[int, int], workspace: int, handle: Any) -> None:
        """What the front end takes for `execute`."""
        assert self.engine is not None
        assert handle is not None
        assert {type(value) for value in [*places, *places.values(), workspace]} == {int}
        tensors = self.recipe["tensors"].keys()
        assert {str(uid) for uid in places} == tensors, "the places are not those of the graph's tensors"


def refusal(io: data_type | None, between: tuple[data_type | None, ...], recipe: dict[str, Any]) -> str:
    """Why no engine serves it; empty where one does."""
    if any(kind is not data_type.FLOAT for kind in between):
        return "intermediate and compute types other than FLOAT"
    tensors = recipe["tensors"]
    if io is None or any(kind != io.value for _, _, kind in tensors.values()) or io is data_type.DOUBLE:
        return f"types {[kind for _, _, kind in tensors.values()]}"
    kinds = [kind for kind, _, _ in recipe["steps"]]
    if kinds not in (["fprop"], ["fprop", "bias"], ["fprop", "bias", "relu"], ["dgrad"], ["wgrad"]):
        return f"needs a kernel to be compiled for {kinds}"
    return ""


def run(recipe: dict[str, Any], arrays: dict[int, np.ndarray]) -> None:
    """Carry out the steps; the result is rounded once."""
    result, target = np.zeros(()), arrays[recipe["result"]]
    for number, (kind, uids, window) in enumerate(recipe["steps"]):
        inputs = [arrays[uid].astype(np.float64) for uid in uids if uid is not None]
        if number == 0:
            assert window["pre_padding"] == window["post_padding"]
            places = window["pre_padding"], window["stride"], window["dilation"]
            result = RESULTS[kind](*inputs, target.shape, *places)
        elif kind == "bias":
            assert inputs[-1].shape == (1, result.shape[1]) + (1,) * (result.ndim - 2)
            result = result + inputs[-1]
        else:
            result = np.maximum(result, 0)
    assert result.shape == target.shape, f"{result.shape} does not fit {target.shape}"
    target[...] = result
