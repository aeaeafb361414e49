"""An inspected net as a table: what prints, and what a notebook without the widgets shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from owlkit.inspection.graphs.facts import LayerFacts
from owlkit.inspection.report import Report
from owlkit.inspection.timing import LayerTime
from owlkit.net import tables

if TYPE_CHECKING:
    from owlkit.inspection.inspector import Inspector

_HEADER = (
    "layer", "type", "settings", "output", "params", "mult-adds", "fwd ms", "bwd ms", "sees", "std of W",
    "moved",
)  # fmt: skip
_RIGHT = (4, 5, 6, 7, 8, 9, 10)
_OPTIONAL = (2, 8, 5)  # left out first where the table is too wide


def net_report(inspector: Inspector) -> Report:
    """All layers with what is known of them; columns that say nothing are left out.

    Beneath it: what had to be assumed, the times of whole passes where they were taken, what moved.
    """
    moved, stds, timing = inspector.moved(), inspector.stds(), inspector.timing
    times = timing.by_key if timing is not None else {}
    rows = [_row(facts, stds.get(facts.name), moved, times.get(facts.key)) for facts in inspector.layers]
    used = [i for i in range(len(_HEADER)) if i < 2 or any(row[i] for row in rows)]
    remarks = [*inspector.notes, *(timing.title.split("\n") if timing is not None else [])]
    if inspector.earlier:
        remarks += ["", *inspector.movement_report().text().split("\n")]
    return Report(
        inspector.title,
        [_HEADER[i] for i in used],
        [[row[i] for i in used] for row in rows],
        [used.index(i) for i in _RIGHT if i in used],
        [used.index(i) for i in _OPTIONAL if i in used],
        remarks,
    )


def _row(
    facts: LayerFacts, std: float | None, moved: Mapping[str, float], time: LayerTime | None
) -> list[str]:
    output = facts.top_shapes[0] if facts.top_shapes and not facts.runs_in_place else None
    return [
        facts.name,
        facts.type,
        tables.wrapped(facts.settings, 18),
        tables.shape(output) if output is not None else "in place" if facts.runs_in_place else "",
        tables.count(facts.parameters) if facts.parameters else "",
        tables.count(facts.macs) if facts.macs else "",
        *(time.words() if time is not None else ("", "")),
        f"{facts.field.height.size:g}" if facts.field is not None else "",
        f"{std:.3g}" if std is not None else "",
        f"{100 * moved[facts.name]:.3g} %" if facts.name in moved else "",
    ]
