"""Random options of every layer type: the layer works and its gradient is right, or it says what it refuses.

OWLKIT_EXAMPLES says how many definitions of each type are drawn, new ones in every run; by default they are
few, and always the same.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from owlkit.core.device import Device
from owlkit.core.errors import OwlkitError
from owlkit.inspection.gradients import check_gradients
from owlkit.layers import LAYERS
from owlkit.layers.activation import ReLU
from owlkit.layers.base import Blobs
from owlkit.net import Net
from tests.support.kinds import KINDS
from tests.support.options import Definition, Picks, draw

EXAMPLES = int(os.environ.get("OWLKIT_EXAMPLES", "0"))
#: Types that need files, arrays or code of the user's; they have tests of their own.
NOT_DRAWN = {"Data", "HDF5Data", "HDF5Output", "ImageData", "MemoryData", "Python", "WindowData"}

with_options = settings(
    max_examples=EXAMPLES or 30,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def build(definition: Definition, **options: object) -> Net | None:
    """The net after a forward pass; None where the layer was refused with a message that names it."""
    try:
        net = Net(definition.net, phase=definition.phase, seed=1, **options)  # type: ignore[arg-type]
        for blobs in net.params.values():
            for blob in blobs:
                blob.data[...] += np.random.default_rng(5).uniform(0.1, 0.5, blob.shape)
        net.forward(**definition.inputs)
    except OwlkitError as refusal:
        message = str(refusal)
    else:
        return net
    assert message.startswith(f"l ({definition.layer.type}): "), f"the layer is not named: {message}"
    return None


@pytest.mark.parametrize("type_", KINDS)
def test_options_work_or_are_refused(type_: str) -> None:
    built = 0

    @with_options
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal built
        definition = draw(type_, lambda values: data.draw(st.sampled_from(list(values))))
        built += works(definition)

    check()
    assert built, "every definition was refused: nothing was tested"


def works(definition: Definition) -> bool:
    """Whether it is legal; AssertionError where it is, and something is wrong."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            net = build(definition, dtype="float64")
        except Exception as error:
            raise AssertionError(f"neither works nor is refused: {error!r}\n{definition}") from error
        if net is None:
            return False
        tops = [net.blobs[name].data for name in net.top_names["l"]]
        if all(np.isfinite(top).all() for top in tops):
            _check(net, definition)
        else:
            assert KINDS[definition.layer.type].domain, f"a top is not finite\n{definition}"
    return True


def _check(net: Net, definition: Definition) -> None:
    report = check_gradients(net, inputs=definition.inputs, elements=24, progress=False)
    assert report.ok, f"{report}\n{definition}"
    try:
        _check_implementations(definition)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{definition}") from error


def _check_implementations(definition: Definition) -> None:
    """What runs by default, in float32, gives what NumPy gives, forward and backward."""
    fast, slow = (
        build(definition, device=Device("cpu", order)) for order in (("onednn", "reference"), ("reference",))
    )
    assert fast is not None
    assert slow is not None
    for net in (fast, slow):
        for number, name in enumerate(net.top_names["l"]):
            diff = net.blobs[name].diff
            if not any(net.layer_dict["l"].loss_weights):
                diff[...] = np.random.default_rng(number).standard_normal(diff.shape)
        net.backward()
    for name, blob in fast.blobs.items():
        np.testing.assert_allclose(blob.data, slow.blobs[name].data, 2e-4, 2e-4, err_msg=f"data of {name}")
        if net.layer_dict["l"].propagate_down and name in net.bottom_names["l"]:
            np.testing.assert_allclose(
                blob.diff, slow.blobs[name].diff, 2e-3, 2e-3, err_msg=f"gradient of {name}"
            )
    for mine, theirs in zip(fast.params.get("l", ()), slow.params.get("l", ()), strict=True):
        np.testing.assert_allclose(mine.diff, theirs.diff, 2e-3, 2e-3, err_msg="learned gradient")


def test_every_type_is_drawn() -> None:
    own = {name for name, layer in LAYERS.items() if layer.__module__.startswith("owlkit.")}
    assert set(KINDS) | NOT_DRAWN >= own
    assert not NOT_DRAWN & set(KINDS)


class _Crashes(ReLU):
    """Divides by an option without a look at it."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.width = 1 / self.slope


class _WrongBelow(ReLU):
    """What owlkit's own ReLU once was: with a slope < 0, backward took the sign from y."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.kernel.backward(top[0].data_tensor, top[0].diff_tensor, bottom[0].diff_tensor)


@pytest.mark.parametrize(
    ("broken", "words"), [(_Crashes, "neither works nor is refused"), (_WrongBelow, "central difference")]
)
def test_a_broken_layer_is_found(broken: type[ReLU], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "ReLU", broken)
    with pytest.raises(AssertionError, match=words):
        _ = [works(draw("ReLU", Picks(seed))) for seed in range(60)]
