"""What a definition says of its layers, without making them: labels and boxes for drawings."""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import NetError
from owlkit.net.drawing import Box
from owlkit.proto import caffe_pb2

_CONVOLVE = ("Convolution", "Deconvolution")
_LEARN = {
    *_CONVOLVE,
    "BatchNorm",
    "Bias",
    "Embed",
    "InnerProduct",
    "LSTM",
    "Parameter",
    "PReLU",
    "RNN",
    "Scale",
}


def get_pooling_types_dict() -> dict[int, str]:
    """Number of a pooling method -> its name."""
    return {value.number: value.name for value in caffe_pb2.PoolingParameter.PoolMethod.DESCRIPTOR.values}


def layer_facts(layer: Any) -> dict[str, str]:
    """What is worth a line in a drawing: method, num_output, kernel size, stride, pad; those there are."""
    if layer.type == "InnerProduct":
        return {"num_output": str(layer.inner_product_param.num_output)}
    if layer.type == "Pooling":
        param = layer.pooling_param
        facts = {"method": get_pooling_types_dict()[param.pool]}
        return facts if param.global_pooling else {**facts, **_window(param)}
    if layer.type in _CONVOLVE:
        param = layer.convolution_param
        return {"num_output": str(param.num_output), **_window(param)}
    return {}


def _window(param: Any) -> dict[str, str]:
    names = {
        "kernel size": ("kernel_size", "kernel", 1),
        "stride": ("stride",) * 2 + (1,),
        "pad": ("pad",) * 2 + (0,),
    }
    return {label: _extent(param, *fields) for label, fields in names.items()}


def _extent(param: Any, name: str, legacy: str, default: int) -> str:
    """ "3", or "3x5" where the axes differ."""
    if param.HasField(f"{legacy}_h") or param.HasField(f"{legacy}_w"):
        values = [getattr(param, f"{legacy}_h"), getattr(param, f"{legacy}_w")]
    else:
        value = getattr(param, name)
        values = [value] if isinstance(value, int) else list(value) or [default]
    return "x".join(str(n) for n in (values if len(set(values)) > 1 else values[:1]))


def get_layer_lr_mult(layer: Any) -> tuple[float, float]:
    """lr_mult of weights and bias. Raises NetError for a layer that is not fully connected or convolution."""
    if layer.type not in (*_CONVOLVE, "InnerProduct"):
        raise NetError(f"{layer.name}: a {layer.type} layer has no weights and bias to learn")
    given = [param.lr_mult for param in layer.param[:2]]
    weights, bias = given + [1.0] * (2 - len(given))
    return weights, bias


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """Name, type and what `layer_facts` tells, in lines, or in one line where the drawing flows downward.

    display_lrm : with the lr_mult of weights and bias.
    """
    facts = layer_facts(layer)
    method = f" {facts['method']}" if "method" in facts else ""
    parts = [layer.name, f"({layer.type}{method})"]
    parts += [f"{name}: {facts[name]}" for name in ("kernel size", "stride", "pad") if name in facts]
    if display_lrm and layer.type in (*_CONVOLVE, "InnerProduct"):
        parts.append("lr mult: {:.1f}, {:.1f}".format(*get_layer_lr_mult(layer)))
    return (" " if rankdir in ("TB", "BT") else "\n").join(parts)


def outline(net: Any, display_lrm: bool = False) -> list[Box]:
    """The layers of a definition as boxes, in-place layers drawn into the one whose top they change."""
    boxes: list[Box] = []
    made: dict[str, int] = {}
    for layer in net.layer:
        host = made.get(layer.bottom[0]) if list(layer.bottom) == list(layer.top) and len(layer.top) else None
        if host is not None:
            boxes[host].caption += f" + {layer.type}"
            boxes[host].title += f" + {get_layer_label(layer, 'TB')}"
            continue
        inputs = [made[name] for name in layer.bottom if name in made]
        title = get_layer_label(layer, "TB", display_lrm)
        boxes.append(Box(layer.name, layer.type, title, _kind(layer), inputs, _detail(layer, display_lrm)))
        made.update(dict.fromkeys(layer.top, len(boxes) - 1))
    return boxes


def _detail(layer: Any, display_lrm: bool) -> str:
    facts = layer_facts(layer)
    parts = [facts[name] for name in ("num_output", "method") if name in facts]
    if "kernel size" in facts:
        size = facts["kernel size"]
        parts.append(size if "x" in size else f"{size}x{size}")
        parts += [f"/{facts['stride']}"] * (facts["stride"] != "1") + [f"+{facts['pad']}"] * (
            facts["pad"] != "0"
        )
    if display_lrm and layer.type in (*_CONVOLVE, "InnerProduct"):
        parts.append("lr {:g}, {:g}".format(*get_layer_lr_mult(layer)))
    return " ".join(parts)


def _kind(layer: Any) -> str:
    if not layer.bottom:
        return "data"
    if layer.type.endswith("Loss") or layer.type == "Accuracy" or any(layer.loss_weight):
        return "loss"
    return "learned" if layer.type in _LEARN else "other"
