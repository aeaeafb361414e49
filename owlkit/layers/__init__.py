"""Layers: one file per family, one class per type. Importing this package registers all of them."""

from importlib import import_module as _import_module
from pathlib import Path as _Path

from owlkit.layers.base import LAYERS, Arity, Layer, create, register

for _file in sorted(_Path(__file__).parent.glob("*.py")):
    if _file.stem not in ("__init__", "base"):
        _import_module(f"{__name__}.{_file.stem}")

__all__ = ["LAYERS", "Arity", "Layer", "create", "register"]
