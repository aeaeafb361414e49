"""Learned parameters of a net: sharing by name, multipliers, and the flat arena that solvers update."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import NetError
from owlkit.core.memory import ALIGNMENT, Memory, allocate
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.layers.base import Layer
from owlkit.proto import caffe_pb2


@dataclass
class Parameter:
    """One learned blob that a solver updates.

    name : "conv1[0]": layer and position, or the name under which it is shared.
    lr_mult, decay_mult : factors of the solver's learning rate and weight decay.
    beside : what kernels take in place of `blob` in a net of half precision.
    """

    blob: Blob
    name: str
    layer: str
    index: int
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    explicit: set[str] = field(default_factory=set)
    beside: Blob | None = None

    @property
    def working(self) -> Blob:
        """What kernels take."""
        return self.beside if self.beside is not None else self.blob


class ParameterTable:
    """All parameters of a net in Caffe's order: owners once, however many layers share them."""

    def __init__(self) -> None:
        self.owners: list[Parameter] = []
        self.followers: list[tuple[Blob, Parameter]] = []
        #: What a solver keeps of them, while it is there.
        self.histories: list[weakref.ref[Memory]] = []
        self._shared: dict[str, Parameter] = {}

    def add_layer(self, layer: Layer) -> None:
        """Take over the layer's blobs; those with a name that is known share the owner's memory."""
        specs = layer.param.param
        if len(specs) > len(layer.blobs):
            raise layer.error(
                f"{len(specs)} param blocks are given, but the layer has {len(layer.blobs)} learned blobs; "
                "remove the surplus"
            )
        for index, blob in enumerate(layer.blobs):
            spec = specs[index] if index < len(specs) else caffe_pb2.ParamSpec()
            owner = self._shared.get(spec.name) if spec.name else None
            if owner is None:
                self._own(layer, index, blob, spec)
            else:
                self._share(layer, index, blob, spec, owner)

    def _own(self, layer: Layer, index: int, blob: Blob, spec: Any) -> None:
        explicit = {f for f in ("lr_mult", "decay_mult") if spec.HasField(f)}
        name = f"{layer.name}[{index}]"
        working = layer.working[index]
        beside = working if working is not blob else None
        mults = spec.lr_mult, spec.decay_mult
        parameter = Parameter(blob, name, layer.name, index, *mults, explicit, beside)
        self.owners.append(parameter)
        if spec.name:
            self._shared[spec.name] = parameter

    def _share(self, layer: Layer, index: int, blob: Blob, spec: Any, owner: Parameter) -> None:
        permissive = spec.share_mode == caffe_pb2.ParamSpec.PERMISSIVE
        fits = blob.count == owner.blob.count if permissive else blob.shape == owner.blob.shape
        if not fits:
            raise layer.error(
                f"parameter {index} is to share {spec.name!r} with layer {owner.layer!r}, whose shape is "
                f"{owner.blob.shape}; make the shapes equal, or share_mode: PERMISSIVE for equal counts",
                blob,
            )
        for name in ("lr_mult", "decay_mult"):
            if not spec.HasField(name):
                continue
            value = getattr(spec, name)
            if name in owner.explicit and value != getattr(owner, name):
                raise layer.error(
                    f"shared parameter {spec.name!r} has {name} {value:g} here but "
                    f"{getattr(owner, name):g} in layer {owner.layer!r}; give it once, or the same"
                )
            setattr(owner, name, value)
            owner.explicit.add(name)
        working = layer.working[index]
        if working.dtype != owner.working.dtype:
            raise layer.error(
                f"shared parameter {spec.name!r} is used in {working.dtype} here but in "
                f"{owner.working.dtype} in layer {owner.layer!r}; give the two their own"
            )
        for mine, theirs in ((blob, owner.blob), (working, owner.working)):
            mine.share_data(theirs)
            mine.share_diff(theirs)
        self.followers.append((blob, owner))

    def lay_filters_channels_last(self, layers: Sequence[Layer]) -> None:
        """Let filters lie channels-last in memory, but for those that another shape shares (PERMISSIVE)."""
        reshaped = {id(owner.blob) for blob, owner in self.followers if blob.shape != owner.blob.shape}
        owners = {id(blob): id(owner.blob) for blob, owner in self.followers}
        for layer in layers:
            filters = layer.filters()
            if not any(owners.get(id(blob), id(blob)) in reshaped for blob in filters):
                for blob in filters:
                    blob.lay_channels_last()

    def join_working(self, layers: Sequence[Layer]) -> None:
        """Let working blobs of their weights' type lie in the same memory, once it is known whose that is."""
        for layer in layers:
            for blob, working in zip(layer.blobs, layer.working, strict=True):
                if working is not blob and working.dtype == blob.dtype:
                    working.share_data(blob)

    def share_with(self, layers: Sequence[Layer], source: Sequence[Layer]) -> list[Parameter]:
        """Let `layers` use the data of the equally named layers of `source` (a test net of a train net).

        Layers that share a parameter by name follow it together. Returns the parameters that are shared now.
        Raises NetError where number or shapes of learned blobs differ.
        """
        owner_of = {id(parameter.blob): parameter for parameter in self.owners}
        owner_of |= {id(blob): owner for blob, owner in self.followers}
        theirs_by_name = {layer.name: layer for layer in source}
        shared: list[Parameter] = []
        for layer in layers:
            theirs = theirs_by_name.get(layer.name)
            if theirs is None:
                continue
            for mine, other in _matched(layer, theirs):
                owner = owner_of[id(mine)]
                owner.blob.share_data(other)
                if owner not in shared:
                    shared.append(owner)
            for mine, other in zip(layer.working, theirs.working, strict=True):
                if mine.dtype == other.dtype:
                    mine.share_data(other)
        working_of = {id(blob): w for x in layers for blob, w in zip(x.blobs, x.working, strict=True)}
        for blob, owner in self.followers:
            blob.share_data(owner.blob)
            working_of[id(blob)].share_data(owner.working)
        return shared


@dataclass
class ArenaGroup:
    """Parameters with equal multipliers, end to end in memory; one update serves them all.

    data, diff : (count,) tensors over all of them; the gaps that align each parameter hold zeros.
    """

    lr_mult: float
    decay_mult: float
    data: Tensor
    diff: Tensor
    parameters: list[Parameter]
    offsets: list[int]

    def slices(self) -> list[tuple[Parameter, slice]]:
        """Each parameter and where it lies in the group, in elements."""
        pairs = zip(self.parameters, self.offsets, strict=True)
        return [(p, slice(start, start + p.blob.count)) for p, start in pairs]


def build_arena(parameters: Sequence[Parameter], dtype: str) -> list[ArenaGroup]:
    """Place the parameters' memory group by group, sorted by first appearance."""
    groups: dict[tuple[float, float], list[Parameter]] = {}
    for parameter in parameters:
        groups.setdefault((parameter.lr_mult, parameter.decay_mult), []).append(parameter)
    return [_build_group(*key, members, dtype) for key, members in groups.items()]


def _build_group(lr_mult: float, decay_mult: float, members: list[Parameter], dtype: str) -> ArenaGroup:
    size = np.dtype(dtype).itemsize
    step = ALIGNMENT // size
    offsets, end = [], 0
    for parameter in members:
        offsets.append(end)
        end += -(-parameter.blob.count // step) * step
    arenas = {role: Memory(allocate(end * size)) for role in ("data", "diff")}
    for parameter, offset in zip(members, offsets, strict=True):
        part = slice(offset * size, (offset + parameter.blob.count) * size)
        parameter.blob.place(*(arena.bytes[part] for arena in arenas.values()))  # type: ignore[index]
    for role, arena in arenas.items():
        arena.divide([(o * size, p.blob.memory(role)) for p, o in zip(members, offsets, strict=True)])
    data, diff = (Tensor(Descriptor((end,), dtype), arena) for arena in arenas.values())
    return ArenaGroup(lr_mult, decay_mult, data, diff, members, offsets)


def _matched(layer: Layer, other: Layer) -> list[tuple[Blob, Blob]]:
    """Pairs of learned blobs of two layers of one name."""
    if len(layer.blobs) != len(other.blobs):
        raise layer.error(f"cannot share with the train net: {len(other.blobs)} learned blobs there")
    pairs = list(zip(layer.blobs, other.blobs, strict=True))
    for index, (mine, theirs) in enumerate(pairs):
        if mine.shape != theirs.shape:
            raise NetError(
                f"{layer.name}: parameter {index} is {mine.shape} here but {theirs.shape} in the net it "
                "shares with; make the two definitions agree"
            )
        if mine.dtype != theirs.dtype:
            raise NetError(
                f"{layer.name}: parameter {index} is {mine.dtype} here but {theirs.dtype} in the net it "
                "shares with; give both nets one dtype"
            )
        if mine.descriptor.channels_last != theirs.descriptor.channels_last:
            raise NetError(
                f"{layer.name}: parameter {index} lies otherwise in memory than in the net it shares with, "
                "as filters do on a GPU and on the CPU; give both nets one device"
            )
    return pairs
