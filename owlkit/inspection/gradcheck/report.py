"""The result of a gradient check: a table, a figure, and an exception for tests."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from owlkit.core import frontends
from owlkit.core.errors import OwlkitError
from owlkit.inspection.gradcheck.course import Course
from owlkit.inspection.gradcheck.nets import LOSS_TOLERANCE, LossCheck
from owlkit.inspection.gradcheck.result import GLYPHS, BlobCheck
from owlkit.inspection.gradcheck.settings import Settings
from owlkit.net import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADER = ("layer", "type", "blob", "shape", "checked", "worst", "median", "kinks", "verdict")
RIGHT = (4, 5, 6, 7)


class GradientError(OwlkitError, AssertionError):
    """A gradient is not the slope of what forward computes."""


@dataclass(eq=False)
class GradientReport:
    """What `check_gradients` found.

    rows : one BlobCheck per bottom and learned blob, in the net's order. loss : one LossCheck per direction.
    skipped : layers that have no gradient. remarks : what was done to the inputs.
    course : how far the check is, for front ends. again : checks once more, into this report.
    closer : (layer, blob, index) -> report on that one element, measured at many steps.
    """

    frontend_kind = "gradients"

    name: str
    settings: Settings
    rows: list[BlobCheck] = field(default_factory=list)
    loss: list[LossCheck] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    course: Course = field(default_factory=Course, repr=False)
    again: Callable[[], GradientReport] | None = field(default=None, repr=False)
    closer: Callable[[str, str, tuple[int, ...]], GradientReport] | None = field(default=None, repr=False)

    # -- what it comes to
    @property
    def wrong(self) -> list[BlobCheck]:
        """The rows that are wrong, and not known to be."""
        return [row for row in self.rows if row.verdict == "wrong"]

    @property
    def unasked(self) -> list[BlobCheck]:
        """The rows whose gradient is right, but written although propagate_down is false for it."""
        return [row for row in self.rows if row.verdict == "unasked"]

    @property
    def wrong_layers(self) -> list[str]:
        """Names of the layers to be mended, in the net's order: a gradient is wrong, or written unasked."""
        return _layers([row for row in self.rows if row.verdict in ("wrong", "unasked")])

    @property
    def loss_is_wrong(self) -> bool:
        """Whether the gradient of the loss is wrong along a direction; a known layer excuses it."""
        if any(row.verdict == "known" for row in self.rows):
            return False
        return any(not check.error <= LOSS_TOLERANCE * self.settings.tolerance for check in self.loss)

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong, and none written unasked; of an interrupted check, in what was seen.

        Who writes what nobody asked for does work in vain, and writes over a blob that another layer may have
        filled: that is not ok, though each number is right.
        """
        return not self.wrong and not self.unasked and not self.loss_is_wrong

    def explain(self) -> list[str]:
        """What is wrong or unasked, a line each."""
        lines = [line for row in self.rows for line in row.explain()]
        if self.loss_is_wrong:
            bad = max(self.loss, key=lambda check: check.error)
            lines.append(
                f"loss: along a random direction backward gives {bad.analytic:.9g}, central difference "
                f"{bad.numeric:.9g}, relative error {bad.error:.2g}"
                + ("" if self.wrong else "; each layer is right by itself: look at how they are connected")
            )
        return lines

    def raise_if_wrong(self) -> GradientReport:
        """Returns itself, for tests. Raises GradientError, an AssertionError, with every finding."""
        if not self.ok:
            raise GradientError("\n".join([self.title, *self.explain()]))
        return self

    # -- looking at it
    def plot(self, layers: list[str] | None = None) -> Figure:
        """A map of the relative error of every element that was checked, one row per blob."""
        from owlkit.inspection.gradcheck.plot import draw

        return draw(self, layers)

    @property
    def title(self) -> str:
        """What it comes to, in a line."""
        said = self._said() if self.rows else "nothing to check"
        stopped = ", interrupted" if self.interrupted else ""
        elements = tables.count(sum(row.done for row in self.rows))
        numbers = f"step {self.settings.step:g}, tolerance {self.settings.tolerance:g}"
        size = f"{elements} elements of {len(self.rows)} blobs"
        return f"gradients of {self.name}: {said}{stopped} ({size}, float64, {numbers}, {self.seconds:.1f} s)"

    def _said(self) -> str:
        found = [f"wrong: {', '.join(_layers(self.wrong))}"] if self.wrong else []
        if self.loss_is_wrong and not self.wrong:
            found.append("the loss is wrong")
        if self.unasked:
            right = "" if found else "all are right, but "
            found.append(f"{right}written unasked: {', '.join(_layers(self.unasked))}")
        return "; ".join(found) or "all pass"

    def _table(self) -> list[tuple[str, ...]]:
        rows = [_cells(row) for row in self.rows]
        if self.loss:
            worst = max(check.error for check in self.loss)
            verdict = "wrong" if self.loss_is_wrong else "passes"
            directions = f"{len(self.loss)} directions"
            rows.append(
                ("loss", "", "", "", directions, _number(worst), "", "", f"{GLYPHS[verdict]} {verdict}")
            )
        return rows

    def _notes(self) -> list[str]:
        notes = self.explain() + self.remarks
        if self.skipped:
            notes.append(f"without a gradient: {', '.join(self.skipped)}")
        return notes

    def __repr__(self) -> str:
        table = tables.text_table(HEADER, self._table(), RIGHT)
        return "\n".join([self.title, table, *self._notes()])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        plain = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return frontends.mimebundle(self) or plain

    def _repr_html_(self) -> str:
        notes = "".join(f"<div>{html.escape(note)}</div>" for note in self._notes())
        table = tables.html_table(HEADER, self._table(), RIGHT)
        return f"<b>{html.escape(self.title)}</b>{table}{notes}"


def _layers(rows: list[BlobCheck]) -> list[str]:
    return list(dict.fromkeys(row.layer for row in rows))


def _cells(row: BlobCheck) -> tuple[str, ...]:
    worst = row.worst
    checked = f"{row.done} of {tables.count(row.count)}"
    if row.directions:
        checked += f", {len(row.directions)} directions"
    return (
        row.layer,
        row.type,
        row.slot.label,
        tables.shape(row.shape),
        checked,
        _number(worst.error) if worst else "–",
        _number(row.median) if worst else "–",
        str(row.kinks) if row.done else "–",
        f"{GLYPHS[row.verdict]} {row.verdict}",
    )


def _number(error: float) -> str:
    return f"{error:.1e}" if error else "0"
