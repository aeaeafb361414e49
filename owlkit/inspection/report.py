"""What was found out about a file: a table for people, plain values for programs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from owlkit.net.tables import html_table, text_table


@dataclass
class Report:
    """A title, a table and remarks, and the same as JSON-able values.

    title : a line or two. header, rows : of the table; none where `header` is empty.
    right : columns set to the right.
    optional : columns to leave out first, in this order, where the table is too wide.
    remarks : lines below the table. content : what `--json` prints.
    """

    title: str
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    right: Sequence[int] = ()
    optional: Sequence[int] = ()
    remarks: list[str] = field(default_factory=list)
    content: Mapping[str, Any] = field(default_factory=dict)

    def text(self, width: int | None = None) -> str:
        """All of it; a table wider than `width` characters loses its optional columns."""
        table = [self._table(width)] if self.rows else []
        return "\n".join([self.title, *table, *self.remarks])

    def _table(self, width: int | None) -> str:
        for left_out in range(len(self.optional) + 1):
            shown = [i for i in range(len(self.header)) if i not in self.optional[:left_out]]
            rows = [[row[i] for i in shown] for row in self.rows]
            right = [place for place, i in enumerate(shown) if i in self.right]
            table = text_table([self.header[i] for i in shown], rows, right)
            if width is None or max(map(len, table.split("\n"))) <= width:
                break
        return table

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        table = html_table(self.header, self.rows, self.right) if self.rows else ""
        remarks = "".join(f"<div>{html.escape(remark)}</div>" for remark in self.remarks)
        return f"<b>{html.escape(self.title)}</b>{table}{remarks}"
