"""Nets, plans and reports as text tables and as HTML for notebooks; neither touches a blob's data."""

from __future__ import annotations

import html
import itertools
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from owlkit.core.conveniences import resolve
from owlkit.core.dtypes import is_half
from owlkit.core.sizes import size

if TYPE_CHECKING:
    from owlkit.net.graph import Graph, Node
    from owlkit.net.plan import Plan

_STYLE = "text-align:left;padding:2px 12px 2px 0"
_NUMBER = "text-align:right;padding:2px 12px 2px 0;font-variant-numeric:tabular-nums;white-space:nowrap"


def count(number: float) -> str:
    """1234567 -> "1.23 M"; up to 9999 as it is."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            scale = 1e3 if unit == "k" else limit
            return f"{number / scale:.3g} {unit}"
    return f"{number:g}"


def shape(values: Sequence[int]) -> str:
    return "x".join(str(n) for n in values) or "scalar"


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns aligned by spaces; those in `right` to the right. A cell may have several lines."""
    lines = [list(header)]
    for row in rows:
        cells = [cell.split("\n") for cell in row]
        lines += map(list, itertools.zip_longest(*cells, fillvalue=""))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    out = []
    for line in lines:
        cells_of_line = [
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        out.append("  ".join(cells_of_line).rstrip())
    return "\n".join([out[0], "-" * max(map(len, out)), *out[1:]])


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[int] = (),
    names: Sequence[int] = (),
) -> str:
    """The same as HTML; one wider than the page breaks its texts at spaces, and then scrolls by itself.

    names : columns whose texts may also be broken behind / and _, where names of blobs are long.
    """

    def inside(i: int, text: str) -> str:
        return re.sub(r"[/_]", r"\g<0><wbr>", html.escape(text)) if i in names else html.escape(text)

    def row(cells: Sequence[str], tag: str) -> str:
        styled = (
            f'<{tag} style="{_NUMBER if i in right else _STYLE}">{inside(i, text)}</{tag}>'
            for i, text in enumerate(cells)
        )
        return f"<tr>{''.join(styled)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    table = f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x:auto">{table}</div>'


# -- graph
_GRAPH_HEADER = ("layer", "type", "", "bottom", "top", "shape", "params", "multiply-adds", "memory")
_GRAPH_RIGHT = (6, 7, 8)
_GRAPH_NAMES = (0, 3, 4)
# column -> characters after which its text goes on in the next line, so that a net fits into a window
_GRAPH_WRAP = {2: 18, 3: 24, 4: 24, 5: 16}


def _graph_row(node: Node) -> tuple[str, ...]:
    layer = node.layer
    learned = sum(blob.count for blob in layer.blobs)
    memory = 0 if node.runs_in_place else sum(top.descriptor.nbytes for top in node.top)
    macs = node.macs()
    return (
        layer.name,
        layer.type,
        layer.describe(),
        ", ".join(node.bottom_names),
        ", ".join(node.top_names),
        ", ".join(shape(top.shape) for top in node.top),
        count(learned) if learned else "",
        count(macs) if macs else "",
        size(memory) if memory else "",
    )


def _graph_title(graph: Graph) -> str:
    memory = sum(blob.descriptor.nbytes for blob in graph.blobs.values())
    title = f"{graph.name or 'net'} ({graph.phase}): {len(graph.nodes)} layers"
    numbers = f"{count(graph.parameter_count)} parameters, {count(graph.macs)} multiply-adds"
    return f"{title}, {numbers}, blobs {size(memory)}"


def graph_text(graph: Graph) -> str:
    rows = [
        [
            wrapped(cell, _GRAPH_WRAP[i]) if i in _GRAPH_WRAP else cell
            for i, cell in enumerate(_graph_row(node))
        ]
        for node in graph.nodes
    ]
    return _graph_title(graph) + "\n" + text_table(_GRAPH_HEADER, rows, _GRAPH_RIGHT)


def wrapped(text: str, width: int) -> str:
    """Broken at spaces only: names and shapes stay whole."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def graph_html(graph: Graph) -> str:
    drawing = resolve("inspection.graphs.svg:graph_svg")(graph)
    table = html_table(_GRAPH_HEADER, [_graph_row(node) for node in graph.nodes], _GRAPH_RIGHT, _GRAPH_NAMES)
    return f"<b>{html.escape(_graph_title(graph))}</b>{drawing}{table}"


# -- plan
_PLAN_HEADER = ("step", "layers", "kernel", "output", "multiply-adds", "backward", "fallback")


def _plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, step in enumerate(plan.steps):
        node = step.nodes[0]
        refused = getattr(getattr(node.layer, "kernel", None), "refused", {})
        rows.append(
            (
                str(number),
                " + ".join(n.layer.name for n in step.nodes),
                node.layer.implementation or "NumPy",
                ", ".join(shape(top.shape) for top in step.top),
                count(node.macs()) if node.macs() else "",
                "yes" if step.backward else "",
                "; ".join(f"{name}: {why}" for name, why in refused.items()),
            )
        )
    return rows


def _plan_title(plan: Plan) -> str:
    fused = sum(len(step.nodes) - 1 for step in plan.steps)
    how = (
        f"{fused} layer{'s' * (fused != 1)} fused into others"
        if plan.fuse
        else "fusion off: single layers are stepped through"
    )
    scratch = size(plan.device.scratch_bytes)
    dtype = plan.graph.dtype
    precision = f"{dtype} beside float32, " if is_half(dtype) else ""
    return f"plan on {plan.device.name}: {precision}{len(plan.steps)} steps, {how}, scratch {scratch}"


def plan_text(plan: Plan) -> str:
    remark = plan.remark()
    lines = [
        _plan_title(plan),
        text_table(_PLAN_HEADER, _plan_rows(plan), (0, 4)),
        *([remark] if remark else []),
    ]
    return "\n".join(lines)


def plan_html(plan: Plan) -> str:
    table = html_table(_PLAN_HEADER, _plan_rows(plan), (0, 4))
    return f"<b>{html.escape(_plan_title(plan))}</b>{table}{html.escape(plan.remark())}"
