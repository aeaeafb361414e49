"""A row of the layer benchmark: a Caffe layer at a shape from a real net, and PyTorch's equivalent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Bottom:
    """One input.

    kind : "normal", "positive", "uniform" (0 to 1), "probabilities", "bits", "ones", or how many classes
        labels have.
    gradient : whether a gradient to it is computed.
    """

    shape: tuple[int, ...]
    kind: str | int = "normal"
    gradient: bool = True


@dataclass(frozen=True)
class Case:
    """One row.

    layer : what stands in `layer { }`. phase : of the net.
    peer : makes a function (or Module) of the bottoms' tensors.
    compared : whether outputs and gradients must agree. backward : whether there is a backward pass.
    dense : PyTorch's gradients are views with gaps, which the next convolution copies; so does the peer.
    """

    name: str
    layer: str
    bottoms: Sequence[Bottom]
    peer: Callable[[], Callable[..., Any]]
    tops: int = 1
    phase: str = "train"
    compared: bool = True
    backward: bool = True
    dense: bool = False


def blob(*shape: int, kind: str | int = "normal", gradient: bool = True) -> Bottom:
    return Bottom(shape, kind, gradient)


def labels(classes: int, *shape: int) -> Bottom:
    return Bottom(shape, classes, gradient=False)


def pure(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[[], Callable[..., Any]]:
    """A peer without parameters."""
    bound = partial(function, *args, **options) if args or options else function
    return lambda: bound


def with_options(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda x: function(x, *args, **options)
