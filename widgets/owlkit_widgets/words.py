"""How numbers are written in the still picture; the live monitor's rules are in js/src/format.js."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

UNKNOWN = "\u2013"
"""En dash, never 0."""
MINUS = "\u2212"


def _rounded(value: float, digits: int) -> float:
    """To so many significant digits; what lies in the middle goes up, as in JavaScript.

    Python's own goes to the even digit: the loss 2.0625 would be 2.062 here, and 2.063 in the browser.
    """
    return float(Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(float(value)))


def _fixed(value: float, decimals: int) -> str:
    """With so many decimals, rounded in the same way."""
    step = Decimal(1).scaleb(-decimals)
    exact = Decimal(float(value) + 0.0)  # there is no -0
    return f"{exact.quantize(step, ROUND_HALF_UP, Context(prec=400)):f}"


def significant(value: float | None, digits: int = 4) -> str:
    """So many digits; below 0.001 and from 100 000 on as 9.10 × 10⁻⁴: a loss, and what is like it."""
    if value is None:
        return UNKNOWN
    if math.isnan(value):
        return "NaN"
    if value < 0:
        return f"{MINUS}{significant(-value, digits)}"
    if math.isinf(value) or value == 0:
        return "Inf" if value else "0"
    rounded = _rounded(value, digits)
    if _is_far(rounded):
        return scientific(value, min(digits - 1, 2))
    if rounded >= 10 ** (digits - 1):
        return integer(rounded)
    return f"{rounded:#.{digits}g}"


def compact(value: float | None, digits: int = 4) -> str:
    """The same for narrow columns: 4.6e-5."""
    if value is None or not math.isfinite(value) or not _is_far(_rounded(value, digits)):
        return significant(value, digits)
    mantissa, _, power = f"{_rounded(value, 2):.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(power)}"


def _is_far(value: float) -> bool:
    """Whether a number is so small or large that it has an exponent."""
    return value != 0 and not 1e-3 <= abs(value) < 1e5


def scientific(value: float, decimals: int) -> str:
    """9.1e-4 as 9.1 × 10⁻⁴."""
    mantissa, _, power = f"{_rounded(value, decimals + 1):.{decimals}e}".partition("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa.replace('-', MINUS)}\u202f×\u202f10{raised}"


def divergence(event: Any, what: str, last: float | None) -> tuple[str, str]:
    """(title, detail) of a Diverged event. what : "NaN" or "Inf". last : the last finite loss, if any."""
    found = f"{event.found}." if event.found not in ("", what) else ""
    if math.isfinite(event.loss):  # weights are looked at now and then, and the loss may not show them
        place = f"in the weights of {event.layer}, in {event.blob}"
        title = f"{what} {place}, seen at iteration {integer(event.iter)}"
        return title, f"{found} The loss, {significant(event.loss)}, does not show it.".strip()
    where = f" in {event.layer}" if event.layer else ""
    where += f", in {event.blob}," if event.blob != event.layer and event.blob and event.layer else ""
    title = f"{what} first appeared{where} at iteration {integer(event.iter)}"
    return (
        title,
        f"{found} The last finite loss was {significant(last)}.".strip() if last is not None else found,
    )


def percent(share: float | None) -> str:
    """A share in per cent, one decimal, without the sign."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    return _fixed(100 * share, 1).replace("-", MINUS)


def log_ratio(value: float) -> str:
    """log10 of a ratio, two decimals; NaN where there is none."""
    if value == -math.inf:  # no update at all
        return f"{MINUS}∞"
    return _fixed(value, 2).replace("-", MINUS) if math.isfinite(value) else UNKNOWN


def norm(value: float, digits: int) -> str:
    """A norm; below 0.001 and from 10 000 on as 9.1 × 10⁻⁴; the rule of js/src/layers-text.js."""
    if not math.isfinite(value):
        return "NaN"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return significant(value, digits)
    return scientific(value, 1)


def signed(value: float, digits: int) -> str:
    """The same of a number that may be negative."""
    return f"{MINUS}{norm(-value, digits)}" if value < 0 else norm(value, digits)


def rate(value: float | None) -> str:
    """A learning rate in at most three digits; below 0.0001, and from 100 000 on, as 2.5 × 10⁻⁵."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    rounded = _rounded(value, 3)
    if rounded == 0 or 1e-4 <= abs(rounded) < 1e5:
        return f"{rounded:.10g}".replace("-", MINUS)
    mantissa, _, power = scientific(rounded, 2).partition("\u202f")
    return f"{mantissa.rstrip('0').rstrip('.')}\u202f{power}"


def rate_field(value: float | None) -> str:
    """The same for narrow columns: 0.0001, and 1.25e-5 where that would be longer."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    rounded = _rounded(value, 3)
    plain = f"{Decimal(repr(rounded)):f}".removesuffix(".0")
    mantissa, _, power = f"{rounded:.2e}".partition("e")
    short = f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"
    return short if len(plain) > 6 and len(short) < len(plain) else plain


def speed(images_per_second: float | None) -> str:
    """0.43 of a net that needs longer for an image."""
    slow = images_per_second is not None and images_per_second < 9.95
    return significant(images_per_second, 2) if slow else integer(images_per_second)


def integer(value: float | None) -> str:
    """Thousands set apart by a narrow no-break space."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{int(_fixed(value, 0)):,}".replace(",", "\u202f").replace("-", MINUS)


def tick(value: float) -> str:
    """500, 5k, 1.2M."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if abs(value) >= 1e3 else f"{value:g}"


def loss_tick(value: float, ticks: Sequence[float]) -> str:
    """One of the ticks of a linear axis, which are written alike."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if abs(value) < step / 2:
        return "0"
    if _is_far(float(f"{max(abs(ticks[0]), abs(ticks[-1])):.3g}")):
        return scientific(value, max(1, math.floor(math.log10(abs(value)) + 1e-9) + _decimals(step)))
    decimals = max(0, _decimals(step))
    return (f"{value:.{decimals}f}" if decimals else integer(value)).replace("-", MINUS)


def log_tick(value: float) -> str:
    """A tick of a logarithmic axis."""
    return scientific(value, 1) if _is_far(value) else rate_field(value)


def _decimals(step: float) -> int:
    """Decimals of a step between ticks, 1, 2, 2.5 or 5 × 10ⁿ; negative where it is 10 and more."""
    decimals = -math.floor(math.log10(step) + 1e-9)
    whole = step * 10.0**decimals
    return decimals if abs(whole - round(whole)) < 1e-6 else decimals + 1


def duration(seconds: float) -> str:
    """Two units: "2 h 41 min"."""
    whole = max(0, int(_fixed(seconds, 0)))
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
