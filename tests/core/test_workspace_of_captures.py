"""A captured pass may be replayed in any thread, in the midst of another thread's calls one by one."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.rows import Rows, make
from tests.kernels.families.rows import Given
from tests.support import emulated_gpu
from tests.support.emulated_gpu import driver as stand_in

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
ITEMS = 2000  # sorted in two blocks: several launches that hand on a workspace


def test_a_replay_elsewhere_leaves_a_call_of_several_launches_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on in its thread by what `solver.step` has captured in this one, which looks at a twin."""
    device = emulated_gpu.emulated_device()
    kernel = make(device, Rows(ITEMS, 1, chosen=ITEMS))

    def operands(seed: int) -> tuple[Tensor, Any, Tensor, np.ndarray]:
        numbers = np.random.default_rng(seed).permutation(ITEMS)
        table, rows = Tensor(Descriptor((ITEMS, 1))), Tensor(Descriptor((ITEMS, 1)))
        rows.array[...] = np.arange(ITEMS, dtype=np.float32).reshape(-1, 1)
        return table, Given(numbers, "float32"), rows, numbers

    captured, (table, given, rows, numbers) = operands(0)[:3], operands(1)
    kernel.add(*captured)  # all lies on the GPU
    replay = device.gpu.capture(lambda: kernel.add(*captured))
    call, mine = stand_in.EmulatedFunction.__call__, threading.get_ident()

    def and_a_replay(self: Any, *args: Any) -> None:
        call(self, *args)
        if self.name == "sort_blocks" and threading.get_ident() == mine:
            other = threading.Thread(target=replay.launch)
            other.start()
            other.join()

    monkeypatch.setattr(stand_in.EmulatedFunction, "__call__", and_a_replay)
    kernel.add(table, given, rows)
    np.testing.assert_array_equal(table.array[numbers], rows.array)
