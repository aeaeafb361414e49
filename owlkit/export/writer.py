"""The ONNX graph of a net while it is written: names, constants, nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import DataError
from owlkit.io.safetensors_weights import tensor_name
from owlkit.net.graph import Node


def import_onnx() -> Any:
    """The package onnx. Raises DataError with what to do where it is missing."""
    try:
        import onnx
    except ImportError as error:
        raise DataError("ONNX files need the package onnx: pip install 'owlkit[export]'") from error
    return onnx


class Writer:
    """Collects nodes and initializers, layer by layer; the rules call it.

    Every value has one name, written once: the last version of a blob has the blob's own name, the versions
    before an in-place layer get a number.

    scaled : names of blobs whose first axis grows with the batch, where the batch may have any size.
    output_blobs, output_names : after `finish`, the blobs that are outputs, and their names in the file.
    prefix : of the names of values, for a graph inside a graph.
    """

    def __init__(self, scaled: set[str] | None = None, prefix: str = "") -> None:
        self.helper = import_onnx().helper
        self.numpy_helper = import_onnx().numpy_helper
        self.nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.scaled, self.prefix = scaled or set(), prefix
        self.owners: dict[int, str] = {}
        self.output_blobs: list[str] = []
        self.output_names: list[str] = []
        self._tensors: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._counter = 0
        self.node: Node | None = None

    # -- what the rules read
    @property
    def layer(self) -> Any:
        assert self.node is not None
        return self.node.layer

    def bottom(self, index: int = 0) -> str:
        """The tensor of a bottom."""
        assert self.node is not None
        return self._tensors[self.node.bottom_names[index]]

    def blob(self, index: int = 0) -> Blob:
        """The blob of a bottom, for its shape."""
        assert self.node is not None
        return self.node.bottom[index]

    def is_input(self, tensor: str) -> bool:
        """Whether a tensor comes from outside, and not from a layer."""
        return self._names.get(tensor) == tensor

    # -- what the rules write
    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; its output's name, or a list of names where there are several."""
        names = [self._fresh(kind) for _ in range(outputs)]
        self.nodes.append(self.helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant tensor."""
        name = self._fresh("constant")
        self.initializers[name] = np.array(value, dtype)
        return name

    def param(self, index: int, value: np.ndarray | None = None) -> str:
        """A learned blob of the layer; `value` where ONNX wants another shape than Caffe."""
        blob = self.layer.blobs[index]
        if value is not None:
            name = f"{tensor_name(self.layer.name, self.layer.type, index)}.reshaped"
            self.initializers[name] = np.array(value, np.float32, order="C")  # a copy: training goes on
            return name
        mine = tensor_name(self.layer.name, self.layer.type, index)
        name = self.owners.setdefault(id(blob.memory("data")), mine)
        stored = self.initializers.setdefault(name, np.array(blob.peek(), np.float32, order="C"))
        return name if stored.shape == blob.shape else self.param(index, blob.peek())

    def reshape(self, tensor: str, shape: Sequence[int], *, scaled: bool | None = None) -> str:
        """To a fixed shape, but for a first axis that grows with the batch."""
        assert self.node is not None
        free = self.node.bottom_names[0] in self.scaled if scaled is None else scaled
        target = [-1, *shape[1:]] if free and shape else list(shape)
        return self.op("Reshape", tensor, self.constant(target, np.int64))

    def top(self, tensor: str, index: int = 0) -> None:
        """Say which tensor is a top of the layer."""
        assert self.node is not None
        self._tensors[self.node.top_names[index]] = tensor

    # -- the whole
    def add_input(self, name: str) -> None:
        self._tensors[name] = name
        self._names[name] = name

    def finish(self, outputs: Sequence[str]) -> list[Any]:
        """All nodes, the outputs under the names of their blobs where no input has that name already."""
        self.output_blobs = [blob for blob in outputs if self._tensors[blob] != blob]  # others are inputs
        for blob in self.output_blobs:
            tensor = self._tensors[blob]
            if tensor in self._names or tensor in self.initializers:
                tensor = self.op("Identity", tensor)
            taken = blob in self._names.values() or blob in self.initializers
            self._names[tensor] = f"{blob}_out" if taken else blob
            self.output_names.append(self._names[tensor])
        for node in self.nodes:
            for field in (node.input, node.output):
                field[:] = [self._names.get(name, name) for name in field]
        return self.nodes

    def tensors(self) -> list[Any]:
        """The initializers as ONNX stores them."""
        return [self.numpy_helper.from_array(array, name) for name, array in self.initializers.items()]

    def _fresh(self, kind: str) -> str:
        self._counter += 1
        layer = f"{self.node.name}/" if self.node is not None else ""
        return f"{layer}{self.prefix}{kind}:{self._counter}"
