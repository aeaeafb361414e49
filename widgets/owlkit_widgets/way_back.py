"""What a page offers where a run diverged: the way back, or what helps without one."""

from __future__ import annotations

from typing import Any


def way_back_of(run: Any) -> dict[str, Any]:
    """{back: iteration of the newest good snapshot}, {hint: words}, or {} of a run that knows no way back."""
    if not hasattr(run, "back"):
        return {}
    way = run.way_back
    if way is not None:
        return {"back": way.iter}
    return {"hint": f"There is no good snapshot to go back to: {run.way_back_advice}."}
