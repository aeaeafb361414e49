"""How long layers take: who is given which time, and that nothing of the net in hand is touched."""

from __future__ import annotations

import numpy as np
import pytest

import owlkit
from owlkit import Net, zoo
from owlkit.core.errors import NetError
from owlkit.inspection.timing import LayerTime, Timing, medians
from owlkit.net.plan import StepTime
from tests.net.definitions import parse
from tests.support import emulated_gpu


def test_every_layer_has_a_time_or_is_run_within_another() -> None:
    timing = owlkit.inspect(zoo.lenet(form="train", batch_size=2), phase="train").time(3)
    assert [layer.name for layer in timing.layers] == [
        "data", "conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "loss",
    ]  # fmt: skip
    assert (timing.batch_size, timing.passes, timing.learns) == (2, 3, True)
    times = timing.by_key
    assert times["relu1"].within == "ip1"
    assert times["relu1"].seconds == 0
    assert times["conv1"].forward > 0
    assert times["conv2"].backward > 0
    assert times["data"].backward == 0
    assert timing.seconds == pytest.approx(timing.forward + timing.backward)
    assert "2 images a pass, medians of 3 passes" in repr(timing)
    assert "in ip1" in repr(timing)
    assert "<table" in timing._repr_html_()


def test_copies_for_splits_count_with_the_layer_whose_top_is_split() -> None:
    shape = "input_param { shape { dim: 2 dim: 3 } }"
    outputs = "inner_product_param { num_output: 4 }"
    net = parse(f"""name: "y" layer {{ name: "data" type: "Input" top: "data" {shape} }}
    layer {{ name: "fc" type: "InnerProduct" bottom: "data" top: "fc" {outputs} }}
    layer {{ name: "relu" type: "ReLU" bottom: "fc" top: "fc" }}
    layer {{ name: "a" type: "TanH" bottom: "fc" top: "a" }}
    layer {{ name: "b" type: "TanH" bottom: "fc" top: "b" }}
    layer {{ name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }}""")
    timing = owlkit.inspect(net).time(1)
    assert [layer.name for layer in timing.layers] == ["data", "fc", "relu", "a", "b", "loss"]
    assert timing.by_key["relu"] == LayerTime("relu", "relu", "ReLU", 0.0, 0.0, "fc")


def test_a_live_net_goes_on_undisturbed() -> None:
    net = Net(zoo.lenet(form="train", batch_size=2), phase="train", seed=1)
    net.blobs["data"].data[...] = 0.5
    net.forward()
    net.backward()
    before = {name: [(b.data.copy(), b.diff.copy()) for b in blobs] for name, blobs in net.params.items()}
    owlkit.inspect(net).time(1)
    assert (net.blobs["data"].data == 0.5).all()
    for name, blobs in net.params.items():
        for blob, (data, diff) in zip(blobs, before[name], strict=True):
            np.testing.assert_array_equal(blob.data, data)
            np.testing.assert_array_equal(blob.diff, diff)


def test_a_phase_without_a_loss_is_timed_forward() -> None:
    inspector = owlkit.inspect(zoo.lenet(batch_size=1))
    assert inspector.timing is None
    assert "fwd ms" not in repr(inspector)
    timing = inspector.time(2)
    assert inspector.timing is timing
    assert not timing.learns
    assert timing.backward == 0
    assert "no loss, so nothing goes backward" in repr(timing)
    assert "fwd ms" in repr(inspector)
    assert "bwd ms" not in repr(inspector)


def test_as_many_passes_as_fit_into_a_second_and_a_way_to_stop() -> None:
    told = []
    inspector = owlkit.inspect(zoo.lenet(batch_size=1))
    timing = inspector.time(told=lambda done, of: told.append((done, of)))
    assert timing.passes == 50, "the most: a pass of LeNet takes a fraction of a millisecond"
    assert told[0] == (0, 0)
    assert told[1:] == [(done, 50) for done in range(50)]

    def stop(done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        owlkit.inspect(zoo.lenet(batch_size=1)).time(told=stop)
    with pytest.raises(ValueError, match="at least one pass, not 0"):
        inspector.time(0)


def test_what_cannot_be_made_cannot_be_timed() -> None:
    source = 'data_param { source: "/nowhere" batch_size: 2 }'
    net = parse(f'name: "x" layer {{ name: "data" type: "Data" top: "data" {source} }}')
    with pytest.raises(NetError, match="x cannot be timed: no shapes"):
        owlkit.inspect(net).time(1)


def test_medians_and_words() -> None:
    passes = [[StepTime(("a", "b"), "ReLU", t, 2 * t)] for t in (3e-3, 1e-3, 9e-3)]
    assert medians(passes) == [StepTime(("a", "b"), "ReLU", 3e-3, 6e-3)]
    layers = (LayerTime("a", "a", "ReLU", 3e-3, 6e-3), LayerTime("b", "b", "ReLU", 0.111, 0.0))
    timing = Timing("n", "train", 1, 1, layers, True)
    assert (
        timing.title
        == "n (train): 1 image a pass, medians of 1 pass\nforward 114 ms, backward 6.00 ms, 8 images/s"
    )
    assert timing.report().rows == [
        ["a", "ReLU", "3.00", "6.00", "7.5 %"],
        ["b", "ReLU", "111", "", "92.5 %"],
    ]


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_a_net_in_half_precision_is_timed_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 then, which a CPU computes in."""
    monkeypatch.setattr("owlkit.core.device._default", lambda: "cpu")
    device = emulated_gpu.emulated_device()
    net = Net(zoo.lenet(form="deploy", batch_size=1), phase="test", device=device, dtype="float16")
    assert owlkit.inspect(net).time(1).by_key["conv1"].forward > 0
