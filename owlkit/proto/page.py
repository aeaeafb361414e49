"""Caffe's messages as HTML, as a notebook shows them: LayerParameter, NetParameter, SolverParameter."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from owlkit.proto import caffe_pb2

_CELL = "text-align:left;padding:2px 12px 2px 0;vertical-align:top"
_LONGEST = 12  # entries of a list that are written


def show_in_notebooks() -> None:
    """Give the messages a `_repr_html_`; they are made by protobuf, so no class of ours can hold it."""
    pages = {"LayerParameter": layer_page, "NetParameter": net_page, "SolverParameter": fields_page}
    for name, page in pages.items():
        method = "_repr_html_"
        setattr(getattr(caffe_pb2, name), method, page)


def layer_page(layer: Any) -> str:
    """Name and type, blobs, and every field that is set, as `convolution_param.num_output`."""
    shown = {"name", "type", "bottom", "top", "blobs"}
    rows = [("bottom", ", ".join(layer.bottom)), ("top", ", ".join(layer.top))]
    rows += [row for row in _fields(layer) if row[0].split(".")[0].split("[")[0] not in shown]
    if layer.blobs:
        shapes = ("×".join(map(str, blob.shape.dim)) or "old shape" for blob in layer.blobs)
        rows.append(("blobs", ", ".join(shapes)))
    title = f"<b>{html.escape(layer.name or 'layer')}</b> {html.escape(layer.type)}"
    return title + _table([row for row in rows if row[1]])


def net_page(net: Any) -> str:
    """The layers with their types, bottoms and tops."""
    rows = [(layer.name, layer.type, ", ".join(layer.bottom), ", ".join(layer.top)) for layer in net.layer]
    title = f"<b>{html.escape(net.name or 'net')}</b>: {len(rows)} layers"
    return title + _table(rows, ("layer", "type", "bottom", "top"))


def fields_page(message: Any) -> str:
    """Every field that is set."""
    return f"<b>{type(message).__name__}</b>" + _table(list(_fields(message)))


def _fields(message: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for described, value in message.ListFields():
        values = list(value) if described.is_repeated else [value]
        if described.message_type is None:
            written = [_word(described, each) for each in values[:_LONGEST]]
            more = [f"and {len(values) - _LONGEST} more"] if len(values) > _LONGEST else []
            yield prefix + described.name, ", ".join(written + more)
            continue
        for index, each in enumerate(values):
            if described.message_type.name == "NetParameter":
                yield prefix + described.name, f"{each.name or 'a net'} of {len(each.layer)} layers"
                continue
            number = f"[{index}]" if len(values) > 1 else ""
            yield from _fields(each, f"{prefix}{described.name}{number}.")


def _word(described: Any, value: Any) -> str:
    if described.enum_type is not None:
        return str(described.enum_type.values_by_number[value].name)
    # What float32 holds as 0.009999999776482582 was written as 0.01.
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _table(rows: list[Any], header: tuple[str, ...] = ()) -> str:
    def row(cells: Any, tag: str) -> str:
        return "".join(f'<{tag} style="{_CELL}">{html.escape(str(cell))}</{tag}>' for cell in cells)

    head = f"<thead><tr>{row(header, 'th')}</tr></thead>" if header else ""
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f'<div style="overflow-x:auto"><table>{head}<tbody>{body}</tbody></table></div>'
