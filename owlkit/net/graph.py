"""Graph: a definition filtered, connected and with all shapes inferred, before any memory is taken."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.core.blob import Blob
from owlkit.core.dtypes import checked_dtype
from owlkit.core.errors import NetError, OwlkitError
from owlkit.core.names import Named
from owlkit.layers.base import Layer, create
from owlkit.net import precision, tables
from owlkit.net.gradients import mark_gradients
from owlkit.net.parameters import ParameterTable
from owlkit.net.splits import insert_splits
from owlkit.net.state import unique_name
from owlkit.proto import rules


@dataclass
class Node:
    """A layer with the blobs it reads and writes.

    propagate_down : per bottom, whether its gradient is computed. backward : whether the layer runs backward.
    """

    layer: Layer
    bottom: list[Blob]
    top: list[Blob]
    bottom_names: list[str]
    top_names: list[str]
    propagate_down: list[bool]
    backward: bool

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def runs_in_place(self) -> bool:
        return bool(self.bottom) and bool(self.top) and self.bottom[0] is self.top[0]

    def macs(self) -> int:
        return self.layer.macs(self.bottom, self.top)


class Graph:
    """Layers in order with their blobs; shapes are known, memory is not taken yet.

    definition : path of a prototxt, NetParameter, or anything with `to_proto()` (a NetSpec).
    phase : "train" or "test". level, stages : select layers by their include and exclude rules.
    dtype : "float32", "float64", or one of half precision (`net.precision`), "float16" or "bfloat16".
    seed : of all randomness; None draws one, kept in `seed`.
    left_out : (place in the definition, layer) of those that the rules leave out.
    Raises PrototxtError for a definition that cannot be read, NetError for one that makes no net.
    """

    def __init__(
        self,
        definition: Any,
        *,
        phase: str = "test",
        level: int = 0,
        stages: Sequence[str] = (),
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        if phase not in ("train", "test"):
            raise NetError(f"phase {phase!r}: use 'train' or 'test'")
        self.phase, self.dtype = phase, checked_dtype(dtype)
        self.seed = int(seed if seed is not None else np.random.SeedSequence().generate_state(1)[0])
        whole = proto.net_param(definition)
        filtered = rules.filter_net(whole, phase, level, stages)
        self.definition = insert_splits(filtered, whole)
        self.left_out = rules.left_out(whole, filtered.state)
        self.name: str = self.definition.name
        self.force_backward: bool = self.definition.force_backward
        self.nodes: list[Node] = []
        self.blobs: Named[Blob] = Named((), ("blob", "net.blobs"))
        self.parameters = ParameterTable()
        self._needs_gradient: dict[str, bool] = {}
        self._unread: dict[str, None] = {}
        for layer_param in self.definition.layer:
            self._add(layer_param)
        self.inputs = [n for node in self.nodes if node.layer.type == "Input" for n in node.top_names]
        self.outputs = list(self._unread)
        self.blobs.hints.update(self._blobs_by_layer())
        self._part_overwritten()
        mark_gradients(self.nodes, self.force_backward)

    def _blobs_by_layer(self) -> dict[str, str]:
        """What to say to somebody who asks for a blob by its layer."""
        return {
            node.name: f"the layer of that name makes {' and '.join(map(repr, node.top_names)) or 'none'}"
            for node in self.nodes
            if node.name not in self.blobs
        }

    # -- building
    def _add(self, param: Any) -> None:
        if not param.type:
            raise NetError(f'layer {param.name!r} has no type; add type: "..."')
        twins = sum(node.name == param.name for node in self.nodes)
        phase = ("train", "test")[param.phase] if param.HasField("phase") else self.phase  # as in Caffe
        layer = create(param, phase, self._generator(unique_name(param.name, twins)))
        bottom = [self._read(name) for name in param.bottom]
        top_names = list(param.top)
        missing = type(layer).tops.minimum - len(top_names)
        if type(layer).auto_tops and missing > 0:
            top_names += [param.name if k == 0 else f"{param.name}_{k}" for k in range(missing)]
        self._check_arity(layer, len(bottom), len(top_names))
        made = precision.settle(layer, self.dtype, bottom, len(top_names))
        top = [self._write(layer, index, name, bottom, made[index]) for index, name in enumerate(top_names)]
        self._set_loss_weights(layer, len(top))
        if any(w and blob in bottom for w, blob in zip(layer.loss_weights, top, strict=False)):
            raise layer.error("a top with a loss_weight cannot be its bottom too; name the top differently")
        wanted = self._propagate_down(layer)
        self._guarded(layer, bottom, top)
        self._check_name(layer)
        self.parameters.add_layer(layer)
        layer.param_propagate_down = self._param_gradients(layer)
        backward = any(self._needs_gradient[n] for n in param.bottom) or layer.wants_params
        for name in top_names:
            self._needs_gradient[name] = backward
        self.nodes.append(Node(layer, bottom, top, list(param.bottom), top_names, wanted, backward))

    def _check_name(self, layer: Layer) -> None:
        """Caffe lets layers share a name (two losses of its autoencoder do); with weights it cannot work."""
        twins = [node.layer for node in self.nodes if node.name == layer.name]
        if twins and any(twin.blobs for twin in (layer, *twins)):
            raise NetError(
                f"two layers are named {layer.name!r}, and weights are stored by name; "
                "give each a name of its own"
            )

    def _generator(self, name: str) -> np.random.Generator:
        """Each layer draws from a stream of its own, so adding a layer leaves the others' numbers alone."""
        entropy = np.random.SeedSequence([self.seed, zlib.crc32(name.encode())])
        return np.random.Generator(np.random.SFC64(entropy))

    def _read(self, name: str) -> Blob:
        self._unread.pop(name, None)
        return self.blobs[name]

    def _write(self, layer: Layer, index: int, name: str, bottom: list[Blob], dtype: str) -> Blob:
        known = self.blobs.get(name)
        self._unread[name] = None
        if known is None:
            blob = self.blobs[name] = Blob((0,), dtype, name)
            return blob
        if index < len(bottom) and bottom[index] is known:
            if type(layer).in_place:
                precision.check_in_place(layer, known, dtype)
                return known
            raise layer.error(f"cannot run in place; name its top other than its bottom {name!r}")
        raise layer.error(self._made_twice(layer, name))

    def _made_twice(self, layer: Layer, name: str) -> str:
        maker = next((node for node in self.nodes if name in node.top_names), None)
        if maker is None:
            return f"two of its tops are named {name!r}; name them differently"
        way = "name it differently"
        if not layer.param.bottom and not maker.bottom_names:  # most likely data for training and for testing
            way += ", or give each its rule, include { phase: TRAIN } and include { phase: TEST }"
        return f"its top {name!r} is made by layer {maker.name!r} already; {way}"

    @staticmethod
    def _check_arity(layer: Layer, bottoms: int, tops: int) -> None:
        for what, found, allowed in (("bottom", bottoms, layer.bottoms), ("top", tops, layer.tops)):
            if not allowed.allows(found):
                raise layer.error(f"takes {allowed} {what}(s), but {found} are given{_meant(layer, what)}")

    @staticmethod
    def _set_loss_weights(layer: Layer, tops: int) -> None:
        given = list(layer.param.loss_weight)
        if given and len(given) != tops:
            raise layer.error(f"{len(given)} loss_weight values for {tops} tops; give one per top, or none")
        default = [layer.default_loss_weight] + [0.0] * max(tops - 1, 0)
        layer.loss_weights = given or default[:tops]

    def _propagate_down(self, layer: Layer) -> list[bool]:
        """Per bottom: as the definition says, otherwise whether anything before it learns."""
        given = list(layer.param.propagate_down)
        names = layer.param.bottom
        if given and len(given) != len(names):
            raise layer.error(
                f"{len(given)} propagate_down values for {len(names)} bottoms; give one per bottom"
            )
        return given or [self._needs_gradient[name] for name in names]

    @staticmethod
    def _guarded(layer: Layer, bottom: list[Blob], top: list[Blob]) -> None:
        """setup and reshape; an error of another kind than ours gets the layer's name."""
        try:
            layer.setup(bottom, top)
            layer.reshape(bottom, top)
        except OwlkitError:
            raise
        except (ValueError, IndexError, TypeError) as error:
            if getattr(
                error, "__notes__", ()
            ):  # of the user's code in a Python layer, which is named already
                raise
            raise layer.error(str(error)) from error

    def _part_overwritten(self) -> None:
        """Let no in-place layer write into memory that its blob shares with the bottom of a Reshape."""
        for node in self.nodes:
            if node.runs_in_place:
                continue
            sharing = [top for top in node.top if any(top.shares_data(bottom) for bottom in node.bottom)]
            for top in sharing:
                if any(other.runs_in_place and other.top[0] is top for other in self.nodes):
                    top.own_data()

    def _param_gradients(self, layer: Layer) -> list[bool]:
        specs = layer.param.param
        rates = [specs[i].lr_mult if i < len(specs) else 1.0 for i in range(len(layer.blobs))]
        return [self.force_backward or rate != 0 for rate in rates]

    # -- looking at it
    def reshape(self) -> None:
        """Infer all shapes again, after the shape of an input was changed."""
        for node in self.nodes:
            node.layer.reshape(node.bottom, node.top)

    @property
    def macs(self) -> int:
        """Multiply-adds of one forward pass."""
        return sum(node.macs() for node in self.nodes)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.blob.count for parameter in self.parameters.owners)

    def __repr__(self) -> str:
        return tables.graph_text(self)

    def _repr_html_(self) -> str:
        return tables.graph_html(self)


def _meant(layer: Layer, what: str) -> str:
    """What its documentation says of each of its bottoms, or tops: who forgot one sees which."""
    lines = re.findall(rf"^ *({what} [^:\n]+) : (.+?)[.;,]?$", type(layer).__doc__ or "", re.MULTILINE)
    return "".join(f"; {name}: {meaning}" for name, meaning in lines)
