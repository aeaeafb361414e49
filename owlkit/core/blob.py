"""Blob: Caffe's array of data and diff (gradient), shown in Caffe's order whatever its layout in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from owlkit.core.gpu import exchange
from owlkit.core.memory import Memory
from owlkit.core.sizes import size
from owlkit.core.tensor import Descriptor, Tensor


class Blob:
    """An N-dimensional array `data` with its gradient `diff`, as in Caffe.

    Memory is taken on first use. Four-dimensional activations lie channels-last in memory; parameters and all
    other shapes lie in C order. `data` and `diff` are arrays in Caffe's order in every case.

    given_name : what messages call it; of a Split layer that a net inserted, the name of the blob it splits.
    """

    def __init__(
        self, shape: Any = (), dtype: str = "float32", name: str = "", *, parameter: bool = False
    ) -> None:
        self.name = self.given_name = name
        self.dtype = np.dtype(dtype).name
        self.parameter = parameter
        self._channels_last = not parameter
        self._data, self._diff = Memory(), Memory()
        self._owns_data = False
        self._data_tensor: Tensor | None = None
        self._diff_tensor: Tensor | None = None
        # The bytes that these tensors lie in: whoever shares the memory may have taken larger ones since.
        self._data_seen: np.ndarray | None = None
        self._diff_seen: np.ndarray | None = None
        self.descriptor = Descriptor((0,), self.dtype)
        self.reshape(*shape)

    # -- shape
    def reshape(self, *shape: Any) -> None:
        """Change the shape; memory is kept where it is large enough (its content then is arbitrary)."""
        if len(shape) == 1 and not np.isscalar(shape[0]):
            shape = tuple(shape[0])
        shape = tuple(int(n) for n in shape)
        if shape == self.descriptor.shape:
            return
        if any(n < 0 for n in shape):
            raise ValueError(f"blob {self.name!r}: negative axis in shape {shape}")
        channels_last = len(shape) == 4 and self._channels_last
        self.descriptor = Descriptor(shape, self.dtype, channels_last)
        self._data_tensor = self._diff_tensor = None

    def lay_channels_last(self) -> None:
        """Let a four-dimensional parameter lie channels-last in memory, as filters do on a GPU.

        To be called before it has content: what is there would be read in another order.
        """
        self._channels_last = True
        self.descriptor = Descriptor(self.shape, self.dtype, self.ndim == 4)
        self._data_tensor = self._diff_tensor = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.descriptor.shape

    @property
    def ndim(self) -> int:
        return len(self.descriptor.shape)

    @property
    def count(self) -> int:
        return self.descriptor.count

    def count_between(self, start: int, end: int | None = None) -> int:
        """Product of the axes from `start` up to, not including, `end`."""
        return math.prod(self.shape[start:end])

    def canonical_axis(self, axis: int) -> int:
        """`axis` counted from the front; raises IndexError outside [-ndim, ndim)."""
        if not -self.ndim <= axis < self.ndim:
            raise IndexError(f"axis {axis} is outside the {self.ndim} axes of shape {self.shape}")
        return axis % self.ndim if self.ndim else 0

    def _legacy(self, axis: int) -> int:
        if self.ndim > 4:
            raise IndexError(
                f"blob {self.name!r} has {self.ndim} axes: num, channels, height, width need <= 4"
            )
        return self.shape[axis] if axis < self.ndim else 1

    num = property(lambda self: self._legacy(0), doc="Length of axis 0, Caffe's old name.")
    channels = property(lambda self: self._legacy(1), doc="Length of axis 1, Caffe's old name.")
    height = property(lambda self: self._legacy(2), doc="Length of axis 2, Caffe's old name.")
    width = property(lambda self: self._legacy(3), doc="Length of axis 3, Caffe's old name.")

    # -- memory
    @property
    def data_tensor(self) -> Tensor:
        """The data as kernels take them."""
        tensor = self._data_tensor
        if tensor is None or self._data_seen is not self._data.bytes:
            self._data_seen = self._data.require(self.descriptor.nbytes)
            tensor = self._data_tensor = Tensor(self.descriptor, self._data)
        return tensor

    @property
    def diff_tensor(self) -> Tensor:
        """The gradient as kernels take it; for a cleared parameter the content is arbitrary."""
        tensor = self._diff_tensor
        if tensor is None or self._diff_seen is not self._diff.bytes:
            self._diff_seen = self._diff.require(self.descriptor.nbytes)
            tensor = self._diff_tensor = Tensor(self.descriptor, self._diff)
        return tensor

    @property
    def data(self) -> np.ndarray:
        """The values, `shape`, writable; to other threads than that of a Run on a GPU, a copy to be read.

        `blob.data = x` writes as `blob.data[...] = x` does: an array of that shape, or one number for all.
        """
        return self.data_tensor.array

    @data.setter
    def data(self, values: Any) -> None:
        if np.shape(values) and values is not self.data:
            self.copy_from(values)
        else:
            write(self, self.data, values)

    @property
    def diff(self) -> np.ndarray:
        """The gradient of the loss with respect to `data`, `shape`, writable; may be assigned to as that."""
        self.settle_diff()
        return self.diff_tensor.array

    @diff.setter
    def diff(self, values: Any) -> None:
        write(self, self.diff, values)

    def peek(self, role: str = "data") -> np.ndarray:
        """`data` or `diff` (role) to be read only: on a GPU, where looking at `data` counts as changing it,
        the content there then stays valid.
        """
        if role == "diff":
            self.settle_diff()
        return (self.data_tensor if role == "data" else self.diff_tensor).peek()

    # -- exchange with other libraries
    @property
    def device_data(self) -> Any:
        """The values where the net computes: a CuPy array on a GPU, else as `data`; `shape`, writable.

        To other threads than that of a Run on a GPU, a copy there.
        """
        return exchange.device_array(self.data_tensor)

    @property
    def device_diff(self) -> Any:
        """The gradient where the net computes, as `device_data`."""
        self.settle_diff()
        return exchange.device_array(self.diff_tensor)

    def copy_from(self, source: Any) -> None:
        """Take over the values of `source`: whatever NumPy reads, or an array of a GPU that speaks DLPack.

        From the memory of the GPU on which this blob's net computes they are copied there, past the host.
        Raises ValueError where the shapes differ, or while another thread trains by it on a GPU.
        """
        if tuple(np.shape(source)) != self.shape:
            raise ValueError(
                f"blob {self.name!r} is {self.shape}, but the array is {tuple(np.shape(source))}"
            )
        if self._data.kept:
            raise ValueError(
                f"blob {self.name!r} is in training on a GPU in another thread, and only read in this one "
                "until it pauses; call run.pause() before"
            )
        exchange.copy(source, self.data_tensor)

    def __dlpack__(self, **options: Any) -> Any:
        """The values for another library, without a copy: `torch.from_dlpack(blob)`."""
        return self.device_data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        found: tuple[int, int] = self.device_data.__dlpack_device__()
        return found

    def share_data(self, other: Blob) -> None:
        """Use the data memory of `other`, of the same dtype, from now on; without effect after `own_data`."""
        self._check_dtype(other)
        if self._data is not other._data and not self._owns_data:
            self._data, self._data_tensor = other._data, None

    def share_diff(self, other: Blob) -> None:
        """Use the gradient memory of `other`, of the same dtype, from now on."""
        self._check_dtype(other)
        if self._diff is not other._diff:
            self._diff, self._diff_tensor = other._diff, None

    def _check_dtype(self, other: Blob) -> None:
        if self.dtype != other.dtype:
            raise ValueError(
                f"blob {self.name!r} is {self.dtype}; it cannot share with {other.name!r}, {other.dtype}"
            )

    def own_data(self) -> None:
        """Keep data memory of its own for good: an in-place layer writes there, and others read the rest."""
        if not self._owns_data:
            self._data, self._data_tensor, self._owns_data = Memory(), None, True

    def memory(self, role: str) -> Memory:
        """What "data" or "diff" lies in: one object for all blobs that share it."""
        return self._data if role == "data" else self._diff

    def shares_data(self, other: Blob) -> bool:
        return self._data is other._data

    def shares_diff(self, other: Blob) -> bool:
        return self._diff is other._diff

    def place(self, data: np.ndarray, diff: np.ndarray) -> None:
        """Put data and gradient into given bytes, uint8 (slices of an arena), with the data so far."""
        if self._data.bytes is not None:
            assert self._data.mirror is None, f"blob {self.name!r} is in use on a GPU: it cannot be moved"
            data[...] = self._data.bytes[: data.size]
        self._data.use(data)
        self._diff.use(diff)
        self._data_tensor = self._diff_tensor = None

    # -- accumulation of parameter gradients
    def clear_diff(self) -> None:
        """Let the gradient count as zero; no memory is touched."""
        self._diff.cleared = True

    def settle_diff(self) -> None:
        """Write the zeros that a cleared gradient stands for; not under the thread that trains by it."""
        if self._diff.cleared and not self._diff.kept:
            self._diff.cleared = False
            self.diff_tensor.zero()

    def begin_accumulate(self) -> bool:
        """Whether a gradient must be added to what is there (True) or written over it (False)."""
        accumulate = not self._diff.cleared
        self._diff.cleared = False
        return accumulate

    @property
    def allocated_bytes(self) -> int:
        """Memory this blob holds now, shared or not."""
        return sum(m.bytes.size for m in (self._data, self._diff) if m.bytes is not None)

    def __repr__(self) -> str:
        return f"Blob({self.name!r}, shape={self.shape}, dtype={self.dtype})"

    def _repr_html_(self) -> str:
        shape = " &times; ".join(str(n) for n in self.shape) or "scalar"
        return f"<code>{self.name or 'blob'}</code> {shape}, {self.dtype}, {size(self.descriptor.nbytes)}"


def write(blob: Blob, array: Any, values: Any) -> None:
    """What `blob.data = values` does to an array of the blob's, for every view of a blob.

    `blob.data += 1` ends here as well, with the array, which it has changed already.
    Raises ValueError where the shapes differ.
    """
    if values is array:
        return
    found = tuple(np.shape(values))
    if found and found != blob.shape:
        raise ValueError(f"blob {blob.given_name!r} is {blob.shape}, but the array is {found}")
    array[...] = values
