"""Code that looks at one element of a gradient check again."""

from __future__ import annotations

import ast
import json
from typing import Any

LEFT_OUT = {"layers", "blob", "at", "elements", "directions", "progress"}


def code(cell: str, layer: str | None, blob: str, index: tuple[int, ...]) -> str:
    """The call of `check_gradients` in a cell's source, narrowed to one element.

    layer : None where the call is about a single layer. A cell with no such call, or several, gives a call
    about `net`.
    """
    call = _call(cell)
    start, given = ("owlkit.check_gradients", ["net"]) if call is None else _parts(call)
    narrow = [] if layer is None else [f"layers=[{json.dumps(layer)}]"]
    narrow.append(f"blob={json.dumps(blob)}")
    return f"{start}(\n    {', '.join(given)},\n    {', '.join(narrow)},\n    at={index!r},\n)"


def _call(cell: str) -> ast.Call | None:
    try:
        tree = ast.parse(cell)
    except SyntaxError:  # a cell with magics that were not translated
        return None
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) == "check_gradients"
    ]
    return calls[0] if len(calls) == 1 else None


def _name(call: ast.Call) -> Any:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", None)


def _parts(call: ast.Call) -> tuple[str, list[str]]:
    given = [ast.unparse(argument) for argument in call.args]
    given += [ast.unparse(keyword) for keyword in call.keywords if keyword.arg not in LEFT_OUT]
    return ast.unparse(call.func), given
