"""The twin of a net, in which images are run."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from owlkit.core.errors import NetError
from owlkit.inspection.twin import Twin


def test_a_blob_that_is_no_first_top_is_refused() -> None:
    """The first was shown in its place."""
    n = NetSpec("two tops")
    n.data = L.Input(shape=dict(dim=[1, 4, 6, 6]))
    n.left, n.right = L.Slice(n.data, ntop=2, name="slice")
    n.out = L.Eltwise(n.left, n.right)
    twin = Twin(Net(n))
    assert twin.layer_of("left") == "slice"
    assert twin.layer_of("slice") == "slice"
    with pytest.raises(NetError, match=r"'right' is not the first top of layer 'slice'.*'left'"):
        twin.layer_of("right")


def test_a_pass_is_of_one_iteration_of_who_steps_by_hand() -> None:
    """No Run keeps the net then, so that weights are shared; they changed while the image went through."""
    n = NetSpec("one")
    n.data = L.Input(shape=dict(dim=[1, 1, 4, 4]))
    n.ip = L.InnerProduct(n.data, num_output=2, bias_term=False)
    net = Net(n)
    twin, image = Twin(net), np.ones((1, 1, 4, 4), np.float32)
    weights = net.params["ip"][0].data
    weights[...] = 1
    taken, go, found = threading.Event(), threading.Event(), []

    def iterate() -> None:
        with net.turns.taken():
            weights[0] = 2
            taken.set()
            assert go.wait(20)
            weights[1] = 2

    training = threading.Thread(target=iterate, daemon=True)
    training.start()
    assert taken.wait(20)
    looking = threading.Thread(target=lambda: found.append(twin.run(image, "ip")), daemon=True)
    looking.start()
    looking.join(0.1)
    assert not found, "it waits for the end of the iteration"
    go.set()
    looking.join(20)
    training.join(20)
    assert found[0].tolist() == [[32, 32]]


@pytest.mark.parametrize("copied", [False, True])
def test_two_threads_that_run_it_get_their_own_answers(copied: bool) -> None:
    """What one had computed was overwritten by the other's pass before it was read.

    copied : as of a net that a Run trains; then there is no rest to wait for, which would keep them apart.
    """
    n = NetSpec("in place")
    n.data = L.Input(shape=dict(dim=[1, 1, 2, 2]))
    n.ip = L.InnerProduct(n.data, num_output=2, bias_term=False)
    n.double = L.Power(n.ip, in_place=True, scale=2.0)
    net = Net(n)
    net.params["ip"][0].data[...] = 1
    twin, go, wrong = Twin(net), threading.Barrier(2), []
    twin._copied = copied
    image = np.ones((1, 1, 2, 2), np.float32)

    def run(layer: str, expected: float) -> None:
        go.wait(20)
        for _ in range(200):
            found = twin.run(image * expected, layer)[0]
            if (found != found[0]).any() or found[0] != 4 * expected * (2 if layer == "double" else 1):
                wrong.append((layer, found))

    threads = [threading.Thread(target=run, args=case) for case in (("ip", 1.0), ("double", 3.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong


def test_constants_stay_and_a_batch_that_is_written_into_a_layer_follows() -> None:
    """A constant beside the data was 0 in the twin, and a Reshape with the number of images an error."""
    n = NetSpec("fixed")
    n.data = L.Input(shape=[6, 1, 4, 4])
    n.two = L.DummyData(shape=[6, 1, 4, 4], data_filler=dict(type="constant", value=2))
    n.product = L.Eltwise(n.data, n.two, operation=P.Eltwise.PROD)
    n.flat = L.Reshape(n.product, shape=dict(dim=[6, -1]))
    n.last = L.Reshape(n.flat, shape=dict(dim=[12, 8]))
    net = Net(n, phase="train", seed=1)
    twin = Twin(net, batch=2)
    images = np.random.default_rng(0).random((2, 1, 4, 4), np.float32)
    np.testing.assert_array_equal(twin.run(images, "flat"), 2 * images.reshape(2, 16))
    assert twin.top("last").shape == (4, 8)
    assert Twin(net, batch=6).top("last").shape == (12, 8)
