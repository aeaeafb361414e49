"""A net in training as one that takes images: the deploy form, which people wrote by hand beside each net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import NetError
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.proto import caffe_pb2

if TYPE_CHECKING:
    from owlkit.net.graph import Graph

# What a loss makes of its first bottom, where that is more than the scores themselves.
_ANSWERS = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
_MEASURES = ("Accuracy",)


def deploy_definition(graph: Graph, batch: int = 1) -> Any:
    """The NetParameter of a net without labels, losses and measures of them.

    Layers that read data become Input layers, (batch, ...); a SoftmaxWithLoss becomes a Softmax, whose top is
    `prob` (with several losses `<loss>_prob`), a SigmoidCrossEntropyLoss a Sigmoid likewise. Other losses go,
    and what they compared is the output. What follows from labels alone goes, too. How images are prepared
    stays with the Input layer, as a transform_param and, of crops, the size that they are cut from as an
    image_data_param: Caffe passes over both there, and `ImageInput` is made of them.
    Raises NetError where nothing is left, or the net reads no data.
    """
    layers = unsplit(graph.definition.layer)
    losses = [layer for layer in layers if _is_loss(graph, layer)]
    dropped = _labels(layers, losses)
    if not [top for layer in layers if not layer.bottom for top in layer.top if top not in dropped]:
        raise NetError(f"{graph.name or 'the net'}: no layer reads data, so there is nothing to deploy")
    out = caffe_pb2.NetParameter(name=graph.name)
    answers = sum(loss.type in _ANSWERS for loss in losses)
    for layer in layers:
        if not layer.bottom:
            _add_input(out, graph, layer, dropped, batch)
        elif layer.type in _ANSWERS and layer in losses:
            name = "prob" if answers == 1 else f"{layer.name}_prob"
            answer = out.layer.add(name=name, type=_ANSWERS[layer.type], bottom=layer.bottom[:1], top=[name])
            if layer.HasField("softmax_param"):
                answer.softmax_param.CopyFrom(layer.softmax_param)
        elif layer in losses or layer.type in _MEASURES or any(name in dropped for name in layer.bottom):
            dropped.update(layer.top)
        else:
            out.layer.add().CopyFrom(_plain(layer))
    if all(not layer.bottom for layer in out.layer):
        raise NetError(f"{graph.name or 'the net'}: all its layers need labels; there is nothing to deploy")
    return out


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
    """Whether a layer ends in a number to be made small: it has no weights, and all its tops are losses."""
    node = next(node for node in graph.nodes if node.name == layer.name)
    weights = node.layer.loss_weights
    return bool(layer.bottom) and bool(weights) and all(weights) and not node.layer.blobs


def _labels(layers: Sequence[Any], losses: Sequence[Any]) -> set[str]:
    """Tops of sources that only losses and measures read, beside what they judge."""
    judging = [layer for layer in layers if layer in losses or layer.type in (*_MEASURES, "Silence")]
    read = {name for layer in layers if layer not in judging for name in layer.bottom}
    judged = {layer.bottom[0] for layer in judging if layer.type != "Silence"}
    sources = [top for layer in layers if not layer.bottom for top in layer.top]
    return {top for top in sources if top not in read and top not in judged}


def _add_input(out: Any, graph: Graph, layer: Any, dropped: set[str], batch: int) -> None:
    """An Input layer in place of a source; a source that is no data (a Parameter, say) stays."""
    node = next(node for node in graph.nodes if node.name == layer.name)
    tops = [top for top in layer.top if top not in dropped]
    if not tops:
        return
    if not (node.layer.is_data or layer.type == "Input"):
        out.layer.add().CopyFrom(_plain(layer))
        return
    made = out.layer.add(name=layer.name if len(tops) > 1 else tops[0], type="Input", top=tops)
    for top in tops:
        made.input_param.shape.add(dim=(batch, *graph.blobs[top].shape[1:]))
    if node.layer.is_data or layer.HasField("transform_param"):
        made.transform_param.CopyFrom(layer.transform_param)
        made.transform_param.ClearField("mirror")
        made.transform_param.scale = layer.transform_param.scale  # 1 says that they go in as they are
        before = size_before_crop(graph, layer)
        if before is not None:
            made.image_data_param.new_height, made.image_data_param.new_width = before


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
    """Without rules for phases, which have been followed already."""
    layer.ClearField("include")
    layer.ClearField("exclude")
    return layer
