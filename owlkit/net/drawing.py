"""A small drawing of a graph as SVG: layers left to right, one column per depth."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from owlkit.net import tables

if TYPE_CHECKING:
    from owlkit.net.graph import Graph, Node

_COLUMN, _ROW, _WIDTH, _HEIGHT, _MARGIN = 150, 52, 128, 38, 8
# fill by what a layer does: data, learned, loss and measure, everything else (Okabe-Ito tints)
_COLOURS = {"data": "#e4f3ee", "learned": "#e8f3fa", "loss": "#fcebe2", "other": "#f5f6f7"}
_DRAWN_LAYERS = 60  # beyond this the table alone is clearer


def _kind(node: Node) -> str:
    if not node.bottom:
        return "data"
    if any(node.layer.loss_weights) or node.layer.type == "Accuracy":
        return "loss"
    return "learned" if node.layer.blobs else "other"


def _merge_chains(graph: Graph) -> list[tuple[Node, list[str]]]:
    """Layers that are drawn, each with the in-place layers drawn into it; splits are left out."""
    drawn: list[tuple[Node, list[str]]] = []
    for node in graph.nodes:
        if node.layer.type == "Split":
            continue
        if node.runs_in_place:
            host = next((d for d in reversed(drawn) if node.top_names[0] in d[0].top_names), None)
            if host is not None:
                host[1].append(node.layer.type)
                continue
        drawn.append((node, []))
    return drawn


def _sources(graph: Graph) -> dict[str, str]:
    """Blob name -> name of the layer that made it, looking through splits."""
    made: dict[str, str] = {}
    for node in graph.nodes:
        if node.layer.type == "Split":
            made.update(dict.fromkeys(node.top_names, made[node.bottom_names[0]]))
        elif not node.runs_in_place:
            made.update(dict.fromkeys(node.top_names, node.name))
    return made


def draw_svg(graph: Graph) -> str:
    """SVG of the graph; empty for nets too large to read at this size."""
    drawn = _merge_chains(graph)
    if not drawn or len(drawn) > _DRAWN_LAYERS:
        return ""
    made = _sources(graph)
    column: dict[str, int] = {}
    row: dict[str, int] = {}
    used: dict[int, int] = {}
    for node, _ in drawn:
        depth = max((column[made[b]] + 1 for b in node.bottom_names), default=0)
        column[node.name], row[node.name] = depth, used.get(depth, 0)
        used[depth] = row[node.name] + 1
    lines = [_edge(column, row, made[b], node.name) for node, _ in drawn for b in node.bottom_names]
    boxes = [_box(node, extra, column[node.name], row[node.name]) for node, extra in drawn]
    width = (max(used) + 1) * _COLUMN + _MARGIN
    height = max(used.values()) * _ROW + _MARGIN + _HEIGHT // 2
    label = html.escape(f"{graph.name}: layers and blobs")
    return (
        f'<div style="overflow-x:auto"><svg role="img" aria-label="{label}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11">{"".join(lines)}{"".join(boxes)}</svg></div>'
    )


def _edge(column: dict[str, int], row: dict[str, int], start: str, end: str) -> str:
    x1 = column[start] * _COLUMN + _MARGIN + _WIDTH
    y1 = row[start] * _ROW + _MARGIN + _HEIGHT // 2
    x2, y2 = column[end] * _COLUMN + _MARGIN, row[end] * _ROW + _MARGIN + _HEIGHT // 2
    bend = (x2 - x1) // 2
    dip = 0
    if column[end] - column[start] > 1:
        # A shortcut: swing below the boxes that it passes.
        bend, dip = min(bend, _COLUMN // 2), _HEIGHT
    path = f"M{x1} {y1} C{x1 + bend} {y1 + dip} {x2 - bend} {y2 + dip} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="#85898e"/>'


def _box(node: Node, extra: list[str], column: int, row: int) -> str:
    x, y = column * _COLUMN + _MARGIN, row * _ROW + _MARGIN
    kinds = " + ".join([node.layer.type, *extra])
    shapes = ", ".join(tables.shape(top.shape) for top in node.top)
    title = html.escape(f"{node.name} ({kinds}) {node.layer.describe()} -> {shapes}")
    small = html.escape(kinds if len(kinds) < 24 else kinds[:22] + "…")
    return (
        f"<g><title>{title}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{_COLOURS[_kind(node)]}" '
        'stroke="#878b90"/>'
        f'<text x="{x + _WIDTH / 2}" y="{y + 16}" text-anchor="middle" font-weight="600" fill="#1f2328">'
        f"{html.escape(node.name[:20])}</text>"
        f'<text x="{x + _WIDTH / 2}" y="{y + 30}" text-anchor="middle" fill="#5f6368">{small}</text></g>'
    )
