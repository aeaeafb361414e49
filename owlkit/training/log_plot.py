"""A picture of logs of trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import DataError
from owlkit.training.log_files import ITERS, LEADING, RATE, SECONDS, SMOOTHED, Log

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by colour-blind readers too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
SIZE_INCHES = (8.0, 2.6)  # of one panel
X_AXES = {"iterations": ITERS, "seconds": SECONDS}


def plot_logs(logs: Mapping[str, Log], *, x: str = "iterations") -> Figure:
    """Losses in one panel, every other output in one of its own, the learning rate at the bottom.

    logs : label -> log; one colour each. Lines are displays, dots with lines tests.
    x : "iterations" or "seconds". Raises DataError for "seconds" of a log without times.
    """
    from matplotlib.figure import Figure

    tables = {label: log.tables() for label, log in logs.items()}
    if x == "seconds":
        _check_times(tables)
    panels = panels_of(tables)
    figure = Figure(figsize=(SIZE_INCHES[0], SIZE_INCHES[1] * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, names) in zip(axes, panels.items(), strict=True):
        _draw(axis, tables, names, X_AXES[x])
        axis.set_ylabel(title)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
        if axis.get_legend_handles_labels()[1]:
            axis.legend(frameon=False, fontsize="small")
    axes[-1].set_xlabel(x)
    return figure


def panels_of(tables: Mapping[str, Mapping[str, list[dict[str, float]]]]) -> dict[str, list[str]]:
    """Title of a panel -> the columns in it."""
    rows = [row for table in tables.values() for part in table.values() for row in part]
    names = list(dict.fromkeys(name for row in rows for name in row if name not in LEADING))
    losses = [name for name in names if name == SMOOTHED or "loss" in name.lower()]
    panels = {"loss": losses} if losses else {}
    panels.update({name: [name] for name in names if name not in losses})
    if any(not math.isnan(row[RATE]) for row in rows):
        panels["learning rate"] = [RATE]
    return panels


def _draw(axis: Any, tables: Mapping[str, Any], names: list[str], x: str) -> None:
    values: list[float] = []
    several = len(tables) > 1
    for index, (label, parts) in enumerate(tables.items()):
        colour = COLOURS[index % len(COLOURS)]
        for part, rows in parts.items():
            if names == [RATE] and part != "train" and parts["train"]:
                continue  # the displays have it already
            for order, name in enumerate(_shown(names, rows)):
                points = [(row[x], row[name]) for row in rows if name in row]
                values += [value for _, value in points]
                said = "" if names == [RATE] else part if len(names) == 1 else f"{part} {_said(name)}"
                style = {"marker": "o", "markersize": 4} if part != "train" else {"linewidth": 1.2}
                # With one log colours tell train from test, with several they tell the logs.
                shade = colour if several else COLOURS[(order + (0 if part == "train" else 1)) % len(COLOURS)]
                text = f"{label} {said}".strip() if several else said
                axis.plot(*zip(*points, strict=True), color=shade, label=text or None, **style)
    finite = [value for value in values if math.isfinite(value)]
    if finite and names != [RATE] and min(finite) > 0 and max(finite) > 100 * min(finite):
        axis.set_yscale("log")


def _shown(names: list[str], rows: list[dict[str, float]]) -> list[str]:
    """The columns of a panel that a table has; the loss of single batches is left out where the smoothed is
    there: it would hide it."""
    there = [name for name in names if any(name in row for row in rows)]
    smoothed = any(not math.isnan(row.get(SMOOTHED, math.nan)) for row in rows)
    if not smoothed:
        return [name for name in there if name != SMOOTHED]
    return [name for name in there if name != "loss"]


def _said(name: str) -> str:
    return "loss" if name == SMOOTHED else name


def _check_times(tables: Mapping[str, Mapping[str, list[dict[str, float]]]]) -> None:
    for label, parts in tables.items():
        if all(math.isnan(row[SECONDS]) for rows in parts.values() for row in rows):
            raise DataError(f"{label}: its lines carry no time, so it cannot be drawn over seconds")
