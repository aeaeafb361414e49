"""Blobs and PyTorch's tensors, both ways, on the host, where PyTorch is installed (owlkit does without).

On a GPU the same calls go past the host, by CuPy's arrays; that is not tested here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.blob import Blob

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")

VALUES = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


def blob(dtype: str = "float32", *, parameter: bool = False) -> Blob:
    made = Blob(VALUES.shape, dtype, "b", parameter=parameter)
    made.copy_from(VALUES)
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tensor_over_a_blob(dtype: str) -> None:
    ours = blob(dtype)
    theirs = torch.from_dlpack(ours)
    assert theirs.shape == VALUES.shape
    assert theirs.dtype == getattr(torch, dtype)
    assert theirs.is_contiguous(memory_format=torch.channels_last), "activations, as PyTorch likes them best"
    np.testing.assert_array_equal(theirs.numpy(), VALUES)
    theirs[1, 2, 3, 4] = -7
    assert ours.data[1, 2, 3, 4] == -7, "one memory"
    ours.data[0, 1] = 5
    assert bool((theirs[0, 1] == 5).all())


def test_a_tensor_outlives_its_blob() -> None:
    theirs = torch.from_dlpack(blob())
    np.testing.assert_array_equal(theirs.numpy(), VALUES)


def test_parameters_and_gradients() -> None:
    ours = blob(parameter=True)
    ours.diff[...] = 2 * VALUES
    assert torch.from_dlpack(ours).is_contiguous()
    gradient = torch.from_dlpack(ours.device_diff)
    np.testing.assert_array_equal(gradient.numpy(), 2 * VALUES)
    gradient.zero_()
    assert not ours.diff.any()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t,
        lambda t: t.to(memory_format=torch.channels_last),
        lambda t: t.repeat(1, 2, 1, 1)[:, :3],
        lambda t: t.double(),
        lambda t: t.long(),
        lambda t: t.half(),
        lambda t: t.bfloat16(),
        lambda t: torch.nn.Parameter(t),
        lambda t: t.bfloat16().requires_grad_(),
        lambda t: t.requires_grad_() * 1,
    ],
    ids=[
        "plain",
        "channels_last",
        "part",
        "double",
        "long",
        "half",
        "bfloat16",
        "parameter",
        "bf16_parameter",
        "result",
    ],
)
def test_a_blob_takes_a_tensors_values(change: Any) -> None:
    source = change(torch.from_numpy(VALUES.copy()))
    ours = blob()
    ours.data[...] = -1
    ours.copy_from(source)
    np.testing.assert_array_equal(ours.data, VALUES)
    source.detach()[0, 0] = -9
    np.testing.assert_array_equal(ours.data, VALUES, "a copy")


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"blob 'b' is \(2, 3, 4, 5\), but the array is \(2, 3\)"):
        blob().copy_from(torch.zeros(2, 3))


def test_there_and_back() -> None:
    """What PyTorch computes on a blob's memory goes to another blob."""
    ours, other = blob(), Blob((2, 3, 4, 5), name="other")
    other.copy_from(torch.from_dlpack(ours).sqrt())
    np.testing.assert_allclose(other.data, np.sqrt(VALUES), 1e-6)
