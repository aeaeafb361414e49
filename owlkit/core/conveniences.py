"""The one place where lower floors reach up, by name and on first use.

`Solver.train`, `Run.monitor`, a NetSpec or a Graph drawn with its shapes and `Net.predict` are methods of
lower floors whose work is done above; so is what modules of Python layers find as `caffe`. They call
`resolve("training.run:Run")`; nothing is imported before.
"""

from __future__ import annotations

import importlib
from typing import Any


def resolve(target: str) -> Any:
    """The object behind `"module:attribute"`, module relative to owlkit: `resolve("net:Net")`.

    Raises ImportError where the module is missing, AttributeError where it lacks the attribute.
    """
    module, _, attribute = target.partition(":")
    found = importlib.import_module(f"owlkit.{module}")
    return getattr(found, attribute) if attribute else found
