"""MemoryData: batches from the caller's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, NetError
from tests.support.one_layer import OneLayer

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 6)).astype(np.float32)


def memory(more: str = "", **options: Any) -> OneLayer:
    shape = "batch_size: 2 channels: 3 height: 4 width: 6"
    return OneLayer(f'type: "MemoryData" memory_data_param {{ {shape} }} {more}', tops=2, **options)


def indices(net: OneLayer, batches: int) -> list[int]:
    found = []
    for _ in range(batches):
        data, labels = net.forward()
        for image, label in zip(data, labels, strict=True):
            assert np.array_equal(image, IMAGES[int(label)])
            found.append(int(label))
    return found


def test_batches_wrap_round_the_arrays() -> None:
    net = memory()
    assert [blob.shape for blob in net.top] == [(2, 3, 4, 6), (2,)]
    net.layer.reset(IMAGES, np.arange(5).reshape(5, 1, 1, 1))
    assert net.layer.record_count == 5
    assert indices(net, 4) == [0, 1, 2, 3, 4, 0, 1, 2]
    net.layer.reset(list(IMAGES[:4]), range(4))
    assert indices(net, 3) == [0, 1, 2, 3, 0, 1]


def test_the_position_is_restored() -> None:
    net, other = memory(), memory()
    for layer in (net.layer, other.layer):
        layer.reset(IMAGES, range(5))
    indices(net, 2)
    other.layer.restore_state(net.layer.state())
    assert indices(other, 3) == indices(net, 3) == [4, 0, 1, 2, 3, 4]


def test_transforming_is_asked_for() -> None:
    """pycaffe's set_input_arrays does not transform, AddDatumVector does."""
    param = "transform_param { scale: 0.5 mean_value: 8 crop_size: 4 }"
    net = OneLayer(
        f'type: "MemoryData" memory_data_param {{ batch_size: 2 channels: 3 height: 4 width: 4 }} {param}',
        tops=2,
        phase="test",
    )
    net.layer.reset(IMAGES.astype(np.uint8), range(5), transform=True)
    assert np.array_equal(net.forward()[0], (IMAGES[:2, :, :, 1:5] - 8) / 2)
    with pytest.warns(UserWarning, match="transform_param has no effect"):
        net.layer.reset(IMAGES[:, :, :, :4], range(5))
    assert np.array_equal(net.forward()[0], IMAGES[:2, :, :, :4])


def test_what_cannot_be_is_refused() -> None:
    net = memory()
    with pytest.raises(DataError, match=r"there are no data yet; call net.layer_dict\['l'\].reset"):
        net.forward()
    with pytest.raises(DataError, match=r"shape \(5, 4, 6\); expected \(M, 3, 4, 6\)"):
        net.layer.reset(IMAGES[:, 0], range(5))
    with pytest.raises(DataError, match="4 labels for 5 images"):
        net.layer.reset(IMAGES, range(4))
    with pytest.raises(NetError, match="all positive; they are 2, 3, 0, 0"):
        OneLayer('type: "MemoryData" memory_data_param { batch_size: 2 channels: 3 }', tops=2)
