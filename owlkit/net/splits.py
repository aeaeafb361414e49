"""Split layers: where several layers read one blob, each gets a top of its own, and gradients are summed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from owlkit.core.errors import NetError, closest
from owlkit.layers.base import LAYERS
from owlkit.proto import caffe_pb2

Source = tuple[int, int]  # (layer, top) that wrote the version of a blob which a bottom reads


def insert_splits(net: Any, whole: Any = None) -> Any:
    """A copy of the NetParameter with Split layers where a top is read more than once (Caffe's InsertSplits).

    Names are Caffe's: layer `<blob>_<producer>_<top>_split`, its tops the same with `_<k>`. A top with a loss
    weight counts the loss as one more reader.
    whole : the definition that `net` was filtered from, to tell which layers its rules have left out.
    Raises NetError for a bottom that nothing produced.
    """
    sources, uses = _readers(net, net if whole is None else whole)
    out = caffe_pb2.NetParameter()
    out.CopyFrom(net)
    del out.layer[:]
    served: Counter[Source] = Counter()
    for index, layer in enumerate(net.layer):
        copy = out.layer.add()
        copy.CopyFrom(layer)
        for position in range(len(layer.bottom)):
            source = sources[index, position]
            if uses[source] > 1:
                copy.bottom[position] = _top_name(net, source, served[source])
                served[source] += 1
        for position in range(len(layer.top)):
            if uses[index, position] > 1:
                served[index, position] += _add_split(net, out, copy, (index, position), uses)
    return out


def _readers(net: Any, whole: Any) -> tuple[dict[Source, Source], Counter[Source]]:
    """(which version each bottom reads, how often each version is read)."""
    sources: dict[Source, Source] = {}
    uses: Counter[Source] = Counter()
    latest: dict[str, Source] = {}
    for index, layer in enumerate(net.layer):
        for position, name in enumerate(layer.bottom):
            if name not in latest:
                raise NetError(
                    f"{layer.name} ({layer.type}): no earlier layer makes its bottom {name!r}"
                    f"{_where_made(name, net, whole, latest)}"
                )
            sources[index, position] = latest[name]
            uses[latest[name]] += 1
        for position, name in enumerate(layer.top):
            latest[name] = (index, position)
        for position, weight in enumerate(_loss_weights(layer)):
            if weight and position < len(layer.top) and uses[index, position] == 0:
                uses[index, position] += 1
    return sources, uses


def _where_made(name: str, net: Any, whole: Any, made: Iterable[str]) -> str:
    """What to say of a blob that is not there yet: who makes it later, or would, or what has a like name."""
    if later := [layer.name for layer in net.layer if name in layer.top and name not in layer.bottom]:
        return f"; layer {later[0]!r} makes it, but further down: move that above"
    if out := [layer.name for layer in whole.layer if name in layer.top and name not in layer.bottom]:
        phase = caffe_pb2.Phase.Name(net.state.phase)
        return f"; layer {out[0]!r} makes it, but its include or exclude rules leave it out in phase {phase}"
    known = list(made)
    return closest(name, known) or f"; blobs so far: {', '.join(known) or 'none'}"


def _loss_weights(layer: Any) -> Iterator[float]:
    if layer.loss_weight:
        yield from layer.loss_weight
    elif layer.type in LAYERS and layer.top:
        yield LAYERS[layer.type].default_loss_weight


def _split_name(net: Any, source: Source) -> str:
    layer = net.layer[source[0]]
    return f"{layer.top[source[1]]}_{layer.name}_{source[1]}_split"


def _top_name(net: Any, source: Source, number: int) -> str:
    return f"{_split_name(net, source)}_{number}"


def _add_split(net: Any, out: Any, producer: Any, source: Source, uses: Counter[Source]) -> int:
    """Append the Split for one top; returns how many of its tops are taken already (1 by a loss)."""
    split = out.layer.add(name=_split_name(net, source), type="Split")
    split.bottom.append(producer.top[source[1]])
    split.top.extend(_top_name(net, source, k) for k in range(uses[source]))
    weights = list(_loss_weights(producer))
    weight = weights[source[1]] if source[1] < len(weights) else 0.0
    if not weight:
        return 0
    # The loss moves to the split's first top, so that its gradient is summed with the readers'.
    del producer.loss_weight[:]
    producer.loss_weight.extend(0.0 if k == source[1] else w for k, w in enumerate(weights))
    split.loss_weight.append(weight)
    split.loss_weight.extend([0.0] * (uses[source] - 1))
    return 1
