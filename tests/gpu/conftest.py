"""The GPU that these tests run on: the real one, or the stand-in where there is none.

`pytest -m gpu` runs them. Without a GPU a few, marked `also_emulated`, run on the stand-in, and with
OWLKIT_EMULATED=all every one, which takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from owlkit.core.gpu.device import GpuDevice
from tests.support import gpu


@pytest.fixture
def make_device() -> Iterator[Callable[..., GpuDevice]]:
    """Makes a device with the given options (tf32, deterministic, graph); waits for the GPU at the end."""
    made: list[GpuDevice] = []

    def make(**options: Any) -> GpuDevice:
        made.append(gpu.open_device(**options))
        return made[-1]

    yield make
    for device in made:
        device.gpu.driver.synchronize()  # an error in a kernel belongs to the test that launched it


@pytest.fixture
def device(make_device: Callable[..., GpuDevice]) -> GpuDevice:
    """A GPU with the options as they are by default."""
    return make_device()
