"""How numbers are written in the still picture; the live monitor's rules are in js/src/format.js."""

from __future__ import annotations

import math
from typing import Any

UNKNOWN = "\u2013"
"""En dash, never 0."""


def loss(value: float | None) -> str:
    """Four significant digits."""
    if value is None:
        return UNKNOWN
    return "NaN" if not math.isfinite(value) else f"{value:#.4g}"


def divergence(event: Any, what: str, last: float | None) -> tuple[str, str]:
    """(title, detail) of a Diverged event. what : "NaN" or "Inf". last : the last finite loss, if any."""
    found = f"{event.found}." if event.found not in ("", what) else ""
    if math.isfinite(event.loss):  # weights are looked at now and then, and the loss may not show them
        place = f"in the weights of {event.layer}, in {event.blob}"
        title = f"{what} {place}, seen at iteration {integer(event.iter)}"
        return title, f"{found} The loss, {event.loss:.4g}, does not show it.".strip()
    where = f" in {event.layer}" if event.layer else ""
    where += f", in {event.blob}," if event.blob != event.layer and event.blob and event.layer else ""
    title = f"{what} first appeared{where} at iteration {integer(event.iter)}"
    return title, f"{found} The last finite loss was {last:.4g}.".strip() if last is not None else found


def percent(share: float | None) -> str:
    """A share in per cent, one decimal, without the sign."""
    return UNKNOWN if share is None else f"{100 * share:.1f}"


def log_ratio(value: float) -> str:
    """log10 of a ratio, two decimals; NaN where there is none."""
    if value == -math.inf:  # no update at all
        return "\u2212∞"
    return f"{value:.2f}".replace("-", "\u2212") if math.isfinite(value) else UNKNOWN


def norm(value: float, digits: int) -> str:
    """A norm; below 0.001 and from 10 000 on as 9.1 × 10⁻⁴; the rule of js/src/layers-text.js."""
    if not math.isfinite(value):
        return "NaN"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        whole = abs(value) >= 10**digits
        shown = integer(float(f"{value:.{digits}g}")) if whole else f"{value:#.{digits}g}".rstrip(".")
        return shown if value else "0"
    mantissa, _, power = f"{value:.1e}".partition("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}\u202f×\u202f10{raised}"


def signed(value: float, digits: int) -> str:
    """The same of a number that may be negative."""
    return f"\u2212{norm(-value, digits)}" if value < 0 else norm(value, digits)


def rate(value: float | None) -> str:
    """A learning rate as one would type it."""
    return UNKNOWN if value is None else f"{value:.3g}"


def integer(value: float | None) -> str:
    """Thousands set apart by a narrow no-break space."""
    return UNKNOWN if value is None else f"{round(value):,}".replace(",", "\u202f")


def tick(value: float) -> str:
    """500, 5k, 1.2M."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if abs(value) >= 1e3 else f"{value:g}"


def duration(seconds: float) -> str:
    """Two units: "2 h 41 min"."""
    whole = max(0, round(seconds))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for (unit, size), below in zip(units, (*units[1:], None), strict=True):
        if whole >= size or below is None:
            rest = (whole % size) // below[1] if below else 0
            more = f" {rest}\u202f{below[0]}" if rest and below else ""
            return f"{whole // size}\u202f{unit}{more}"
    raise AssertionError("the last unit always fits")


FIXED = "fixed (lr_mult 0)"
WHOLE = {
    "hot": ("▲ the whole net is hot", "▲ {} hot", "▲ all {} hot"),
    "frozen": ("▼ the whole net hardly moves", "▼ {} frozen", "▼ all {} frozen"),
    "settled": ("updates are small throughout", "small updates", "small updates"),
}
"""What is said of all layers that learn: of a whole net, of the one that does, of those that do where others
are fixed. As in js/src/layers-text.js."""


def whole(kind: str, learning: list[str], count: int) -> str:
    """What holds of all layers that learn; `learning`: their names. count : of all layers with weights."""
    everybody, one, several = WHOLE[kind]
    if len(learning) == count:
        return everybody
    return one.format(learning[0]) if len(learning) == 1 else several.format(len(learning))


def count_layers(learning: int, count: int) -> str:
    """How many layers there are, or how many of them learn where that is not all."""
    if learning == count:
        return f"{count} with weights"
    return f"{learning or 'none'} of {count} learn{'s' if learning == 1 else ''}"


def clip(text: str, most: int) -> str:
    """At most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
