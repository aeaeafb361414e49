"""Solver updates by oneDNN: for each chunk a few binary primitives with post-operations.

A chunk of data, gradient and histories stays in the cores' second-level caches from the first primitive to
the last, so memory is passed once. Numbers that change (the rate, the scale of the gradients) are scales at
run time; the solver's constants are compiled in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.update import Update

# Elements: up to six arrays of a chunk fit into the second-level caches of two cores.
CHUNK = 1 << 17
_STEEP = 3e38  # times any normal float32 is beyond 1: clipped to -1 and 1, a sign


class Factor(NamedTuple):
    """A scale at run time: `constant`, times the rate where `rated`, times the number that `of` names."""

    constant: float = 1.0
    rated: bool = False
    of: str = ""

    def negative(self) -> Factor:
        return self._replace(constant=-self.constant)

    def value(self, rate: float, numbers: dict[str, float]) -> float:
        return self.constant * (rate if self.rated else 1.0) * numbers.get(self.of, 1.0)


class Stage(NamedTuple):
    """target = post(a * first ALGORITHM b * second), with a, b the scales.

    Operands are "w" (data), "g" (diff), "h", "u" (histories), "s", "q" (scratch), "d" (what decays: data, or
    its sign), "r" and "-r" (one number: the rate and its negative).
    post : of Attributes, but a binary names its operand: ("binary", algorithm, operand).
    """

    algorithm: int
    first: str
    second: str
    target: str
    post: tuple[tuple[Any, ...], ...] = ()
    scales: tuple[Factor, Factor] | None = None


def _gradient(target: str, *post: tuple[Any, ...], factor: float = 1.0, rated: bool = False) -> Stage:
    """target = post(factor * (rate *) g), g the regularised gradient."""
    scales = (Factor(factor, rated, "scale"), Factor(factor, rated, "decay"))
    return Stage(api.BINARY_ADD, "g", "d", target, post, scales)


def _shifted(source: str, delta: float, target: str, *post: tuple[Any, ...]) -> Stage:
    """target = post(source + delta)"""
    return Stage(api.BINARY_MAX, source, source, target, (("eltwise", api.LINEAR, 1.0, delta), *post))


def _root(source: str, delta: float, target: str, *post: tuple[Any, ...]) -> Stage:
    """target = post(sqrt(source) + delta)"""
    root = (_SQRT, ("eltwise", api.LINEAR, 1.0, delta))
    return Stage(api.BINARY_MAX, source, source, target, (*root, *post))


_SQUARE = ("eltwise", api.SQUARE, 1.0, 0.0)
_SQRT = ("eltwise", api.SQRT, 0.0, 0.0)
_INVERSE = ("eltwise", api.POW, 1.0, -1.0)


def _stages(spec: Update) -> list[Stage]:
    """The formulas of `reference.py`; the stage with the target "t" makes what is subtracted from data."""
    m = spec.momentum
    match spec.rule:
        case "SGD":
            return [_gradient("h", ("sum", m), rated=True), Stage(api.BINARY_MAX, "h", "h", "t")]
        case "Nesterov":
            # (1 + m) v - m v' = m^2 v' + (1 + m) rate g
            step = Stage(api.BINARY_ADD, "h", "s", "t", (), (Factor(m * m), Factor(1 + m)))
            history = Stage(api.BINARY_ADD, "h", "s", "h", (), (Factor(m), Factor()))
            return [_gradient("s", rated=True), step, history]
        case "AdaGrad":
            return [_gradient("h", _SQUARE, ("sum", 1.0)), *_over_root(spec)]
        case "RMSProp":
            keep = spec.rms_decay
            return [_gradient("h", _SQUARE, ("sum", keep), factor=(1 - keep) ** 0.5), *_over_root(spec)]
        case "AdaDelta":
            return [
                _gradient("h", _SQUARE, ("sum", m), factor=(1 - m) ** 0.5),
                _shifted("h", spec.delta, "s"),
                _shifted("u", spec.delta, "q", ("binary", api.BINARY_DIV, "s"), _SQRT),
                _gradient("s", ("binary", api.BINARY_MUL, "q")),
                Stage(api.BINARY_MUL, "s", "s", "u", (("sum", m),), (Factor(1 - m), Factor())),
                Stage(api.BINARY_MAX, "s", "s", "t", (("binary", api.BINARY_MUL, "r"),)),
            ]
        case _:  # Adam
            factor = (1 - spec.momentum2) ** 0.5
            root = (_INVERSE, ("binary", api.BINARY_MUL, "h"), ("binary", api.BINARY_MUL, "r"))
            return [
                _gradient("h", ("sum", m), factor=1 - m),
                _gradient("u", _SQUARE, ("sum", spec.momentum2), factor=factor),
                _root("u", spec.delta, "t", *root),
            ]


def _over_root(spec: Update) -> list[Stage]:
    """t = rate * g / (sqrt(h) + delta)"""
    return [_root("h", spec.delta, "s"), _gradient("t", ("binary", api.BINARY_DIV, "s"), rated=True)]


def _subtracted(stage: Stage) -> list[Stage]:
    """Subtract the step from data at once, where nobody wants to see it: the same bits in one stage less."""
    if stage.algorithm == api.BINARY_MAX and not stage.post:
        return [Stage(api.BINARY_SUB, "w", stage.first, "w")]
    post = [(*parts[:-1], "-r") if parts[-1] == "r" else parts for parts in stage.post]
    scales = (stage.scales[0].negative(), stage.scales[1].negative()) if stage.scales else None
    return [stage._replace(target="w", post=(*post, ("sum", 1.0)), scales=scales)]


def _left(stage: Stage) -> list[Stage]:
    """Leave the step in diff, as Caffe does."""
    return [stage._replace(target="g"), Stage(api.BINARY_SUB, "w", "g", "w")]


class UpdateKernel:
    def __init__(self, device: Device, spec: Update) -> None:
        self._device, self._spec = device, spec
        stages = _stages(spec)
        if spec.l1:
            sign = (("eltwise", api.LINEAR, _STEEP, 0.0), ("eltwise", api.CLIP, -1.0, 1.0))
            stages.insert(0, Stage(api.BINARY_MAX, "w", "w", "d", sign))
        self._stages = {
            leave: [done for stage in stages for done in (end(stage) if stage.target == "t" else [stage])]
            for leave, end in ((False, _subtracted), (True, _left))
        }
        used = [stage for stages in self._stages.values() for stage in stages]
        factors = {factor for stage in used for factor in stage.scales or ()}
        self._factors = {factor: Tensor(Descriptor((1,))) for factor in factors}
        self._rates = {name: Tensor(Descriptor((1, 1), spec.values.dtype)) for name in ("r", "-r")}
        self._primitives: dict[tuple[Stage, int], Primitive] = {}
        for stage in self._stages[False]:
            self._primitive(stage, min(CHUNK, spec.values.count))  # raises Unsupported now, if ever
        self._scratch: dict[str, Tensor] = {}
        self._numbers = 0.0, 1.0, 0.0
        self._runs = {leave: Bound(partial(self._bind, leave)) for leave in (False, True)}
        self.detail = next(iter(self._primitives.values())).implementation

    def _primitive(self, stage: Stage, count: int) -> Primitive:
        found = self._primitives.get((stage, count))
        if found is None:
            md = MemoryDescriptor.strided((1, count), (count, 1), self._spec.values.dtype)
            number = MemoryDescriptor.plain(1, 1)
            post = [
                (name, *values[:-1], number if values[-1] in self._rates else md)
                if name == "binary"
                else (name, *values)
                for name, *values in stage.post
            ]
            attributes = Attributes(post, scales=(api.SRC, api.SRC_1) if stage.scales else ())
            found = Primitive(self._device, "binary", stage.algorithm, md, md, md, attributes=attributes)
            self._primitives[stage, count] = found
        return found

    def _bind(self, leave: bool, data: Tensor, diff: Tensor, *history: Tensor) -> Callable[[], None]:
        calls = []
        whole = {"w": data, "g": diff, **dict(zip("hu", history, strict=False))}
        for start in range(0, self._spec.values.count, CHUNK):
            count = min(CHUNK, self._spec.values.count - start)
            part = Descriptor((1, count), self._spec.values.dtype)
            memories = {name: Memory.of(tensor.part(start, part)) for name, tensor in whole.items()}
            memories |= {name: Memory.of(tensor) for name, tensor in self._rates.items()}
            for stage in self._stages[leave]:
                self._add_scratch(stage, part, memories)
                calls.append(self._primitive(stage, count).bind(self._arguments(stage, memories)))
        return in_sequence(*calls)

    def _add_scratch(self, stage: Stage, part: Descriptor, memories: dict[str, Memory]) -> None:
        """Memory for what a stage makes and only later stages read, shared by all chunks."""
        if not self._spec.l1:
            memories.setdefault("d", memories["w"])
        if stage.target not in memories:
            scratch = self._scratch.setdefault(stage.target, Tensor(part))
            memories[stage.target] = Memory.of(scratch.part(0, part))

    def _arguments(self, stage: Stage, memories: dict[str, Memory]) -> dict[int, Memory]:
        arguments = {api.SRC: memories[stage.first], api.SRC_1: memories[stage.second]}
        arguments[api.DST] = memories[stage.target]
        for place, (name, *values) in enumerate(stage.post):
            if name == "binary":
                arguments[api.post_op_source(place)] = memories[values[-1]]
        for argument, factor in zip((api.SRC, api.SRC_1), stage.scales or (), strict=False):
            arguments[api.ATTR_SCALES | argument] = Memory.of(self._factors[factor])
        return arguments

    def set_factors(self, rate: float, scale: float, decay: float) -> None:
        self._numbers = rate, scale, decay

    def __call__(
        self,
        data: Tensor,
        diff: Tensor,
        history: Sequence[Tensor],
        clip: Tensor | None = None,
        leave: bool = False,
    ) -> None:
        rate, scale, decay = self._numbers
        if clip is not None:
            scale *= float(clip.peek()[0])
        numbers = {"scale": scale, "decay": decay}
        for factor, tensor in self._factors.items():
            tensor.flat[0] = factor.value(rate, numbers)
        self._rates["r"].flat[0], self._rates["-r"].flat[0] = rate, -rate
        self._runs[leave](data, diff, *history)
