"""What a net takes of a GPU's memory, layer by layer, and which batch would fit where it is not enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from owlkit.core.blob import Blob
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.net.graph import Graph
from owlkit.net.tables import size, text_table

_SHOWN = 8  # layers
_HEADER = ("layer", "tops, with gradients", "learned, with gradients")


@dataclass(frozen=True)
class Need:
    """Bytes that a layer is the first to take: its tops (data and gradients), what it learns, and how much of
    both lies on the GPU already."""

    layer: str
    tops: int
    learned: int
    held: int


def needs(graph: Graph, backward: bool) -> list[Need]:
    """For every layer; memory that several blobs share counts once, gradients only where `backward`."""
    seen: set[int] = set()
    found = []
    for node in graph.nodes:
        (tops, held), (learned, kept) = (
            _fresh(blobs, seen, backward) for blobs in (node.top, (*node.layer.blobs, *node.layer.working))
        )
        found.append(Need(f"{node.name} ({node.layer.type})", tops, learned, held + kept))
    return found


def _fresh(blobs: Iterable[Blob], seen: set[int], backward: bool) -> tuple[int, int]:
    """Bytes of memory that was not seen yet, and how much of it lies on the GPU."""
    whole = held = 0
    for blob in blobs:
        for role in ("data", "diff") if backward else ("data",):
            memory = blob.memory(role)
            if id(memory) not in seen:
                seen.add(id(memory))
                size = blob.descriptor.nbytes if memory.bytes is None else memory.bytes.size
                whole, held = whole + size, held + (size if memory.mirror is not None else 0)
    return whole, held


def fitting_batch(batch: int, found: Iterable[Need], free: int) -> int:
    """The largest batch below `batch` for which tops and learned blobs fit; 0 where none does.

    free : bytes beside what the net holds already.
    """
    columns = zip(*((n.tops, n.learned, n.held) for n in found), strict=True)
    tops, learned, held = (sum(column) for column in columns)
    if not tops:
        return 0
    return max(0, min(batch - 1, int(batch * (free + held - learned) / tops)))


def take_memory(device: GpuDevice, graph: Graph, backward: bool) -> None:
    """Take the GPU's memory for all blobs, their gradients where `backward`, and what kernels share."""
    for node in graph.nodes:
        for blob in (*node.top, *node.layer.blobs, *node.layer.working):
            for tensor in (blob.data_tensor, *([blob.diff_tensor] if backward else [])):
                device.gpu.mirror(tensor.memory)
    if device.scratch_bytes:
        device.workspace()


def explain(error: OutOfMemoryError, graph: Graph, backward: bool) -> None:
    """Add to the message which layers take most, and which batch would fit."""
    found = needs(graph, backward)
    largest = sorted(found, key=lambda need: need.tops + need.learned, reverse=True)[:_SHOWN]
    everything = sum(n.tops for n in found), sum(n.learned for n in found)
    rows = [(n.layer, size(n.tops), size(n.learned)) for n in largest]
    rows.append(("all layers", size(everything[0]), size(everything[1])))
    header = ("layer", "tops", "learned") if not backward else _HEADER
    table = text_table(header, rows, (1, 2))
    error.add(f"the layers that take most of it:\n{table}\n{_advice(error, graph, found)}")


def _advice(error: OutOfMemoryError, graph: Graph, found: list[Need]) -> str:
    first = next((top for node in graph.nodes for top in node.top if top.ndim), None)
    batch = first.shape[0] if first is not None else 1
    fits = fitting_batch(batch, found, error.free)
    if fits:
        return f"a batch of {fits} in place of {batch} would fit, by these numbers; iter_size adds batches up"
    return "no batch would fit beside what else lies on the GPU; close other nets and programs that use it"
