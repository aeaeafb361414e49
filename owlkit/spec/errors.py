"""What is wrong with a net that is being written in Python."""

from __future__ import annotations

from owlkit.core.errors import NetError


class SpecError(NetError, TypeError):
    """A layer is called with what it does not take: says the layer, what was found, what is allowed."""


class UnknownTypeError(NetError, AttributeError):
    """No layer type or parameter message has that name."""
