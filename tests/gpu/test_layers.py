"""Random definitions of every layer type: a GPU gives what the CPU gives, forward and backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.layers import LAYERS
from owlkit.net import Net
from tests.layers.test_properties import NOT_DRAWN, build
from tests.support.kinds import KINDS
from tests.support.options import Definition, Picks, draw

pytestmark = pytest.mark.gpu
DRAWN, COMPARED = 60, 6  # definitions of each type: drawn at most, and compared
HUGE = 1e30  # above that lie infinity, and Caffe's -FLT_MAX for a window without any input


def both_ways(definition: Definition, device: object, dtype: str) -> Net | None:
    """The net after both passes; None where the layer refuses its options."""
    net = build(definition, device=device, dtype=dtype)
    if net is None:
        return None
    if net.loss_scale is not None:
        net.loss_scale.set(1)
    weighted = any(net.layer_dict["l"].loss_weights)
    for number, name in enumerate(net.top_names["l"]):
        diff = net.blobs[name].diff
        if not weighted:
            diff[...] = np.random.default_rng(number).standard_normal(diff.shape)
    net.backward()
    return net


def draws_numbers(definition: Definition) -> bool:
    """Whether the layer computes with random numbers that a GPU draws in another way."""
    layer = definition.layer
    stochastic = layer.type in ("Pooling", "SPP") and 2 in (layer.pooling_param.pool, layer.spp_param.pool)
    return definition.phase == "train" and (layer.type == "Dropout" or stochastic)


def compare(found: Net, expected: Net, dtype: str) -> int:
    """How many arrays were compared."""
    tolerance = 2e-4 if dtype == "float32" else 1e-9
    pairs = [(f"data of {n}", b.data, expected.blobs[n].data) for n, b in found.blobs.items()]
    layer = found.layer_dict["l"]
    for name, wanted in zip(found.bottom_names["l"], layer.propagate_down, strict=False):
        if wanted and found.top_names["l"]:
            pairs.append((f"gradient of {name}", found.blobs[name].diff, expected.blobs[name].diff))
    for mine, theirs in zip(found.params.get("l", ()), expected.params.get("l", ()), strict=True):
        pairs += [("learned values", mine.data, theirs.data), ("learned gradient", mine.diff, theirs.diff)]
    for what, mine, theirs in pairs:
        usual = np.abs(theirs[np.abs(theirs) < HUGE])  # beside infinity anything would pass
        scale = max(1.0, float(usual.max(initial=0)))
        np.testing.assert_allclose(mine, theirs, tolerance, tolerance * scale, err_msg=what)
    return len(pairs)


def compare_drawn(type_: str, most: int, compare_one: Callable[[Definition], int]) -> None:
    """Draw definitions of a type until `most` of them were compared.

    compare_one : how many arrays it compared; 0 where the layer refuses its options.
    """
    compared = 0
    for seed in range(DRAWN):
        definition = draw(type_, Picks(seed))
        if draws_numbers(definition) or compared == most:
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                compared += bool(compare_one(definition))
            except AssertionError as error:
                raise AssertionError(f"{error}\n{definition}") from error
    assert compared or type_ == "Silence", "every definition was refused: nothing was compared"


@pytest.mark.parametrize("type_", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_cpu(type_: str, dtype: str, make_device: Callable[..., GpuDevice]) -> None:
    def compare_one(definition: Definition) -> int:
        found, expected = (both_ways(definition, where, dtype) for where in (make_device(), "cpu"))
        assert (found is None) == (expected is None), "one of them refuses it"
        return compare(found, expected, dtype) if found is not None and expected is not None else 0

    compare_drawn(type_, COMPARED, compare_one)


def test_every_type_is_compared() -> None:
    own = {name for name, layer in LAYERS.items() if layer.__module__.startswith("owlkit.")}
    assert set(KINDS) | NOT_DRAWN >= own
