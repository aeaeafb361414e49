"""The bundle made from widgets/js, and the colours in it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
STYLES = "owlkit.css"  # of all widgets, so that on one page none overrides another's


def asset(name: str) -> Path:
    """Path of a bundled file. Raises ImportError, with the way out, where it has not been built."""
    path = STATIC / name
    if not path.is_file():
        raise ImportError(
            f"owlkit_widgets: {path} is missing; build it with `python widgets/hatch_build.py` "
            "(or `pip install -e .`) in the checkout"
        )
    return path


@lru_cache(maxsize=1)
def light_tokens() -> dict[str, str]:
    """Design tokens of the light theme: "train" -> "#0072b2". The style sheet is their only source."""
    css = asset(STYLES).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, value in re.findall(r"--owl-([\w-]+):\s*([^;}]+)", css):
        if value.startswith("var("):  # a colour of JupyterLab's with the fallback behind the comma
            value = value[4:-1].partition(",")[2]
        if value.strip().startswith("#"):
            found.setdefault(name, value.strip())  # the light theme comes first
    return found
