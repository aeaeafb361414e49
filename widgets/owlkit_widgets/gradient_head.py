"""What header and footer of a gradient check show: how far it is, what it is measured by; unknown is None."""

from __future__ import annotations

from typing import Any

from .gradient_cells import number


def head_of(report: Any, course: Any, trouble: str) -> dict[str, Any]:
    """The `head` of a report whose check is at `course`. trouble : why checking again failed, or ""."""
    rows, over = list(report.rows), course.state == "done"
    expected = sum(e.number for e in course.expected) or sum(row.elements.size for row in rows)
    done = sum(row.done for row in rows)
    left = None if over else course.left(rows)
    worst = max((check.error for check in report.loss), default=None)
    return {
        "name": report.name,
        "state": course.state,
        "interrupted": report.interrupted,
        "doing": course.doing if not over else "",
        "done": done,
        "total": max(done, expected) if not (over and not report.interrupted) else done,
        "left": left,
        "shorter": course.shorter(left),
        "seconds": report.seconds if over else course.seconds,
        "passes": course.passes,
        "step": report.settings.step,
        "tolerance": report.settings.tolerance,
        "seed": report.settings.seed,
        "until_wrong": course.until_wrong,
        "loss": None if worst is None else number(worst),
        "loss_directions": len(report.loss),
        "loss_is_wrong": report.loss_is_wrong if over else False,
        "skipped": list(report.skipped),
        "remarks": list(report.remarks),
        "error": trouble,
        "can_repeat": report.again is not None,
    }
