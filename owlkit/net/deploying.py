"""A net in training as one that takes images: the deploy form, which people wrote by hand beside each net."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import NetError
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.layers.base import LAYERS
from owlkit.layers.loss import LossLayer
from owlkit.net.in_use import (
    check_made,
    ends_of_tests,
    images_at_a_time,
    is_fed,
    layers_in_use,
    measures,
    refit,
)
from owlkit.proto import caffe_pb2

if TYPE_CHECKING:
    from owlkit.net.graph import Graph

# What a loss makes of its first bottom, where that is more than the scores themselves.
_ANSWERS = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
_MEASURES = ("Accuracy",)


def deploy_definition(graph: Graph, batch: int = 1) -> Any:
    """The NetParameter of a net without labels, losses and measures of them, of the layers that tests run.

    Layers that read data become Input layers, (batch, ...), and DummyData of random numbers, too; a Reshape
    that names the number of images copies it from its bottom. A SoftmaxWithLoss becomes a Softmax, whose top
    is `prob` (with several losses, or where something else is called so, `<loss>_prob`; a second top keeps
    its name), a SigmoidCrossEntropyLoss a Sigmoid likewise, unless the net has that layer already. Other
    losses go, and what they compared is the output. What follows from labels alone goes, too. How images are
    prepared stays with the Input layer, as a transform_param and, of crops, the size that they are cut from
    as an image_data_param: Caffe passes over both there, and `ImageInput` is made of them.
    Raises NetError where nothing is left, the net reads no data, what is left reads what another phase alone
    makes, or `batch` is no number of images.
    """
    batch = _checked_batch(batch)
    layers = _layers(graph)
    losses = [layer for layer in layers if _is_loss(graph, layer)]
    dropped = _labels(graph, layers, losses)
    if not [top for layer in layers if not layer.bottom for top in layer.top if top not in dropped]:
        raise NetError(f"{graph.name or 'the net'}: no layer reads data, so there is nothing to deploy")
    out = caffe_pb2.NetParameter(name=graph.name)
    answering = [loss for loss in losses if loss.type in _ANSWERS and not _is_answered(loss, layers)]
    kept = [layer for layer in layers if layer not in losses and layer.type not in _MEASURES]
    trained = images_at_a_time(graph)
    for layer in layers:
        if not layer.bottom:
            _add_input(out, graph, layer, dropped, batch)
        elif layer in answering:
            _add_answer(out, layer, kept, alone=len(answering) == 1)
            dropped.update(layer.top[:1])
        elif (
            layer in losses
            or layer.type in _MEASURES
            or any(name in dropped for name in layer.bottom)
            or (layer.top and all(name in dropped for name in layer.top))
        ):
            dropped.update(layer.top)
        else:
            out.layer.add().CopyFrom(_plain(layer))
            refit(graph, out.layer[-1], trained, batch)
    if all(not layer.bottom for layer in out.layer):
        raise NetError(f"{graph.name or 'the net'}: all its layers need labels; there is nothing to deploy")
    check_made(graph, out.layer)
    return out


def _layers(graph: Graph) -> list[Any]:
    """The layers in use, without those by which tests alone judge, as Python layers that read labels do."""
    found = layers_in_use(graph, unsplit(graph.definition.layer), lambda layer: _is_loss(graph, layer))
    judging = [layer for layer in found if _is_loss(graph, layer) or layer.type in _MEASURES]
    ends = [layer for layer in ends_of_tests(graph, found) if layer not in judging]
    labels = _labels(graph, [layer for layer in found if layer not in ends], judging)
    labels &= {name for layer in judging for name in layer.bottom[1:]}
    judging_too = measures(ends, labels)
    return [layer for layer in found if layer not in judging_too]


def check_learned(made: Graph, graph: Graph) -> None:
    """NetError where the net to deploy learns what the net itself has no weights of."""
    known = {node.name for node in graph.nodes if node.layer.blobs}
    for node in made.nodes:
        if node.layer.blobs and node.name not in known:
            raise NetError(
                f"{node.name} ({node.layer.type}): the {graph.phase} net has no such layer, and so no "
                "weights of it; deploy the net that has, or give the layer no rule for a phase"
            )


def told_of_batch(error: NetError, graph: Graph, batch: int) -> NetError:
    """An error of the net that was made, with what helps where the number of images is to blame."""
    trained = images_at_a_time(graph)
    if trained in (0, batch):
        return error
    return NetError(
        f"deploy(batch={batch}): {error}; the net was made for {trained} images at a time: where a layer "
        f"names that number, write 0 or -1, or take deploy(batch={trained})"
    )


def _checked_batch(batch: Any) -> int:
    try:
        if (count := operator.index(batch)) > 0:
            return count
    except TypeError:
        pass
    raise NetError(f"deploy(batch={batch!r}): give how many images are run at a time, 1 or more")


def _is_answered(loss: Any, layers: Sequence[Any]) -> bool:
    """Whether the net has the layer that the loss would become."""
    return len(loss.top) < 2 and any(
        layer.type == _ANSWERS[loss.type]
        and layer.bottom[0] == loss.bottom[0]
        and layer.softmax_param == loss.softmax_param
        for layer in layers
    )


def _add_answer(out: Any, loss: Any, kept: Sequence[Any], *, alone: bool) -> None:
    """A Softmax or Sigmoid in place of a loss, called as nothing else is."""
    names = {layer.name for layer in kept}
    taken = names.union(*(layer.top for layer in kept))
    top = "prob" if alone and "prob" not in taken else f"{loss.name}_prob"
    while top in taken:
        top += "_"
    top = loss.top[1] if len(loss.top) > 1 else top
    name = loss.name if top in names else top
    answer = out.layer.add(name=name, type=_ANSWERS[loss.type], bottom=loss.bottom[:1], top=[top])
    if loss.HasField("softmax_param"):
        answer.softmax_param.CopyFrom(loss.softmax_param)


def unsplit(layers: Sequence[Any]) -> list[Any]:
    """Copies without the Split layers that a graph inserts: with the names as they were written."""
    original: dict[str, str] = {}
    kept = []
    for layer in layers:
        if layer.type == "Split" and layer.name.endswith("_split"):
            original.update(dict.fromkeys(layer.top, original.get(layer.bottom[0], layer.bottom[0])))
            continue
        copy = caffe_pb2.LayerParameter()
        copy.CopyFrom(layer)
        copy.bottom[:] = [original.get(name, name) for name in layer.bottom]
        kept.append(copy)
    return kept


def _is_loss(graph: Graph, layer: Any) -> bool:
    """Whether a layer ends in a number to be made small: one of Caffe's losses, weighed or only looked at; or
    it has no weights, and all its tops are losses."""
    node = next((node for node in graph.nodes if node.name == layer.name), None)
    kind = LAYERS.get(layer.type) if node is None else type(node.layer)
    if kind is not None and issubclass(kind, LossLayer):
        return True
    if node is None:  # of another phase
        return bool(layer.loss_weight) and all(layer.loss_weight)
    weights = node.layer.loss_weights
    return bool(layer.bottom) and bool(weights) and all(weights) and not node.layer.blobs


def _labels(graph: Graph, layers: Sequence[Any], losses: Sequence[Any]) -> set[str]:
    """Tops that only losses and measures read, beside what they judge: those of sources, and what is made of
    them without weights, such as labels of another shape."""
    judging = [layer for layer in layers if layer in losses or layer.type in (*_MEASURES, "Silence")]
    reading = [layer for layer in layers if layer not in judging]
    judged = {layer.bottom[0] for layer in judging if layer.type != "Silence"}
    learned = {node.name for node in graph.nodes if node.layer.blobs}
    given: set[str] = set()  # by sources, with nothing learned between
    for layer in reading:
        if layer.name not in learned and given.issuperset(layer.bottom):
            given.update(layer.top)
        else:
            given.difference_update(layer.top)
    read = {name for layer in layers for name in layer.bottom}
    found: set[str] = set()
    for layer in reversed(reading):
        if given.isdisjoint(layer.top):
            continue
        others = {name for other in reading if other is not layer for name in other.bottom}
        tops = given.intersection(layer.top) - others - judged
        if not layer.bottom:
            found |= tops
        elif tops == set(layer.top) and tops & read:
            found |= tops
            reading = [other for other in reading if other is not layer]
    return found


def _add_input(out: Any, graph: Graph, layer: Any, dropped: set[str], batch: int) -> None:
    """An Input layer in place of a source; a source that is no data (a Parameter, say) stays."""
    node = next(node for node in graph.nodes if node.name == layer.name)
    tops = [top for top in layer.top if top not in dropped]
    if not tops:
        return
    if not is_fed(graph, layer):
        out.layer.add().CopyFrom(_plain(layer))
        refit(graph, out.layer[-1], images_at_a_time(graph), batch)
        return
    made = out.layer.add(name=layer.name if len(tops) > 1 else tops[0], type="Input", top=tops)
    for top in tops:
        made.input_param.shape.add(dim=(batch, *graph.blobs[top].shape[1:]))
    if node.layer.is_data or layer.HasField("transform_param"):
        made.transform_param.CopyFrom(layer.transform_param)
        made.transform_param.ClearField("mirror")
        made.transform_param.scale = layer.transform_param.scale  # 1 says that they go in as they are
        before = size_before_crop(graph, layer)
        if is_warped(layer):
            made.image_data_param.source = layer.image_data_param.source
            before = layer.image_data_param.new_height, layer.image_data_param.new_width
        if before is not None:
            made.image_data_param.new_height, made.image_data_param.new_width = before


def is_warped(param: Any) -> bool:
    """Whether a source scales both sides of its images, as ImageData does; an Input that was made of one
    still names its list.

    param : LayerParameter of the source.
    """
    files = param.image_data_param
    return bool(files.new_height and (param.type == "ImageData" or (param.type == "Input" and files.source)))


def size_before_crop(graph: Graph, param: Any) -> tuple[int, int] | None:
    """Height and width of what a source cuts its crops from; None where it cuts none, or it is not known.

    param : LayerParameter of the source.
    """
    if not param.transform_param.crop_size:
        return None
    if param.type in ("ImageData", "Input") and param.image_data_param.new_height:
        return int(param.image_data_param.new_height), int(param.image_data_param.new_width)
    if param.type != "Data":
        return None
    layer = next(node.layer for node in graph.nodes if node.name == param.name)
    key, value = next(iter(layer.reader.records))  # type: ignore[attr-defined]
    _, height, width = datum_to_array(parse_datum(value, key), key).shape
    return height, width


def _plain(layer: Any) -> Any:
    """Without rules for phases, which have been followed already, and a phase of its own: it is for tests."""
    for field in ("include", "exclude", "phase"):
        layer.ClearField(field)
    return layer
