"""What a layer owes besides right numbers: it writes, adds, keeps nothing stale, obeys propagate_down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.inspection.gradcheck.probe import Probe, Slot
from owlkit.inspection.gradcheck.result import BlobCheck

CLOSE = 1e-9  # relative: the same sums, perhaps in another order


def check_contract(probe: Probe, checks: Sequence[BlobCheck], once: dict[Slot, np.ndarray]) -> None:
    """Append to the faults of each check; `once` are the gradients of a single pass."""
    rows = {check.slot: check for check in checks}
    for slot, row in rows.items():
        missing = int(np.isnan(once[slot]).sum())
        if missing:
            row.faults.append(
                f"{missing} of {once[slot].size} gradients are not written (or added to what was there)"
            )
    _check_accumulation(probe, rows, once)
    _check_stale(probe, rows, once)
    for slot in rows:
        if not slot.learned:
            _check_propagate_down(probe, rows, once, slot)


def _differ(found: np.ndarray, expected: np.ndarray) -> bool:
    scale = float(np.abs(np.nan_to_num(expected)).max(initial=0)) or 1.0
    return not np.allclose(found, expected, CLOSE, CLOSE * scale, equal_nan=True)


def _check_accumulation(probe: Probe, rows: dict[Slot, BlobCheck], once: dict[Slot, np.ndarray]) -> None:
    learned = [slot for slot in rows if slot.learned]
    if not learned:
        return
    probe.gradients()
    probe.forward()
    probe.backward()
    twice = probe.diffs()
    for slot in learned:
        if _differ(twice[slot], 2 * once[slot]) and not np.isnan(once[slot]).any():
            rows[slot].faults.append("a second backward pass does not add to the gradient of the first")


def _check_stale(probe: Probe, rows: dict[Slot, BlobCheck], once: dict[Slot, np.ndarray]) -> None:
    """A pass at other values in between must leave no trace."""
    probe.run_elsewhere()
    with np.errstate(all="ignore"):
        probe.backward()
    again = probe.gradients()
    for slot, row in rows.items():
        if _differ(again[slot], once[slot]):
            row.faults.append("the gradient depends on what an earlier pass left behind (a stale buffer)")


def _check_propagate_down(
    probe: Probe, rows: dict[Slot, BlobCheck], once: dict[Slot, np.ndarray], slot: Slot
) -> None:
    blob = probe.bottom[slot.index]
    if any(blob is top or blob.shares_diff(top) for top in probe.top):
        return
    wanted = [want and index != slot.index for index, want in enumerate(probe.wanted)]
    if not any(wanted) and not any(other.learned for other in rows):
        return  # then a net does not call backward at all
    probe.forward()
    probe.clear()
    probe.backward(wanted)
    found = probe.diffs()
    if not np.isnan(found[slot]).all():
        rows[slot].unasked = True
    for other, row in rows.items():
        if other != slot and _differ(found[other], once[other]):
            row.faults.append(f"its gradient changes when propagate_down is false for {slot}")
