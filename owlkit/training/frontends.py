"""Finding the live display: packages announce one by the entry point `owlkit.frontends`.

Only inside a running Jupyter kernel is anything looked up or loaded, and IPython is never imported from here.
A front end has `display(run)` (show a live monitor now) and may have `mimebundle(run)` (how a Run is drawn
as the value of a cell). Without one, plain text does.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib.metadata import entry_points
from typing import Any

log = logging.getLogger("owlkit")


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and bool(kernel.IPKernelApp.initialized())


@cache
def _load() -> Any:
    for entry in entry_points(group="owlkit.frontends"):
        try:
            found = entry.load()
            return found() if isinstance(found, type) else found
        except Exception as why:
            log.warning("the front end %s could not be loaded, plain text instead: %s", entry.name, why)
    return None


def find() -> Any:
    """The front end to use here, or None for plain text."""
    return _load() if in_notebook() else None


def display(run: Any) -> bool:
    """Show the live monitor of a run where there is one; whether it was shown."""
    frontend = find()
    if frontend is None:
        return False
    try:
        frontend.display(run)
    except Exception:
        log.exception("the front end failed, plain text instead")
        return False
    return True


def mimebundle(run: Any, **options: Any) -> Any:
    """How a run is drawn as the value of a cell."""
    draw = getattr(find(), "mimebundle", None)
    return draw(run, **options) if draw is not None else {"text/plain": repr(run)}
