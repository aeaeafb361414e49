"""The chart of the still picture: curves, tests, flags, divergence, and the legend beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .outputs import FURTHER
from .picture_head import HEAD, NOTE
from .picture_overlay import draw_behind, list_runs
from .picture_page import LEFT, PLOT_WIDTH, POINTS, RIGHT, WIDTH, Facts, Page, latest
from .picture_past import draw_past
from .picture_png import PLAIN, dashes, plain

TITLES, PLOT, LANE = 28, 238, 29
"""Heights above the plot, of the plot, and from the axis to the flags."""
TOP = HEAD + NOTE + TITLES
BOTTOM = TOP + PLOT + 48
"""Where the chart ends and the panels begin."""

# kind -> (token of the colour, matplotlib marker)
FLAGS = {
    "snapshot": ("ink-2", "s"),
    "pause": ("train", "|"),
    "lr": ("lr", "v"),
    "nan": ("bad", "x"),
    "step": ("train", ">"),
    "stop": ("ink-2", "s"),
    "back": ("ink", "<"),
}
FLAT = 3e-4
"""Of its size: a loss that differs by less is drawn flat, and its ticks have digits that fit."""
RISING = ("lr", "pause", "nan", "back")
"""Flags whose hairline goes through the plot."""
# per test net the markers of its loss and its accuracy, as in js/src/testnets.js
MARKS = (("o", "D"), ("s", "^"), ("^", "s"), ("D", "o"))


def draw_chart(page: Page, facts: Facts) -> None:
    """Loss chart with its second axis and the lane of flags."""
    chart = page.axes(LEFT, TOP, PLOT_WIDTH, PLOT)
    accuracy = plain(chart.twinx())
    chart.set_xlim(0, facts.end)
    _style(page, chart, accuracy)
    _limits(chart, facts)
    draw_behind(page, chart, accuracy, facts.behind)
    for run in (*facts.behind, facts):
        draw_past(page, chart, accuracy, run, facts.end)
    _train(page, chart, facts)
    _tests(page, chart, accuracy, facts)
    _flags(page, chart, facts)
    page.text(LEFT - 8, TOP - 14, "loss", 11, ha="right")
    page.text(LEFT - 8, TOP + PLOT + 12, "iteration", 11, ha="right", color=page.colours["ink-2"])


def _limits(chart: Any, facts: Facts) -> None:
    found = loss_range(facts)
    if found is None:
        return
    low, high = found
    if facts.log:
        return _decades(chart, low / 1.3, high * 1.3)
    missing = max(FLAT * max(abs(low), abs(high)) - (high - low), 0.0) / 2
    low, high = low - missing, high + missing
    ticks = chart.yaxis.get_major_locator().tick_values(low, max(high, low + 1e-9))
    chart.set_ylim(max(ticks[0], 0.0) if low >= 0 else ticks[0], ticks[-1])


def _decades(chart: Any, low: float, high: float) -> None:
    """A logarithmic axis with the ticks of the live one: js/src/ranges.js."""
    chart.set_yscale("log")
    chart.minorticks_off()
    ticks = log_ticks(low, high)
    chart.set_yticks(ticks, [words.log_tick(tick) for tick in ticks])
    chart.set_ylim(low, high)


def log_ticks(low: float, high: float) -> list[float]:
    """As dense as fits: 1, 2, 3, 5 of a decade, 1, 3, or decades."""
    decades = math.log10(high / low)
    use = (1, 2, 3, 5) if decades <= 1.3 else (1, 3) if decades <= 4 else (1,)
    skip = math.ceil(decades / 8) if decades > 9 else 1
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [float(f"{m}e{power}") for power in powers if power % skip == 0 for m in use]
    return [tick for tick in found if low * 0.9999 <= tick <= high * 1.0001]


def loss_range(facts: Facts) -> tuple[float, float] | None:
    """Least and greatest loss that the axis holds, None where nothing is known: the rule of js/src/window.js.

    Robust, but where a curve begins and all that is calm is in sight; a logarithmic axis holds also what
    stands out upwards, which flattens nothing there.
    """
    tested = [value for net in facts.test_nets for _, value in facts.tested("loss", net)]
    curves = [_usable(facts, s) for s in (facts.smoothed, *(run.smoothed for run in facts.behind))]
    values = np.concatenate([_usable(facts, facts.points["mean"]), _usable(facts, tested), *curves[1:]])
    if not values.size:
        return None
    first = max((curve[0] for curve in curves if curve.size), default=0.0)
    body = np.quantile(values, 0.95)
    ceiling = max(body + 3 * abs(body), first)  # above it lies what blew up
    past = [values for part in facts.pasts for _, values in part.curves]
    given_up = _usable(facts, np.concatenate([np.empty(0), *past]))
    tame = values[values <= ceiling] if facts.state == "diverged" else values
    tame = np.append(tame, given_up[given_up <= ceiling])
    must = np.concatenate([*curves, _usable(facts, tested)])
    must = np.append(must[must <= ceiling], tame.max() if facts.log else np.quantile(tame, 0.99))
    return float(min(np.quantile(tame, 0.01), must.min())), float(must.max())


def _usable(facts: Facts, losses: Any) -> NDArray[np.float64]:
    """Those that the axis can show."""
    losses = np.asarray(losses, float)
    return losses[np.isfinite(losses) & ((losses > 0) | (not facts.log))]


def _style(page: Page, chart: Any, accuracy: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for axes in (chart, accuracy):
        for spine in axes.spines.values():
            spine.set_visible(False)
        look = {"labelsize": 11 * POINTS, "labelcolor": page.colours["ink-2"], "labelfontfamily": page.fonts}
        axes.tick_params(which="both", length=0, pad=6, direction="out", **look)
        axes.grid(False, which="both")
    chart.spines["bottom"].set(visible=True, color=page.colours["edge"], linewidth=POINTS)
    below = {"bottom": True, "top": False, "labelbottom": True, "labeltop": False}
    chart.tick_params(axis="x", length=3, width=0.8, color=page.colours["edge"], pad=4, **below)
    chart.tick_params(axis="y", labelleft=True)
    for axis in (chart.xaxis, chart.yaxis):
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10]))
    chart.xaxis.set_major_formatter(FuncFormatter(lambda x, _: words.tick(x)))
    chart.yaxis.set_major_formatter(FuncFormatter(lambda y, _: words.loss_tick(y, chart.get_yticks())))
    chart.grid(color="#00000011", linewidth=POINTS, linestyle="-")
    chart.set_axisbelow(True)
    accuracy.set_yticks([])
    accuracy.tick_params(axis="y", labelright=True)
    accuracy.margins(y=0.05)


def _train(page: Page, chart: Any, facts: Facts) -> None:
    iters, blue = facts.points["iter"].astype(float), page.colours["train"]
    chart.fill_between(iters, facts.points["lo"], facts.points["hi"], color=blue, alpha=0.3, lw=0)
    chart.plot(iters, facts.points["mean"], color=blue, alpha=0.3, lw=POINTS)
    chart.plot(iters, facts.smoothed, color=page.colours["halo"], alpha=0.7, lw=2.9)
    chart.plot(iters, facts.smoothed, color=blue, lw=1.45, zorder=3)


def _tests(page: Page, chart: Any, accuracy: Any, facts: Facts) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    colours = page.colours
    rings = {"mfc": colours["halo"], "mec": colours["test"], "mew": 1.1, "ms": 4.6, "lw": 1.1}
    rings["dashes"] = dashes(1.1, 4, 2.4)
    solid = {"ms": 4, "mfc": colours["acc"], "mec": "white", "mew": 0.8, "lw": 1.26}
    drawn = any(run.tested("accuracy") for run in facts.behind)
    for net in facts.test_nets:
        ring, diamond = _marks(net)
        if losses := facts.tested("loss", net):
            _whole_marks(chart, *zip(*losses, strict=True), color=colours["test"], marker=ring, **rings)
        if rows := facts.tested("accuracy", net):
            iters, shares = zip(*rows, strict=True)
            percent = 100 * np.array(shares)
            _whole_marks(accuracy, iters, percent, color=colours["acc"], marker=diamond, **solid)
            drawn = True
    if drawn:
        accuracy.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        accuracy.yaxis.set_major_formatter(
            FuncFormatter(lambda y, _: words.loss_tick(y, accuracy.get_yticks()))
        )
        accuracy.set_ylim(top=min(accuracy.get_ylim()[1], 100.5))
        page.text(WIDTH - RIGHT + 22, TOP - 14, "accuracy %", 11, ha="right", color=colours["acc"])


def _whole_marks(axes: Any, x: Any, y: Any, **style: Any) -> None:
    """A curve whose marks are not cut in half where they lie on an edge of the plot."""
    from matplotlib.transforms import Bbox, TransformedBbox

    (line,) = axes.plot(x, y, **style)
    line.set_clip_box(TransformedBbox(Bbox([[-0.01, -0.03], [1.01, 1.03]]), axes.transAxes))


def _marks(net: int) -> tuple[str, str]:
    """Markers of loss and accuracy of a test net; its further accuracies have others."""
    return MARKS[(net // FURTHER + net) % len(MARKS)]


def _flags(page: Page, chart: Any, facts: Facts) -> None:
    y = TOP + PLOT + LANE
    for flag in facts.flags:
        kind = flag["kind"]
        if kind not in FLAGS:
            continue
        token, mark = FLAGS[kind]
        colour = page.colours[token]
        x = LEFT + flag["iter"] / facts.end * PLOT_WIDTH
        if kind in RISING:
            thin = {"lw": POINTS, "dashes": dashes(POINTS, 2, 3), "marker": ""}
            chart.axvline(flag["iter"], color=colour, alpha=0.8, **thin)
        fill = "none" if kind == "snapshot" else colour
        page.canvas.plot(x, y, mark, ms=5, mfc=fill, mec=colour, mew=1.1)
        if kind in ("lr", "back") and flag.get("value") is not None:
            word = "back, lr" if kind == "back" else "lr"
            page.text(x + 9, y, f"{word} {words.rate(flag['value'])}", 11, color=colour)
        if kind == "nan":
            page.text(x - 9, y, flag["text"], 11, color=colour, weight="bold", ha="right")
    if any(flag["kind"] == "nan" for flag in facts.flags):
        _divergence(page, chart, facts)


def _divergence(page: Page, chart: Any, facts: Facts) -> None:
    """Hatch over what is missing, ✕ at the last finite loss."""
    at = next(flag["iter"] for flag in facts.flags if flag["kind"] == "nan")
    bad = page.colours["bad"]
    chart.axvspan(at, facts.end, fc="none", ec=bad, hatch="////", alpha=0.5, lw=0)
    finite = facts.points["mean"][np.isfinite(facts.points["mean"])]
    if not finite.size:
        return
    low, high = chart.get_ylim()
    y = float(np.clip(finite[-1], low, high))
    chart.plot(at, y, "o", ms=10, mfc="white", mec=bad, mew=1.45, clip_on=False, zorder=5)
    chart.plot(at, y, "x", ms=4.5, mec=bad, mew=1.45, clip_on=False, zorder=6)
    shows = len(finite) < len(facts.points["mean"])  # NaN in weights alone does not show in the loss
    label = f"last {'finite ' if shows else ''}loss {words.significant(float(finite[-1]))}"
    chart.annotate(
        label, (at, y), (-9, 0), textcoords="offset points", ha="right", va="center", color=bad,
        fontsize=12 * POINTS, family=page.fonts, **PLAIN | {"weight": "bold"},
    )  # fmt: skip


def draw_legend(page: Page, facts: Facts) -> None:
    """The latest values, with the look of each curve."""
    second = _second_values(facts)  # with one run more there is room for its values
    x, y = WIDTH - RIGHT + (48 if second else 62), TOP + 8.0
    page.text(x, y, "latest", 11, weight="bold")
    grey = {"ha": "right", "color": page.colours["ink-2"]}
    right = WIDTH - 14 - (52 if second else 0)
    if second:
        page.text(right, y, "A", 11, ha="right", weight="bold")
        page.text(WIDTH - 14, y, "B", 11, **grey)
    for label, value, style in _legend_rows(page, facts, narrow=bool(second)):
        y += 22
        if style is not None:
            page.canvas.plot([x, x + 10, x + 20], [y, y, y], markevery=[1], **style)
        page.text(x + 26, y, label, 12)
        colour = page.colours["bad" if value == "NaN" else "ink"]
        page.text(right, y, value, 12, ha="right", color=colour)
        if label in second:
            page.text(WIDTH - 14, y, second[label], 12, **grey)
    if facts.behind:
        page.canvas.plot([x, WIDTH - 14], [y + 16, y + 16], color=page.colours["bg-sunk"], lw=POINTS)
        list_runs(page, [facts.name, *(run.name for run in facts.behind)], x, y + 34)


def _second_values(facts: Facts) -> dict[str, str]:
    """Latest values of the run behind by label, where there is one and each has one test net."""
    if len(facts.behind) != 1 or len(facts.test_nets) > 1:
        return {}
    run = facts.behind[0]
    return {
        "train loss": words.compact(latest(run.smoothed)),
        "raw": words.compact(latest(run.raw)),
        "test loss": words.compact(latest([value for _, value in run.tested("loss")])),
        "accuracy %": words.percent(latest([value for _, value in run.tested("accuracy")])),
        "learning rate": words.rate_field(latest(run.lr)),
    }


def _legend_rows(page: Page, facts: Facts, narrow: bool) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Label, value, style of each row; a learning rate is a value, never a curve. narrow : beside others."""
    loss_words = words.compact if narrow else words.significant
    rate_words = words.rate_field if narrow else words.rate
    blue = page.colours["train"]
    raw = {"color": blue, "lw": 0.7, "alpha": 0.5}
    rows: list[tuple[str, str, dict[str, Any] | None]] = [
        ("train loss", loss_words(latest(facts.smoothed)), {"color": blue, "lw": 1.45}),
        ("raw", loss_words(latest(facts.points["mean"])), raw),
    ]
    if any(part.branches for part in facts.pasts):
        rows.append(("given up", loss_words(facts.past.latest), {"color": blue, "lw": 1.26, "alpha": 0.42}))
    losses, accuracies = [], []
    for net in facts.test_nets:
        ring, diamond = _marks(net)
        test, acc = page.colours["test"], page.colours["acc"]
        dashed = {"color": test, "lw": 1.1, "dashes": dashes(1.1, 3.7, 1.6)}
        rings = dashed | {"marker": ring, "mfc": "white", "mec": test, "mew": 1}
        loss = latest([value for _, value in facts.tested("loss", net)])
        if net < FURTHER:
            losses.append((facts.test_label(net, "loss"), loss_words(loss), rings | {"ms": 4.6}))
        solid = {"color": acc, "lw": 1.26, "marker": diamond, "ms": 4, "mfc": acc, "mec": acc, "mew": 1}
        share = latest([value for _, value in facts.tested("accuracy", net)])
        accuracies.append((facts.test_label(net, "accuracy"), words.percent(share), solid))
    return [*rows, *losses, *accuracies, ("learning rate", rate_words(facts.figures["lr"]), None)]
