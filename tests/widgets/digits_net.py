"""LeNet that has learned the embedded digits, for the notebooks of browser tests."""

from __future__ import annotations

from typing import Any

from lenet_digits import solver

import owlkit as owl


def trained(iterations: int = 120) -> Any:
    """The net after so many iterations: enough for digits to lie apart."""
    made = solver(base_lr=0.02)
    made.step(iterations)
    return made.net


PREPARE = owl.ImageInput(scale=1 / 255)
