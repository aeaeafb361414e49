"""Figures of a net in training show one iteration: they wait until weights and images stand still."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, inspect
from owlkit.inspection import inspector as inspector_module
from owlkit.inspection import saliency
from owlkit.inspection.filters import filter_weights
from owlkit.inspection.gradcheck.nets import in_float64
from owlkit.inspection.layerwise import Layerwise
from owlkit.inspection.look import Look
from owlkit.inspection.own_image import own_image

PATIENCE = 60.0


def made(**options: Any) -> Net:
    """A net whose weights, and the image in it, are all 1."""
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=2, bias_term=False)
    net = Net(n, **options)
    fill(net, 1)
    return net


def fill(net: Net, value: float) -> None:
    net.params["conv1"][0].data[...] = value
    net.blobs["data"].data[...] = value


def looked(net: Net, look: Callable[[], Any]) -> Any:
    """What `look` gives that began in the midst of an iteration, after which all is 2."""
    patience = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(1) as pool:
        with net.turns.taken():
            looking = pool.submit(look)
            while len(net.turns._queue) < 2 and not looking.done():
                assert time.monotonic() < patience
                time.sleep(0.001)
            fill(net, 2)
        return looking.result(PATIENCE)


def test_filters() -> None:
    net = made()
    assert set(looked(net, lambda: filter_weights(net, "conv1")).flat) == {2}


@pytest.mark.parametrize("shares", [False, True])
def test_the_image_of_the_last_batch(shares: bool) -> None:
    """Blobs are the net's own, whoever has its weights."""
    net = made(share=made()) if shares else made()
    assert set(looked(net, lambda: own_image(net, "data")).values.flat) == {2}


def test_the_earlier_one_of_a_comparison() -> None:
    net, inspector = made(), inspect(made())
    looked(net, lambda: inspector.compare_with(net))
    assert set(inspector.earlier["conv1"][0].flat) == {2}


def test_what_moved_since() -> None:
    net = made()
    inspector = inspect(net, compare=made())
    (moved,) = looked(net, lambda: inspector.movements)
    np.testing.assert_allclose(moved.relative, 1)


def test_the_net_of_a_gradient_check() -> None:
    """It may be made again while a cell trains the net."""
    net = made()
    twin, _ = looked(net, lambda: in_float64(net, {}, 0))
    assert set(twin.params["conv1"][0].data.flat) == {2}
    assert set(twin.blobs["data"].data.flat) == {2}


IMAGE = np.ones((3, 8, 8), np.float32)


@pytest.mark.parametrize("way", [Look, Layerwise])
def test_an_image_on_its_way_through_the_net(way: Callable[[Net, Any], Any]) -> None:
    net = made()
    blobs = looked(net, lambda: way(net, IMAGE))._twin.net.blobs
    assert set(blobs["conv1"].data.flat) == {3 * 3 * 3 * 2}


def test_a_gradient_is_of_the_iteration_of_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    net = made()
    with ThreadPoolExecutor(1) as pool:

        def train_meanwhile(*given: Any) -> Any:
            training = pool.submit(iterate)
            time.sleep(0.05)
            assert not training.done()
            return choose(*given)

        def iterate() -> None:
            with net.turns.taken():
                fill(net, 2)

        choose = saliency.choose
        monkeypatch.setattr(saliency, "choose", train_meanwhile)
        seen = saliency.show_saliency(net, IMAGE, "conv1", 0)
    assert (seen.value, seen.gradient.max()) == (27, 1)
    assert net.params["conv1"][0].data.max() == 2


def test_how_weights_are_spread() -> None:
    net = made()
    inspector = inspect(net)
    assert looked(net, lambda: inspector.distribution("conv1")).mean == 2
    for look, expected in ((lambda: inspector.std("conv1"), 0), (inspector.stds, {"conv1": 0})):
        net.params["conv1"][0].data.flat[0] = 9  # until the iteration's end
        assert looked(net, look) == expected


@pytest.mark.parametrize("computed", ["movements", "distribution", "standard_deviation"])
def test_training_waits_for_a_copy_and_not_for_what_is_computed_of_it(
    computed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = made()
    inspector = inspect(net, compare=made())
    compute = getattr(inspector_module, computed)

    def train_meanwhile(*given: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(iterate).result(PATIENCE)
        return compute(*given)

    def iterate() -> None:
        with net.turns.taken():
            net.params["conv1"][0].data.flat[0] = 9

    monkeypatch.setattr(inspector_module, computed, train_meanwhile)
    looks = {
        "movements": lambda: inspector.movements[0].largest == 0,
        "distribution": lambda: inspector.distribution("conv1").high == 1,
        "standard_deviation": lambda: inspector.std("conv1") == 0,
    }
    assert looks[computed]()
    assert net.params["conv1"][0].data.max() == 9
