"""A net as a table of its layers, in text and in HTML; no shapes, these need the layers themselves."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from owlkit.proto import caffe_pb2

_HEADER = ("layer", "type", "bottoms → tops", "parameters")
_SHOWN_ELSEWHERE = ("name", "type", "bottom", "top", "blobs")


def text_page(net: caffe_pb2.NetParameter) -> str:
    """Title and table in plain text."""
    rows = [_HEADER, *_rows(net)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER) - 1)]
    lines = [_title(net)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def html_page(net: caffe_pb2.NetParameter, mistake: str = "") -> str:
    """Title, what is wrong with the net, and table."""
    head = "".join(f"<th style='text-align:left'>{cell}</th>" for cell in _HEADER)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(net)
    )
    told = f"<pre style='color:#b3261e;white-space:pre-wrap'>{html.escape(mistake)}</pre>" if mistake else ""
    title = html.escape(_title(net))
    return f"<div><b>{title}</b>{told}<table><tr>{head}</tr>{body}</table></div>"


def _title(net: caffe_pb2.NetParameter) -> str:
    count = len(net.layer)
    return f"{net.name or 'unnamed net'}: {count} layer{'' if count == 1 else 's'}"


def _rows(net: caffe_pb2.NetParameter) -> Iterator[tuple[str, ...]]:
    for layer in net.layer:
        bottoms, tops = list(layer.bottom), list(layer.top)
        if len(bottoms) == 1 and bottoms == tops:
            flow = f"{tops[0]} in place"
        else:
            flow = " ".join(part for part in (", ".join(bottoms), "→", ", ".join(tops)) if part)
        yield layer.name, layer.type, flow, " ".join(_parameters(layer))


def _parameters(layer: caffe_pb2.LayerParameter) -> Iterator[str]:
    """Parameters as name=value, the type's own first; the fields of a nested message in brackets."""
    fields = layer.ListFields()
    for field, value in sorted(fields, key=lambda pair: not pair[0].name.endswith("_param")):
        if field.name in _SHOWN_ELSEWHERE:
            continue
        if field.message_type is not None and field.name.endswith("_param"):
            yield from (
                f"{inner.name}={_short(inner, inner_value)}" for inner, inner_value in value.ListFields()
            )
        else:
            yield f"{field.name}={_short(field, value)}"


def _short(field: FieldDescriptor, value: Any) -> str:
    if field.is_repeated:
        items = [_short_one(field, item) for item in value]
        return items[0] if len(items) == 1 else f"[{', '.join(items)}]"
    return _short_one(field, value)


def _short_one(field: FieldDescriptor, value: Any) -> str:
    if field.message_type is not None:
        if field.message_type.name == "BlobShape":
            return "×".join(map(str, value.dim)) or "scalar"
        inner = [f"{one.name}={_short(one, what)}" for one, what in value.ListFields()]
        return f"({', '.join(inner)})"
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
