"""What is in definitions: nets and solvers as prototxt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from owlkit import proto
from owlkit.core.errors import OwlkitError
from owlkit.inspection.report import Report
from owlkit.net import tables
from owlkit.net.graph import Graph, Node
from owlkit.proto import rules, text

_HEADER = ("layer", "type", "settings", "bottom", "top", "params", "mult-adds")
_RIGHT = (5, 6)
_OPTIONAL = (6, 3, 5)
_LIMITS = (18, 14, 16, 14, 20)  # characters of a column before it goes on below, to fit a terminal


def inspect_net(
    path: str | Path, *, phase: str = "test", level: int = 0, stages: Sequence[str] = ()
) -> Report:
    """The layers of a net in one phase, with shapes, parameters and multiply-adds.

    Where the shapes cannot be found out (a data set is not here), the layers alone, and why.
    Raises PrototxtError where the file is no net.
    """
    notes: list[str] = []
    definition = proto.read_net(path, notes)
    try:
        graph = Graph(definition, phase=phase, level=level, stages=stages, seed=1)
    except (OwlkitError, OSError) as error:
        return _without_shapes(str(path), definition, (phase, level, stages), [*notes, str(error)])
    nodes = [node for node in graph.nodes if node.layer.type != "Split"]
    params = {layer.name: layer for layer in rules.filter_net(definition, phase, level, stages).layer}
    content = _content(graph.name, phase, [_counted(node, params[node.name]) for node in nodes])
    content |= {"parameters": graph.parameter_count, "multiply_adds": graph.macs}
    total = f"{tables.count(graph.parameter_count)} parameters, {tables.count(graph.macs)} multiply-adds"
    title = f"{path}: {graph.name or 'net'} ({phase})\n{len(nodes)} layers, {total}"
    rows = [_node_row(node, params[node.name]) for node in nodes]
    return Report(title, _HEADER, rows, _RIGHT, _OPTIONAL, notes, content)


def _node_row(node: Node, param: Any) -> list[str]:
    # A top that is named as its layer needs no name.
    tops = [
        f"{'' if name == node.name else name + ' '}{tables.shape(top.shape)}"
        for name, top in zip(node.top_names, node.top, strict=True)
    ]
    made = "in place" if node.runs_in_place else ", ".join(tops)
    learned, macs = sum(blob.count for blob in node.layer.blobs), node.macs()
    counts = (tables.count(learned) if learned else "", tables.count(macs) if macs else "")
    return _row(node.name, node.layer.type, node.layer.describe(), ", ".join(param.bottom), made, *counts)


def _counted(node: Node, param: Any) -> dict[str, Any]:
    """A layer as `--json` gives it; bottoms under the names of the definition, without splits."""
    return {
        **_entry(param),
        "shapes": [list(top.shape) for top in node.top],
        "parameters": sum(blob.count for blob in node.layer.blobs),
        "multiply_adds": node.macs(),
    }


def _without_shapes(
    path: str, definition: Any, state: tuple[str, int, Sequence[str]], remarks: list[str]
) -> Report:
    net = rules.filter_net(definition, *state)
    rows = [
        _row(layer.name, layer.type, ", ".join(layer.bottom), ", ".join(layer.top)) for layer in net.layer
    ]
    title = f"{path}: {net.name or 'net'} ({state[0]})\n{len(rows)} layers"
    remarks[-1] = f"no shapes, because the net cannot be made here: {remarks[-1]}"
    content = _content(net.name, state[0], [_entry(layer) for layer in net.layer])
    return Report(title, ("layer", "type", "bottom", "top"), rows, remarks=remarks, content=content)


def _content(name: str, phase: str, layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "net", "name": name, "phase": phase, "layers": layers}


def _entry(layer: Any) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "bottom": list(layer.bottom),
        "top": list(layer.top),
    }


def _row(*cells: str) -> list[str]:
    limits = _LIMITS if len(cells) > 4 else (24, 24, 24, 24)
    return [tables.wrapped(cell, limits[i]) if i < len(limits) else cell for i, cell in enumerate(cells)]


def inspect_solver(path: str | Path) -> Report:
    """The fields of a solver file that are set, and what an upgrade changed."""
    notes: list[str] = []
    solver = proto.read_solver(path, notes)
    fields = {}
    for described, value in solver.ListFields():
        if described.message_type is None:
            fields[described.name] = list(value) if described.is_repeated else _plain(described, value)
        else:
            fields[described.name] = " ".join(
                text.format(each).strip().replace("\n", " ")
                for each in (value if described.is_repeated else [value])
            )
    rows = [(name, tables.wrapped(_shown(value), 54)) for name, value in fields.items()]
    title = f"{path}: solver of type {solver.type}"
    return Report(
        title, ("field", "value"), rows, remarks=notes, content={"kind": "solver", "fields": fields}
    )


def _plain(described: Any, value: Any) -> Any:
    if described.enum_type is not None:
        return described.enum_type.values_by_number[value].name
    # What float32 holds as 0.009999999776482582 was written as 0.01.
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _shown(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
