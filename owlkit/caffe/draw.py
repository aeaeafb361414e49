"""pycaffe's draw: a definition as a picture, by pydot and Graphviz, or as owlkit's own SVG without them.

    caffe.draw.draw_net_to_file(net_param, "net.svg", rankdir="TB")

Layers are boxes; by Graphviz blobs are octagons between them, and layers that work in place are green.
Nothing is run, so neither data nor weights need to be there. `pip install 'owlkit[draw]'` brings pydot;
Graphviz's program `dot` comes from the system.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from owlkit import proto
from owlkit.caffe.outline import get_layer_label, layer_facts, outline
from owlkit.core.errors import NetError, OwlkitError
from owlkit.io.files import write_bytes
from owlkit.net.drawing import DIRECTIONS, svg
from owlkit.proto.rules import filter_net

LAYER_STYLE_DEFAULT = {"shape": "box", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "box", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}
_COLOURS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
_TEXT = ("raw", "dot", "gv")


class DrawError(OwlkitError, RuntimeError):
    """A program or package that draws is missing, or failed."""


def choose_color_by_layertype(layertype: str) -> str:
    """The colour that a layer's box is filled with."""
    return _COLOURS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def get_edge_label(layer: Any) -> str:
    """What is written on the lines to a layer's tops: its batch size or number of outputs, or nothing."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    return layer_facts(layer).get("num_output", "")


def get_pydot_graph(
    caffe_net: Any,
    rankdir: str,
    label_edges: bool = True,
    phase: int | str | None = None,
    display_lrm: bool = False,
) -> Any:
    """The pydot graph of a net.

    caffe_net : NetParameter, NetSpec or path. rankdir : "LR", "RL", "TB" or "BT". label_edges : write numbers
    of outputs on the lines. phase : only the layers of this phase; None all. display_lrm : write the learned
    layers' lr_mult. Raises DrawError where pydot is missing, NetError for an unknown direction.
    """
    net, pydot = _definition(caffe_net, rankdir, phase), _pydot()
    graph = pydot.Dot(_quoted(net.name or "Net"), graph_type="digraph", rankdir=rankdir)
    blobs: dict[str, Any] = {}
    for number, layer in enumerate(net.layer):
        in_place = len(layer.bottom) == len(layer.top) == 1 and layer.bottom[0] == layer.top[0]
        style = NEURON_LAYER_STYLE if in_place else LAYER_STYLE_DEFAULT
        fill = style["fillcolor"] if in_place else choose_color_by_layertype(layer.type)
        # Numbered: a train and a test layer may share their name.
        label = _quoted(get_layer_label(layer, rankdir, display_lrm), lines=True)
        node = pydot.Node(f"layer_{number}", **{**style, "fillcolor": fill, "label": label})
        graph.add_node(node)
        for name in [*layer.bottom, *layer.top]:
            if name not in blobs:
                blobs[name] = pydot.Node(f"blob_{len(blobs)}", label=_quoted(name), **BLOB_STYLE)
                graph.add_node(blobs[name])
        for name in layer.bottom:
            graph.add_edge(pydot.Edge(blobs[name], node))
        text = _quoted(get_edge_label(layer)) if label_edges else '""'
        for name in layer.top:
            graph.add_edge(pydot.Edge(node, blobs[name], label=text))
    return graph


def draw_net(
    caffe_net: Any,
    rankdir: str,
    ext: str = "png",
    phase: int | str | None = None,
    display_lrm: bool = False,
) -> bytes:
    """A drawing of a net in a format that Graphviz writes ("png", "pdf", "svg", ...).

    Arguments as for `get_pydot_graph`. "raw", "dot" and "gv" give the graph as text and need pydot alone.
    "svg" needs neither: without pydot or Graphviz owlkit draws it, with boxes for layers only.
    Raises DrawError where another format needs what is missing.
    """
    if ext in _TEXT:
        graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
        return str(graph.to_string()).encode()
    missing = _missing()
    if missing and ext != "svg":
        raise DrawError(f"drawing a .{ext} needs {missing}; an .svg is drawn without it")
    if missing:
        net = _definition(caffe_net, rankdir, phase)
        return svg(outline(net, display_lrm), f"{net.name or 'Net'}: layers", rankdir).encode()
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    try:
        return bytes(graph.create(format=ext))
    except (OSError, AssertionError) as error:
        raise DrawError(f"Graphviz could not draw a .{ext}: {error}") from error


def draw_net_to_file(
    caffe_net: Any,
    filename: str | Path,
    rankdir: str = "LR",
    phase: int | str | None = None,
    display_lrm: bool = False,
) -> None:
    """Write `draw_net`'s drawing, atomically; the format is the file name's extension.

    Raises DrawError, also for a name without an extension, and DataError where it cannot be written.
    """
    ext = Path(filename).suffix[1:].lower()
    if not ext:
        raise DrawError(f"{filename} has no extension that tells the format; try {filename}.svg")
    write_bytes(filename, draw_net(caffe_net, rankdir, ext, phase, display_lrm))


def _definition(caffe_net: Any, rankdir: str, phase: int | str | None) -> Any:
    if rankdir not in DIRECTIONS:
        raise NetError(f"rankdir must be one of {', '.join(DIRECTIONS)}, found {rankdir!r}")
    net = proto.net_param(caffe_net)
    return net if phase is None else filter_net(net, phase)


def _pydot() -> ModuleType:
    try:
        import pydot
    except ImportError as error:
        raise DrawError("drawing by Graphviz needs pydot: pip install 'owlkit[draw]'") from error
    found: ModuleType = pydot
    return found


def _missing() -> str:
    """What Graphviz's drawings lack on this machine; empty for nothing."""
    try:
        _pydot()
    except DrawError:
        return "pydot (pip install 'owlkit[draw]') and Graphviz's program dot"
    return "" if shutil.which("dot") else "Graphviz's program dot, from your system's packages"


def _quoted(text: str, *, lines: bool = False) -> str:
    """A string for the DOT language, which else reads colons and the like; lines : newlines break lines."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text.replace(chr(10), chr(92) + "n") if lines else text}"'
