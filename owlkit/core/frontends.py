"""Finding the live display: packages announce one by the entry point `owlkit.frontends`.

Only inside a running Jupyter kernel is anything looked up or loaded, and IPython is never imported from here.
What can be shown live names its kind in `frontend_kind` ("run", "gradients", ...). A front end has
`display(shown, **options)`, which shows it as output of the present cell and tells whether it did, and
`mimebundle(shown)`, how it is drawn as the value of a cell, None for a kind that is not known; one that knows
`view(shown)`, None for such a kind, is left the work of things that fill while they are seen. Options are
those of the kind (what a run is compared with). Without a front end, plain text and figures do.
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


def remark(text: str) -> None:
    """Say something that is worth reading and no mistake: a warning of the log, but in a notebook, where that
    stands in red, plain output."""
    if in_notebook():
        log.info("%s", text)
        sys.stdout.write(f"{text}\n")
    else:
        log.warning("%s", text)


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


def display(shown: Any, **options: Any) -> bool:
    """Show something live where there is a front end that can; whether it was shown."""
    return _ask("display", shown, **options) is True


def mimebundle(shown: Any) -> Any:
    """How something is drawn as the value of a cell; None where no front end draws it."""
    return _ask("mimebundle", shown)


def shows(shown: Any) -> bool:
    """Whether a front end is here that shows this kind of thing live."""
    frontend = find()
    return frontend is not None and getattr(frontend, "view", lambda shown: None)(shown) is not None


def _ask(what: str, shown: Any, **options: Any) -> Any:
    frontend = find()
    if frontend is None:
        return None
    try:
        return getattr(frontend, what)(shown, **options)
    except Exception as error:
        log.warning("the front end failed (%s: %s), plain text instead", type(error).__name__, error)
        log.debug("the front end failed", exc_info=error)
        return None
