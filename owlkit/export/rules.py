"""Which layers can be written as ONNX, and by which function."""

from __future__ import annotations

from collections.abc import Callable

from owlkit.export.writer import Writer

Rule = Callable[[Writer], None]
RULES: dict[str, Rule] = {}


class NotInOnnx(Exception):
    """A layer of a known type with a setting that ONNX cannot express; the message says which."""


def rule(*types: str) -> Callable[[Rule], Rule]:
    """Function decorator: it writes layers of these types. It may raise NotInOnnx."""

    def add(function: Rule) -> Rule:
        for name in types:
            RULES[name] = function
        return function

    return add
