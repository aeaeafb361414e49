"""caffe.draw: through pydot and Graphviz, and owlkit's own SVG without them."""

from __future__ import annotations

import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from owlkit import caffe, proto
from owlkit.caffe import draw
from owlkit.caffe import layers as L
from owlkit.caffe import params as P
from owlkit.caffe.outline import get_layer_lr_mult, outline
from owlkit.net.drawing import svg
from owlkit.proto.rules import filter_net
from tests.support.shared import shared

SVG = "{http://www.w3.org/2000/svg}"


def _net() -> Any:
    """A residual net of two phases, with names that need quoting."""
    n = caffe.NetSpec("a:net")
    n.data = L.Data(batch_size=64, include=dict(phase=caffe.TRAIN), source="missing_lmdb")
    n["conv:1"] = L.Convolution(
        n.data, num_output=20, kernel_h=3, kernel_w=5, stride=2, param=[dict(lr_mult=1), dict(lr_mult=2)]
    )
    n.relu = L.ReLU(n["conv:1"], in_place=True)
    n.conv2 = L.Convolution(n.relu, num_output=20, kernel_size=3, pad=1)
    n.sum = L.Eltwise(n.relu, n.conv2)
    n.pool = L.Pooling(n.sum, pool=P.Pooling.AVE, global_pooling=True)
    n.up = L.Deconvolution(n.pool, convolution_param=dict(num_output=5, kernel_size=4, stride=2))
    n.ip = L.InnerProduct(n.up, num_output=10)
    n.accuracy = L.Accuracy(n.ip, n.data, include=dict(phase=caffe.TEST))
    return n.to_proto()


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A `dot` that answers with its options and what it was to draw; `-Tnone` fails."""
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "if '-Tnone' in sys.argv: sys.exit('no such format')\n"
        "print(sys.argv[1:], open(sys.argv[-1]).read() if len(sys.argv) > 2 else sys.stdin.read())\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


# -- pydot
def test_the_graph_of_a_net() -> None:
    graph = draw.get_pydot_graph(_net(), "LR", display_lrm=True)
    assert graph.get_name() == '"a:net"'
    assert graph.get_rankdir() == "LR"
    nodes = {node.get_label().strip('"'): node for node in graph.get_nodes()}
    conv = nodes[r"conv:1\n(Convolution)\nkernel size: 3x5\nstride: 2\npad: 0\nlr mult: 1.0, 2.0"]
    assert conv.get_fillcolor().strip('"') == "#FF5050"
    assert nodes[r"relu\n(ReLU)"].get_fillcolor().strip('"') == "#90EE90"
    assert nodes[r"pool\n(Pooling AVE)"].get_fillcolor().strip('"') == "#FF9900"
    assert nodes[r"ip\n(InnerProduct)\nlr mult: 1.0, 1.0"].get_fillcolor().strip('"') == "#CC33FF"
    assert nodes["conv:1"].get_shape() == "octagon"
    # 9 layers; 8 blobs, as the ReLU works in place
    assert len(nodes) == 17

    name = {node.get_name(): label for label, node in nodes.items()}
    edges = {(name[e.get_source()], name[e.get_destination()]): e.get_label() for e in graph.get_edges()}
    assert edges[next(key for key in name.values() if key.startswith(r"conv:1\n")), "conv:1"] == '"20"'
    assert edges[r"data\n(Data)", "data"] == '"Batch 64"'
    assert {("conv:1", r"relu\n(ReLU)"), (r"relu\n(ReLU)", "conv:1")} <= edges.keys()
    assert {("conv:1", r"sum\n(Eltwise)"), ("conv2", r"sum\n(Eltwise)")} <= edges.keys()


def test_directions_labels_and_phases() -> None:
    down = draw.get_pydot_graph(_net(), "TB", label_edges=False)
    assert '"conv2 (Convolution) kernel size: 3 stride: 1 pad: 1"' in down.to_string()
    assert "Batch" not in down.to_string()
    for phase, there in [(caffe.TRAIN, "(Data)"), (caffe.TEST, "(Accuracy)"), ("test", "(Accuracy)")]:
        text = draw.draw_net(_net(), "LR", "raw", phase=phase).decode()
        assert {"(Data)", "(Accuracy)"} & set(re.findall(r"\(\w+\)", text)) == {there}
    with pytest.raises(ValueError, match="rankdir must be one of LR, RL, TB, BT"):
        draw.get_pydot_graph(_net(), "down")


def test_layers_of_one_name_are_drawn_apart() -> None:
    """Data layers of two phases; a graph by names merges them."""
    net = caffe.proto.caffe_pb2.NetParameter()
    for phase in (caffe.TRAIN, caffe.TEST):
        net.layer.add(name="data", type="Data", top=["data"]).include.add(phase=phase)
    assert len(draw.get_pydot_graph(net, "LR").get_nodes()) == 3


def test_helpers_under_pycaffes_names() -> None:
    layers = {layer.name: layer for layer in _net().layer}
    assert draw.choose_color_by_layertype("Softmax") == "#6495ED"
    assert draw.get_edge_label(layers["ip"]) == "10"
    assert draw.get_edge_label(layers["sum"]) == ""
    assert draw.get_layer_label(layers["pool"], "BT") == "pool (Pooling AVE)"


def test_graphviz_draws_what_it_can(graphviz: Path, tmp_path: Path) -> None:
    drawn = draw.draw_net(_net(), "LR", "png")
    assert b"-Tpng" in drawn
    assert b'digraph "a:net"' in drawn
    draw.draw_net_to_file(_net(), str(tmp_path / "net.svg"))
    assert "-Tsvg" in (tmp_path / "net.svg").read_text()
    with pytest.raises(RuntimeError, match=r"Graphviz could not draw a \.none"):
        draw.draw_net(_net(), "LR", "none")


def test_the_graph_as_text_needs_no_graphviz(no_graphviz: None, tmp_path: Path) -> None:
    draw.draw_net_to_file(_net(), tmp_path / "net.dot", rankdir="BT")
    assert (tmp_path / "net.dot").read_text().startswith('digraph "a:net" {\nrankdir=BT;')


# -- without them
def _parsed(drawing: bytes) -> tuple[Any, dict[str, tuple[float, float]]]:
    """The SVG, and where each layer's box begins."""
    root = ElementTree.fromstring(drawing)
    places = {}
    for group in root.iter(f"{SVG}g"):
        box, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert box is not None
        assert text is not None
        places[str(text.text)] = (float(box.get("x", 0)), float(box.get("y", 0)))
    return root, places


def test_owlkits_own_svg(no_graphviz: None, tmp_path: Path) -> None:
    draw.draw_net_to_file(_net(), str(tmp_path / "net.svg"), phase=caffe.TRAIN)
    root, places = _parsed((tmp_path / "net.svg").read_bytes())
    assert list(places) == ["data", "conv:1", "conv2", "sum", "pool", "up", "ip"]
    assert [x for x, _ in places.values()] == sorted(x for x, _ in places.values())
    assert len(set(places.values())) == 7
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "Convolution + ReLU" in texts
    assert {"20 3x5 /2", "20 3x3 +1", "AVE", "5 4x4 /2", "10"} <= set(texts)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "conv:1 (Convolution) kernel size: 3x5 stride: 2 pad: 0 + relu (ReLU)" in titles
    # One line for each bottom but those of in-place layers: 6 steps and the shortcut.
    assert len(list(root.iter(f"{SVG}path"))) == 7
    width, height = (float(root.get(side, 0)) for side in ("width", "height"))
    assert all(0 <= x < width - 100 and 0 <= y < height - 30 for x, y in places.values())


@pytest.mark.parametrize(
    ("rankdir", "axis", "sign"), [("LR", 0, 1), ("RL", 0, -1), ("TB", 1, 1), ("BT", 1, -1)]
)
def test_it_flows_where_it_should(no_graphviz: None, rankdir: str, axis: int, sign: int) -> None:
    root, places = _parsed(draw.draw_net(_net(), rankdir, "svg", phase=caffe.TEST))
    order = [sign * places[name][axis] for name in ("conv:1", "conv2", "sum", "pool", "up", "ip", "accuracy")]
    assert order == sorted(order)
    assert len(set(order)) == 7
    side = ("width", "height")[axis]
    assert float(root.get(side, 0)) > float(root.get(("height", "width")[axis], 0))


def test_lines_go_past_boxes_that_lie_between() -> None:
    """No straight part of a line crosses a box: GoogLeNet's labels reach over 80 layers."""
    net = proto.net_param(shared("models/bvlc/models/bvlc_googlenet/train_val.prototxt"))
    drawing = svg(outline(filter_net(net, "test")), "GoogLeNet")
    root, places = _parsed(drawing.encode())
    assert len(places) > 80
    lanes = [re.findall(r"(\d+) (\d+)", path.get("d", "")) for path in root.iter(f"{SVG}path")]
    straight = [(points[3], points[4]) for points in lanes if len(points) == 8]
    assert len(straight) > 10
    for (x1, y, *_), (x2, y2, *_) in straight:
        assert y == y2
        crossed = [
            name
            for name, (left, top) in places.items()
            if int(x1) < left + 128 and left < int(x2) and top < int(y) < top + 52
        ]
        assert not crossed


def test_every_published_definition_is_drawn_in_both_ways(no_graphviz: None) -> None:
    """Old formats included, and although none of their data are here."""
    files = sorted(shared("models/bvlc").rglob("*.prototxt"))
    nets = [path for path in files if "solver" not in path.name]
    assert len(nets) > 20
    for path, rankdir in zip(nets, itertools.cycle(("LR", "TB"))):
        assert _parsed(draw.draw_net(path, rankdir, "svg"))[1], path
        assert draw.draw_net(path, rankdir, "raw").startswith(b"digraph")


def test_what_is_missing_is_told(no_graphviz: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeError, match=r"a \.png needs Graphviz's program dot.*an \.svg is drawn without"
    ):
        draw.draw_net_to_file(_net(), tmp_path / "net.png")
    assert not (tmp_path / "net.png").exists()
    monkeypatch.setitem(sys.modules, "pydot", None)
    for call in (lambda: draw.draw_net(_net(), "LR"), lambda: draw.get_pydot_graph(_net(), "LR")):
        with pytest.raises(RuntimeError, match=r"pip install 'owlkit\[draw\]'"):
            call()
    assert draw.draw_net(_net(), "LR", "svg").startswith(b"<svg ")
    with pytest.raises(RuntimeError, match=r"try net\.svg"):
        draw.draw_net_to_file(_net(), "net")


def test_lr_mult_belongs_to_weights_and_bias() -> None:
    layers = {layer.name: layer for layer in _net().layer}
    assert get_layer_lr_mult(layers["conv:1"]) == (1, 2)
    assert get_layer_lr_mult(layers["ip"]) == (1, 1)
    with pytest.raises(ValueError, match="no weights and bias"):
        get_layer_lr_mult(layers["pool"])
