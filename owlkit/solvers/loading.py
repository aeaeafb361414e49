"""Loading weights so that nothing which did not fit goes unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.errors import NetError
from owlkit.net.weights import LoadReport

MANY = 8  # layers: a longer list is cut


def load(net: Any, source: Any) -> LoadReport:
    """`net.copy_from(source)`; NetError where not one layer was loaded."""
    report: LoadReport = net.copy_from(source, quiet=True)
    if not report.loaded:
        raise NetError(
            f"no layer was loaded from {report.source}: the net has weights in {listed(report.missing)}, the "
            f"file in {listed(report.unused)}; give weights of this net, or name the layers alike"
        )
    return report


def described(report: LoadReport) -> str:
    """One line: what was loaded, and by name what was not."""
    if report.complete:
        return f"weights from {report.source}: all {len(report.loaded)} layers loaded"
    parts = [f"{len(report.loaded)} of {len(report.loaded) + len(report.missing)} layers loaded"]
    if report.missing:
        parts.append(f"not in the file, kept as they are: {listed(report.missing)}")
    if report.unused:
        parts.append(f"not in the net, skipped: {listed(report.unused)}")
    return f"weights from {report.source}: {'; '.join(parts)}"


def listed(names: Sequence[str]) -> str:
    """ "a, b and 3 more" """
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more if names else "none"
