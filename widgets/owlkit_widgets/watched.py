"""What of a net the panels show: its layers with parameters, and the filters nearest to the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NAMES = ("weight", "bias")
STATISTICS = frozenset({"BatchNorm"})
"""Layer types whose blobs are running statistics, which no solver updates."""


@dataclass(frozen=True)
class Watched:
    """parameters : of the net, in Caffe's order. layers : per layer {name, type, params: [...]}, as sent; a
    param is {index, name, shape, fixed}, `index` into `parameters`, fixed where lr_mult is 0.

    judged : indices of each layer's first parameter that is learned. filters : the layer whose filters are
    shown, None where no layer has filters over a plane.
    """

    parameters: list[Any]
    layers: list[dict[str, Any]]
    judged: list[int]
    filters: dict[str, Any] | None

    @classmethod
    def of(cls, net: Any) -> Watched:
        """Look at a net with `learnable` (parameters) and `layer_dict` (name -> layer with a `type`)."""
        types = {name: layer.type for name, layer in net.layer_dict.items()}
        parameters = [p for p in net.learnable if types.get(p.layer) not in STATISTICS]
        layers: dict[str, dict[str, Any]] = {}
        for index, parameter in enumerate(parameters):
            layer = layers.setdefault(
                parameter.layer, {"name": parameter.layer, "type": types[parameter.layer], "params": []}
            )
            layer["params"].append(_describe(index, parameter))
        learned = [[p for p in layer["params"] if not p["fixed"]] for layer in layers.values()]
        judged = [params[0]["index"] for params in learned if params]
        return cls(parameters, list(layers.values()), judged, _filters(list(layers.values())))


def _describe(index: int, parameter: Any) -> dict[str, Any]:
    name = NAMES[parameter.index] if parameter.index < len(NAMES) else f"blob {parameter.index}"
    shape = [int(size) for size in parameter.blob.shape]
    return {"index": index, "name": name, "shape": shape, "fixed": parameter.lr_mult == 0}


def _filters(layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first convolution with more than 1x1 weights."""
    for layer in layers:
        first = layer["params"][0]
        if layer["type"] == "Convolution" and len(first["shape"]) == 4 and min(first["shape"][2:]) > 1:
            outputs, inputs, height, width = first["shape"]
            size = {"outputs": outputs, "inputs": inputs, "height": height, "width": width}
            return {"layer": layer["name"], "index": first["index"], **size}
    return None
