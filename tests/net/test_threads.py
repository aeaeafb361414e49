"""Nets in several threads share nothing that a kernel writes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.device import Device
from owlkit.core.gpu.device import GpuDevice
from tests.support import emulated_gpu


def net(device: Device) -> Net:
    """Its first convolution works in scratch memory: oneDNN brings its filters into another order there."""
    n = NetSpec("convolutions", force_backward=True)
    n.data = L.Input(shape=dict(dim=[4, 3, 33, 33]))
    n.conv = L.Convolution(n.data, kernel_size=5, num_output=24, weight_filler=dict(type="xavier"))
    n.out = L.TanH(n.conv, loss_weight=1)
    made = Net(n, phase="train", device=device, seed=1)
    made.forward_backward()
    return made


def scratch(of: Net) -> np.ndarray[Any, Any]:
    return of.plan.device.scratch()


def test_nets_that_are_given_one_device_share_no_scratch_memory() -> None:
    """Calls are bound to its address, in whichever thread that happens: one per thread would not do."""
    device = Device("cpu", ("onednn", "threads", "reference"))
    first, second = net(device), net(device)
    if not scratch(first).size:
        pytest.skip("no kernel of this machine needs scratch memory here")
    assert not np.shares_memory(scratch(first), scratch(second))
    assert first.device.implementations == device.implementations


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_a_gpu_is_shared() -> None:
    """Its workspace is each thread's own, and asked for at every call."""
    device = emulated_gpu.emulated_device()
    made = net(device)
    assert made.device is device
    assert isinstance(made.plan.device, GpuDevice)
    assert made.plan.device is device
