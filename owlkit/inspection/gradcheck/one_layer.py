"""The whole check of one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.inspection.gradcheck import known, sampling
from owlkit.inspection.gradcheck.compare import Comparison, check_ties
from owlkit.inspection.gradcheck.contract import check_contract
from owlkit.inspection.gradcheck.course import Course
from owlkit.inspection.gradcheck.probe import Probe, Slot
from owlkit.inspection.gradcheck.result import BlobCheck
from owlkit.inspection.gradcheck.settings import NotThere, Settings

if TYPE_CHECKING:
    from owlkit.layers.base import Layer


def check_layer(probe: Probe, settings: Settings, course: Course, rows: list[BlobCheck]) -> None:
    """Append one row per bottom and learned blob to `rows`; after a Ctrl-C they hold what is known.

    Raises NotThere where the settings ask for a blob or an element that the layer does not have.
    """
    rng = np.random.default_rng(settings.seed)
    gradients = probe.gradients()
    slots = _asked_for(probe, settings.blob)
    mine = [_row(probe, slot, gradients[slot], settings, rng) for slot in slots]
    numbers = [sample.directions for _, sample in mine]
    checks = [check for check, _ in mine]
    rows += checks
    check_contract(probe, checks, gradients)
    probe.settle()
    for check, number in zip(checks, numbers, strict=True):

        def told(check: BlobCheck = check) -> str:
            shorter = course.shorter(course.left(rows))
            hint = f" ({shorter} takes less)" if shorter else ""
            return f", {check.slot}: {check.done} of {check.elements.size} elements{hint}"

        def tick(check: BlobCheck = check, told: Callable[[], str] = told) -> None:
            course.tick(check, told)

        comparison = Comparison(probe, check, settings.step, tick)
        comparison.elements()
        comparison.directions(number, gradients[check.slot], rng)
        if course.wants_curve(check, settings.at is not None):
            at = settings.at
            comparison.curve(None if at is None else _position(probe, check.slot, check.shape, at))
    check_ties(probe, checks, gradients, settings.step)
    for check in checks:
        check.settled = True
    course.passed(checks, probe.forward_passes)


def _asked_for(probe: Probe, blob: str) -> list[Slot]:
    found = [slot for slot in probe.slots if blob in ("", slot.label)]
    if not found:
        known = ", ".join(slot.label for slot in probe.slots)
        raise NotThere(f"{probe.layer.name}: there is no blob {blob!r} with a gradient; there are {known}")
    return found


def _row(
    probe: Probe, slot: Slot, gradient: np.ndarray, settings: Settings, rng: np.random.Generator
) -> tuple[BlobCheck, sampling.Sample]:
    values = probe.values(slot)
    if settings.at is None:
        sample = sampling.choose(gradient, settings.elements, settings.directions, rng)
    else:
        sample = sampling.only(gradient, _position(probe, slot, values.shape, settings.at))
    row = BlobCheck(
        layer=probe.layer.name,
        type=probe.layer.type,
        slot=slot,
        shape=tuple(values.shape),
        tolerance=settings.tolerance,
        elements=sample.elements,
        analytic=gradient[sample.elements],
        values=values.copy(),
        known=known.reason(probe.layer, -1 if slot.learned else slot.index, len(probe.bottom)),
        nonzero=np.count_nonzero(gradient) / max(gradient.size, 1),
    )
    return row, sample


def _position(probe: Probe, slot: Slot, shape: tuple[int, ...], at: tuple[int, ...]) -> int:
    if len(at) != len(shape) or not all(0 <= i < size for i, size in zip(at, shape, strict=True)):
        raise NotThere(f"{probe.layer.name}: {slot.label} has the shape {shape}, so there is no element {at}")
    return int(np.ravel_multi_index(at, shape)) if shape else 0


def failed_row(name: str, type_: str, error: Exception, settings: Settings) -> BlobCheck:
    """The row of a layer that raised an error."""
    empty = np.zeros(0)
    row = BlobCheck(
        name, type_, Slot(False, 0, "–"), (0,), settings.tolerance, empty.astype(int), empty, empty
    )
    row.settled = True
    row.faults.append(f"raised {type(error).__name__}: {error}")
    return row


def wanted_bottoms(layer: Layer, sizes: Sequence[int]) -> list[bool]:
    """Per bottom, of so many elements, whether it is to get a gradient."""
    given = list(layer.param.propagate_down)
    return [
        i not in layer.no_gradient and (not given or given[i]) and size > 0 for i, size in enumerate(sizes)
    ]


def has_gradient(layer_type: type, wanted: Sequence[bool], learned: Sequence[bool]) -> bool:
    """Whether there is anything to check: a backward of its own, and something that wants a gradient."""
    base = next(cls for cls in reversed(layer_type.__mro__) if "backward" in vars(cls))
    own = layer_type.backward is not base.backward  # type: ignore[attr-defined]
    return own and (any(wanted) or any(learned))
