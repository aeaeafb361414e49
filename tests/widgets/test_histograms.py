"""Histograms of the layers that are open."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit_widgets.histograms import BINS, FIELDS, Histograms, histogram, some
from owlkit_widgets.panels import Panels

from .fake_net import FakeSolver
from .fake_run import FakeRun
from .lenet_digits import lenet


class TestHistograms:
    def test_shares_add_up_and_zeros_are_told_by_themselves(self) -> None:
        values = np.random.default_rng(0).normal(size=(10, 4, 25)).astype(np.float32)
        values[:5] = 0
        values[9, 0, 0] = np.inf
        row = histogram(values.reshape(-1))
        lo, hi, least, most, zeros, bad = row[:FIELDS]
        assert row[FIELDS:].sum() == pytest.approx(1)
        assert least <= lo < hi <= most < 10
        assert (zeros, bad) == (pytest.approx(0.5), pytest.approx(0.001))
        assert row[FIELDS:].argmax() in range(10, BINS - 10)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_small_gradients_in_half_precision(self, dtype: str) -> None:
        pytest.importorskip("ml_dtypes", reason="bfloat16 comes with the dev extra")
        values = (1e-4 * np.random.default_rng(0).normal(size=4000)).astype(dtype)
        row = histogram(values)
        assert np.isfinite(row).all()
        np.testing.assert_array_equal(row, histogram(values.astype(np.float32)))
        assert row[FIELDS:].sum() == pytest.approx(1)

    def test_constant_empty_and_dead_blobs(self) -> None:
        assert histogram(np.full(7, 3.0, np.float32))[FIELDS:].sum() == 1
        assert histogram(np.zeros(9, np.float32))[4] == 1
        assert not histogram(np.zeros(0, np.float32)).any()

    def test_of_a_large_blob_some_values_are_copied(self) -> None:
        lying = np.arange(2 * 300 * 300 * 8, dtype=np.float32).reshape(2, 300, 300, 8)
        found = some(lying.transpose(0, 3, 1, 2))  # as activations lie in memory
        assert 8_000 < found.size <= 1 << 14
        assert (np.diff(found) == np.diff(found)[0]).all(), (
            "in the order of the memory: no copy of all was made"
        )
        assert not np.shares_memory(found, lying)

    def test_a_full_table_thins_out(self) -> None:
        table = Histograms("conv1", "activations", capacity=4)
        for i in range(1, 8):
            table.add(i, histogram(np.ones(3, np.float32)))
        assert [iteration for iteration, _ in table.rows] == [4, 6, 7]
        block = table.block()
        assert (block["n"], block["total"]) == (3, 7)
        assert len(block["data"]) == 3 * 4 * (1 + FIELDS + BINS)

    def test_a_layer_that_is_opened_while_nobody_trains_is_looked_at_at_once(self, often: None) -> None:
        run = FakeRun(solver=FakeSolver())
        panels = Panels(run)
        assert not panels.watch(["conv1"]), "before the first iteration there is nothing"
        run.advance(2)
        panels.take()
        run._state("diverged")
        assert panels.watch(["conv1", "conv2"])
        found = [(m["layer"], m["kind"], m["iter"]) for m, _ in panels.take()]
        assert found == [("conv2", "activations", 2), ("conv2", "gradients", 2)], "conv1 was known"
        assert not panels.watch(["conv1", "conv2"])

    def test_only_layers_that_are_open_are_looked_at(self, often: None) -> None:
        run = FakeRun(solver=FakeSolver())
        panels = Panels(run)
        run._state("running")
        run.advance(2)
        assert not panels.watch(["conv2", "nobody"])
        run.advance(2)
        panels.watch([])
        run.advance(2)
        found = [m for m, _ in panels.take() if m["type"] == "histogram"]
        assert [(m["layer"], m["kind"], m["first"], m["iter"]) for m in found] == [
            ("conv2", "activations", 0, 3),
            ("conv2", "gradients", 0, 3),
            ("conv2", "activations", 1, 4),
            ("conv2", "gradients", 1, 4),
        ]
        assert [table["n"] for table in panels.history()["histograms"]] == [2, 2]

    def test_of_a_real_net(self, often: None) -> None:
        import owlkit as owl

        solver = owl.Solver(lenet("train"), base_lr=0.01, lr_policy="fixed", type="Adam", seed=1)
        run = FakeRun(solver=solver)
        panels = Panels(run)
        panels.watch(["conv1", "fc1"])
        solver.step(4)
        rows = {
            (m["layer"], m["kind"]): np.frombuffer(d, np.float32) for m, d in panels.take() if "kind" in m
        }
        assert len(rows) == 4
        assert 0.1 < rows["fc1", "activations"][4] < 0.9, "what comes out of a ReLU is 0 for a good part"
        assert rows["conv1", "gradients"][FIELDS:].sum() == pytest.approx(1)
        assert rows["fc1", "gradients"][3] < 0.1
