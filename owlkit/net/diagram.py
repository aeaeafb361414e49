"""A net's definition as a diagram: layers as boxes, blobs on the arrows; as DOT for Graphviz, or as SVG.

Nothing is built: a net whose data are elsewhere can be drawn. Layers that work in place stand in the box of
the layer that made their blob.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

RANKDIRS = ("TB", "LR", "BT", "RL")
COLOURS = {"data": "#e4f3ee", "learned": "#e8f3fa", "loss": "#fcebe2", "other": "#f5f6f7"}
LEARNED = (
    "Convolution",
    "Deconvolution",
    "InnerProduct",
    "Embed",
    "LSTM",
    "RNN",
    "Scale",
    "Bias",
    "BatchNorm",
)
_LINE, _CHAR, _PAD, _GAP_ACROSS, _GAP_ALONG = 15, 6.6, 10, 18, 44  # pixels; the text is 11 pixels high


@dataclass
class Box:
    """A layer, and those that work in place on its top. lines : of text. number : in the order of the net."""

    number: int
    kind: str
    lines: list[str]
    made_from: list[tuple[int, str]] = field(default_factory=list)

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * _CHAR + 2 * _PAD

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + _PAD


def boxes_of(net: Any, *, rates: bool = False) -> list[Box]:
    """The boxes of a NetParameter, filtered or not; rates : whether to tell lr_mult that is not 1."""
    boxes: list[Box] = []
    makers: dict[str, Box] = {}
    for layer in net.layer:
        in_place = [name for name in layer.top if name in layer.bottom and name in makers]
        if in_place and len(layer.bottom) == 1:
            makers[in_place[0]].lines.append(_words(layer, rates, short=True))
            continue
        box = Box(len(boxes), _kind(layer), [layer.name, _words(layer, rates)])
        box.made_from = [(makers[name].number, name) for name in layer.bottom if name in makers]
        boxes.append(box)
        makers.update(dict.fromkeys(layer.top, box))
    return boxes


def _kind(layer: Any) -> str:
    if not layer.bottom:
        return "data"
    if "Loss" in layer.type or layer.type == "Accuracy":
        return "loss"
    return "learned" if layer.type in LEARNED else "other"


def _words(layer: Any, rates: bool, short: bool = False) -> str:
    """Type and settings: "Convolution 20 of 5x5, stride 2"."""
    words = [f"{layer.type} {layer.name}" if short and layer.name != layer.type else layer.type]
    settings = []
    for described, value in layer.ListFields():
        if described.name.endswith("_param") and described.message_type is not None:
            settings += _settings(value)
    multipliers = [spec.lr_mult for spec in layer.param]
    if rates and any(each != 1 for each in multipliers):
        settings.append("lr x " + ", ".join(f"{each:g}" for each in multipliers))
    return " ".join([*words, ", ".join(settings)]).strip()


def _settings(param: Any) -> list[str]:
    names = param.DESCRIPTOR.fields_by_name
    told = []
    for name, word in (
        ("num_output", ""),
        ("pool", ""),
        ("kernel_size", ""),
        ("stride", "stride "),
        ("pad", "pad "),
    ):
        described = names.get(name)
        if described is None:
            continue
        value = getattr(param, name)
        values = list(value) if described.is_repeated else [value] if param.HasField(name) else []
        if described.enum_type is not None:
            values = [described.enum_type.values_by_number[value].name]
        if values:
            told.append(
                word + "x".join(map(str, values if len(values) > 1 or name != "kernel_size" else values * 2))
            )
    return told


def to_dot(boxes: list[Box], name: str, rankdir: str = "LR") -> str:
    """The diagram in Graphviz's language."""
    lines = [f"digraph {_quoted(name or 'net')} {{", f"  rankdir={rankdir};"]
    lines.append('  node [shape=box, style="filled,rounded", fontname="sans-serif", fontsize=11];')
    lines.append('  edge [fontname="sans-serif", fontsize=9, color="#85898e"];')
    for box in boxes:
        label = _quoted("\n".join(box.lines))
        lines.append(f'  n{box.number} [label={label}, fillcolor="{COLOURS[box.kind]}"];')
    for box in boxes:
        lines += [f"  n{start} -> n{box.number} [label={_quoted(blob)}];" for start, blob in box.made_from]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def to_svg(boxes: list[Box], name: str, rankdir: str = "LR") -> str:
    """The diagram as SVG, laid out here: each box one rank after the last that it is made from."""
    along = 0 if rankdir in ("LR", "RL") else 1
    places = _layout(boxes, along)
    size = [max(places[b.number][i] + (b.width, b.height)[i] for b in boxes) + _PAD for i in (0, 1)]
    if rankdir in ("RL", "BT"):
        for box in boxes:
            places[box.number][along] = (
                size[along] - places[box.number][along] - (box.width, box.height)[along]
            )
    edges = [_edge(boxes[start], box, places, along, blob) for box in boxes for start, blob in box.made_from]
    shapes = [_shape(box, *places[box.number]) for box in boxes]
    width, height = (f"{length:.0f}" for length in size)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        f"<title>{html.escape(name or 'net')}</title>"
        '<rect width="100%" height="100%" fill="#ffffff"/>'
        f"{''.join(edges)}{''.join(shapes)}</svg>\n"
    )


def _layout(boxes: list[Box], along: int) -> dict[int, list[float]]:
    """Upper left corner of each box."""
    ranks: dict[int, int] = {}
    for box in boxes:
        ranks[box.number] = max((ranks[start] + 1 for start, _ in box.made_from), default=0)
    places: dict[int, list[float]] = {}
    position = float(_PAD)
    for rank in range(max(ranks.values(), default=0) + 1):
        row = [box for box in boxes if ranks[box.number] == rank]
        across = float(_PAD)
        for box in row:
            # In line with what it is made from, where that leaves the boxes before it alone.
            above = [places[start][1 - along] for start, _ in box.made_from]
            across = max(across, min(above, default=across))
            places[box.number] = [position, across] if along == 0 else [across, position]
            across += (box.height if along == 0 else box.width) + _GAP_ACROSS
        position += max((box.width if along == 0 else box.height) for box in row) + _GAP_ALONG
    return places


def _edge(start: Box, end: Box, places: dict[int, list[float]], along: int, blob: str) -> str:
    first, last = places[start.number], places[end.number]
    forward = 1 if last[along] >= first[along] else -1
    ends = []
    for box, place, leaves in ((start, first, forward > 0), (end, last, forward < 0)):
        lengths = (box.width, box.height)
        point = [place[0] + lengths[0] / 2, place[1] + lengths[1] / 2]
        point[along] = place[along] + (lengths[along] if leaves else 0)
        ends.append(point)
    (x1, y1), (x2, y2) = ends
    bend = (ends[1][along] - ends[0][along]) / 2
    c1, c2 = (
        (f"{x1 + bend:.0f} {y1:.0f}", f"{x2 - bend:.0f} {y2:.0f}")
        if along == 0
        else (
            f"{x1:.0f} {y1 + bend:.0f}",
            f"{x2:.0f} {y2 - bend:.0f}",
        )
    )
    path = f"M{x1:.0f} {y1:.0f} C{c1} {c2} {x2:.0f} {y2:.0f}"
    return f'<path d="{path}" fill="none" stroke="#85898e"><title>{html.escape(blob)}</title></path>'


def _shape(box: Box, x: float, y: float) -> str:
    lines = []
    for index, line in enumerate(box.lines):
        weight = "" if index else ' font-weight="600"'
        place = f'x="{x + box.width / 2:.0f}" y="{y + (index + 1) * _LINE:.0f}"'
        lines.append(f'<text {place} text-anchor="middle"{weight} fill="#1f2328">{html.escape(line)}</text>')
    return (
        f'<g><rect x="{x:.0f}" y="{y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="5" '
        f'fill="{COLOURS[box.kind]}" stroke="#878b90"/>{"".join(lines)}</g>'
    )
