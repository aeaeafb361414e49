"""What a page offers where a run diverged: the way back, or how to have one next time."""

from __future__ import annotations

from typing import Any

HINT = (
    "There is no good snapshot to go back to: S or run.snapshot() writes one, and snapshot: 1000 in the "
    "solver one every 1000 iterations."
)


def way_back_of(run: Any) -> dict[str, Any]:
    """{back: iteration of the newest good snapshot}, {hint: words}, or {} of a run that knows no way back."""
    if not hasattr(run, "back"):
        return {}
    way = run.way_back
    return {"hint": HINT} if way is None else {"back": way.iter}
