"""Arrays of blobs for other libraries, and theirs for blobs: without the host where both lie on one GPU.

owlkit's stream is ordered with CUDA's default stream (see `cupy_driver`), on which CuPy and PyTorch work
unless told otherwise. Who works on another one finds what was queued so far done, and what is copied here is
in order; only what is written there, to a blob's own memory, has to be waited for before the net goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Tensor

_CUDA = 2  # DLPack's kDLCUDA


def device_array(tensor: Tensor) -> Any:
    """The content where it is used: a CuPy array where a GPU has a copy, otherwise NumPy's; writable.

    While another thread trains by it on a GPU, a copy there.
    """
    mirror = tensor.memory.mirror
    if mirror is None:
        return tensor.array
    with mirror.gpu.driver.in_order():
        if tensor.memory.kept:
            with mirror.gpu.lock:  # a capture marks as written what it only records
                return mirror.gpu.array(tensor, writable=False).copy()
        return mirror.gpu.array(tensor)


def copy(source: Any, tensor: Tensor) -> None:
    """Write the values of `source` (see `Blob.copy_from`)."""
    source = _values(source)
    if on_gpu(source):
        cupy = _cupy(source)
        theirs = cupy.from_dlpack(source)
        mirror = tensor.memory.mirror
        if mirror is not None and theirs.device.id == mirror.gpu.number:
            ours = mirror.gpu.array(tensor)
            with theirs.device, mirror.gpu.driver.in_order():
                ours[...] = theirs
            mirror.gpu.driver.hold(theirs)
            return
        source = theirs.get()
    tensor.array[...] = source


def _values(source: Any) -> Any:
    """A tensor of PyTorch's without what keeps others from reading it; anything else as it is.

    That is a part in gradients, as parameters have, and on the host bfloat16, which NumPy does not know:
    float32 holds its values.
    """
    detach = getattr(source, "detach", None)
    if detach is None:
        return source
    source = detach()
    return source.float() if str(source.dtype) == "torch.bfloat16" and not on_gpu(source) else source


def on_gpu(source: Any) -> bool:
    """Whether `source` says that it lies in the memory of an NVIDIA GPU."""
    where = getattr(source, "__dlpack_device__", None)
    return where is not None and not isinstance(source, np.ndarray) and int(where()[0]) == _CUDA


def _cupy(source: Any) -> Any:
    try:
        import cupy
    except ImportError as error:
        raise ValueError(
            f"a {type(source).__name__} on a GPU is read by CuPy: pip install 'owlkit[gpu]', or pass it from "
            "the host's memory"
        ) from error
    return cupy
