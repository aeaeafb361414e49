"""Every layer type in half precision: what a GPU gives is near what the CPU gives in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.layers.input import Input
from owlkit.net import Net
from tests.gpu.test_layers import both_ways, compare_drawn
from tests.support.kinds import KINDS
from tests.support.options import Definition

pytestmark = pytest.mark.gpu
COMPARED = 3  # definitions of each type
#: L2 norm of an array's error, relative to the array's; a sum that cancels has more.
TOLERANCES = {"float16": 0.01, "bfloat16": 0.08}
#: The largest values that must not become infinite: a rounding may make others so.
MOST = {"float16": 6.0e4, "bfloat16": 3.0e38}


@pytest.fixture
def half_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs are in half precision, as they are behind a convolution; labels are cast back."""

    def dtypes(layer: Input, half: str, given: Sequence[str], tops: int) -> tuple[str, list[str], list[str]]:
        return half, [], [half] * tops

    monkeypatch.setattr(Input, "dtypes", dtypes)


def rounded(definition: Definition, dtype: str) -> Definition:
    """The definition with inputs that half precision can hold."""
    inputs = {name: np.asarray(x).astype(dtype).astype(np.float32) for name, x in definition.inputs.items()}
    return replace(definition, inputs=inputs)


def compare(found: Net, expected: Net, tolerance: float) -> int:
    """How many arrays were compared."""
    layer = found.layer_dict["l"]
    pairs = [(f"data of {n}", found.blobs[n].data, expected.blobs[n].data) for n in found.top_names["l"]]
    for name, wanted in zip(found.bottom_names["l"], layer.propagate_down, strict=False):
        if wanted and found.top_names["l"]:
            pairs.append((f"gradient of {name}", found.blobs[name].diff, expected.blobs[name].diff))
    for mine, theirs in zip(found.params.get("l", ()), expected.params.get("l", ()), strict=True):
        assert mine.dtype == "float32"
        pairs += [("learned values", mine.data, theirs.data), ("learned gradient", mine.diff, theirs.diff)]
    for what, mine, theirs in pairs:
        with np.errstate(all="ignore"):
            mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
            held = np.isfinite(theirs) & (np.abs(theirs) <= MOST[found.dtype])
            error = np.linalg.norm((mine - theirs)[held])  # not a number where one of mine is not
            assert error <= tolerance * (np.linalg.norm(theirs[held]) + 1e-2), f"{what}: {error:.3g}"
    return len(pairs)


@pytest.mark.parametrize("type_", KINDS)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_is_near_float32(
    type_: str, dtype: str, make_device: Callable[..., GpuDevice], half_inputs: None
) -> None:
    def compare_one(definition: Definition) -> int:
        definition = rounded(definition, dtype)
        found = both_ways(definition, make_device(), dtype)
        expected = both_ways(definition, "cpu", "float32")
        if found is None or expected is None:
            assert "in place" in str(definition) or found is expected, "one of them refuses it"
            return 0
        return compare(found, expected, TOLERANCES[dtype])

    compare_drawn(type_, COMPARED, compare_one)
