"""A net's drawing as SVG, for pages without the widget: light, complete as a file."""

from __future__ import annotations

import html
from typing import Any

from owlkit.inspection.graphs.drawing import Drawing, Line, Place, lay_out
from owlkit.inspection.graphs.facts import facts_of
from owlkit.inspection.graphs.routes import Point
from owlkit.inspection.graphs.view import Cards, arrange
from owlkit.net.graph import Graph

_INK, _MUTED, _EDGE, _LINE, _SOFT, _SUNK = "#1f2328", "#5f6368", "#878b90", "#85898e", "#f5f6f7", "#eceef0"
_COMPUTE, _PARAMETERS = "#0072b2", "#bc4b00"
_MARGIN, _CORNER = 10, 7.0


def drawing_svg(drawing: Drawing, cards: Cards, label: str) -> str:
    """label : what is drawn, for readers who cannot see it."""
    described = {place.key: cards.describe(place.key) for place in drawing.places}
    total = [cards.describe(key) for key in cards.tree.top]
    macs = sum(entry["macs"] or 0 for entry in total)
    parameters = sum(entry["parameters"] for entry in total)
    frames = [_frame(p, described[p.key]) for p in drawing.places if p.kind == "frame"]
    lines = [_line(line) for line in drawing.lines]
    boxes = [_card(p, described[p.key], macs, parameters) for p in drawing.places if p.kind != "frame"]
    width, height = (round(side + 2 * _MARGIN) for side in (drawing.width, drawing.height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{html.escape(label)}" '
        f'width="{width}" height="{height}" viewBox="{-_MARGIN} {-_MARGIN} {width} {height}" '
        f'font-family="sans-serif" font-size="11"><rect x="{-_MARGIN}" y="{-_MARGIN}" width="{width}" '
        f'height="{height}" rx="8" fill="{_SOFT}"/>{"".join([*frames, *lines, *boxes])}</svg>'
    )


def graph_svg(graph: Graph) -> str:
    """A graph with its stages open as far as can be taken in, in a box that scrolls sideways."""
    cards = arrange(facts_of(graph))
    if not cards.sheet.cards:
        return ""
    drawing = lay_out(cards.sheet, cards.tree, cards.first_open)
    label = f"{graph.name or 'net'}: its layers"
    return f'<div style="overflow-x:auto">{drawing_svg(drawing, cards, label)}</div>'


def rounded_path(points: list[Point], radius: float = _CORNER) -> str:
    """Path data through corners that are rounded."""
    commands = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        r = min(radius, _far(before, at) / 2, _far(at, after) / 2)
        start, end = _towards(at, before, r), _towards(at, after, r)
        commands.append(f"L{start[0]:g} {start[1]:g}Q{at[0]:g} {at[1]:g} {end[0]:g} {end[1]:g}")
    commands.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(commands)


def _far(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: Point, b: Point, far: float) -> Point:
    share = far / (_far(a, b) or 1)
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _line(line: Line) -> str:
    points = list(line.points)
    arrow = ""
    if line.arrow:
        x, y = points[-1]
        points[-1] = (x - 5, y)
        arrow = f'<path d="M{x - 8:g} {y - 4.5:g}L{x - 1:g} {y:g}L{x - 8:g} {y + 4.5:g}z" fill="{_LINE}"/>'
    path = f'<path d="{rounded_path(points)}" fill="none" stroke="{_LINE}" stroke-width="{line.width:g}"/>'
    return path + arrow


def _frame(place: Place, entry: dict[str, Any]) -> str:
    return (
        f'<rect x="{place.x:g}" y="{place.y:g}" width="{place.width:g}" height="{place.height:g}" rx="8" '
        f'fill="{"#ffffff" if place.depth % 2 == 0 else _SOFT}" fill-opacity=".7" stroke="{_EDGE}" '
        f'stroke-opacity=".6"/>{_text(place.x + 10, place.y + 18, entry["short"], _INK, bold=True)}'
    )


def _card(place: Place, entry: dict[str, Any], macs: int, parameters: int) -> str:
    x, y, width = place.x, place.y, place.width
    limit = int((width - 16) / 5.6)
    title = f"{entry['name']}: {entry['type']} {entry['folded']} {entry['shape']}"
    parts = [f"<g><title>{html.escape(title)}</title>"]
    if entry["kind"] == "group":
        parts.append(_rect(x + 3, y - 3, width, place.height, 6, "#ffffff", _EDGE))
    parts.append(_rect(x, y, width, place.height, 6, "#ffffff", _EDGE))
    parts.append(_text(x + 8, y + 18, _cut(entry["short"], limit), _INK, bold=True))
    words = entry["type"] if not place.compact else _cut(_joined(entry), limit)
    parts.append(_text(x + 8, y + 33, _cut(words, limit + 1), _MUTED))
    bottom = y + place.height
    if not place.compact:
        parts.append(_text(x + 8, y + 56, _cut(entry["folded"], limit + 2), _MUTED))
        parts.append(_text(x + 8, bottom - 26, entry["shape"], _INK))
    for below, share, colour in (
        (16 if not place.compact else 18, (entry["macs"] or 0) / macs if macs else 0, _COMPUTE),
        (9, entry["parameters"] / parameters if parameters else 0, _PARAMETERS),
    ):
        parts.append(_rect(x + 8, bottom - below, width - 16, 4, 2, _SUNK))
        if share > 0:
            parts.append(_rect(x + 8, bottom - below, max((width - 16) * share, 1), 4, 2, colour))
    return "".join([*parts, "</g>"])


def _joined(entry: dict[str, Any]) -> str:
    return ", ".join(filter(None, (entry["type"], entry["folded"])))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 1)] + "…"


def _rect(x: float, y: float, width: float, height: float, radius: float, fill: str, stroke: str = "") -> str:
    edge = f' stroke="{stroke}"' if stroke else ""
    size = f'width="{width:g}" height="{height:g}"'
    return f'<rect x="{x:g}" y="{y:g}" {size} rx="{radius:g}" fill="{fill}"{edge}/>'


def _text(x: float, y: float, text: str, fill: str, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}"{weight} fill="{fill}">{html.escape(text)}</text>'
