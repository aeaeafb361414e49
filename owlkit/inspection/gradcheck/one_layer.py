"""The whole check of one layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from owlkit.inspection.gradcheck import known, sampling
from owlkit.inspection.gradcheck.compare import Comparison, check_ties
from owlkit.inspection.gradcheck.contract import check_contract
from owlkit.inspection.gradcheck.probe import Probe, Slot
from owlkit.inspection.gradcheck.result import BlobCheck
from owlkit.inspection.progress import Progress


@dataclass(frozen=True)
class Settings:
    """See `owlkit.check_gradients`."""

    elements: int | str = "auto"
    directions: int | None = None
    tolerance: float = 1e-5
    step: float = 1e-5
    seed: int = 0


def check_layer(probe: Probe, settings: Settings, progress: Progress, rows: list[BlobCheck]) -> None:
    """Append one row per bottom and learned blob to `rows`; after a Ctrl-C they hold what is known."""
    rng = np.random.default_rng(settings.seed)
    gradients = probe.gradients()
    mine = [_row(probe, slot, gradients[slot], settings, rng) for slot in probe.slots]
    numbers = [sample.directions for _, sample in mine]
    checks = [check for check, _ in mine]
    rows += checks
    check_contract(probe, checks, gradients)
    probe.settle()
    for check, number in zip(checks, numbers, strict=True):

        def tick(check: BlobCheck = check) -> None:
            progress.tick(f", {check.slot}: {check.done} of {check.elements.size} elements")

        comparison = Comparison(probe, check, settings.step, tick)
        comparison.elements()
        comparison.directions(number, gradients[check.slot], rng)
    check_ties(probe, checks, gradients, settings.step)


def _row(
    probe: Probe, slot: Slot, gradient: np.ndarray, settings: Settings, rng: np.random.Generator
) -> tuple[BlobCheck, sampling.Sample]:
    values = probe.values(slot)
    sample = sampling.choose(gradient, settings.elements, settings.directions, rng)
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


def failed_row(name: str, type_: str, error: Exception, settings: Settings) -> BlobCheck:
    """The row of a layer that raised an error."""
    empty = np.zeros(0)
    row = BlobCheck(name, type_, Slot(False, 0), (0,), settings.tolerance, empty.astype(int), empty, empty)
    row.faults.append(f"raised {type(error).__name__}: {error}")
    return row


def has_gradient(layer_type: type, wanted: Sequence[bool], learned: Sequence[bool]) -> bool:
    """Whether there is anything to check: a backward of its own, and something that wants a gradient."""
    base = next(cls for cls in reversed(layer_type.__mro__) if "backward" in vars(cls))
    own = layer_type.backward is not base.backward  # type: ignore[attr-defined]
    return own and (any(wanted) or any(learned))
