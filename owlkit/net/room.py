"""Whether a net's blobs find room in this machine's memory at all.

The system gives memory when it is first written to, and where it has none left it ends a process without a
word. So what cannot fit is told before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core import machine
from owlkit.core.blob import Blob
from owlkit.core.errors import NetError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.sizes import size
from owlkit.net.graph import Graph, Node


def check_room(net: Any, nodes: Sequence[Node], *, backward: bool = False) -> None:
    """Raise NetError where what a pass writes to exceeds the machine's memory and swap together.

    net : a Net; one on a GPU takes no memory here, one that uses memory again less than its blobs'.
    nodes : those of its layers that the pass runs. backward : whether gradients are counted too, but for
    those that a plan may let share memory with others. What kernels keep is not counted, nor what other
    programs take: what passes here may still be too much.
    """
    there, graph = machine.memory_with_swap(), net.graph
    if there is None or net.reuse is not None or isinstance(net.device, GpuDevice):
        return
    found: dict[int, tuple[int, str]] = {}
    handed_on = _handed_on(nodes) if backward else set()
    for node in nodes:
        for top in node.top:
            _count(found, top, "data")
            if backward and node.backward and id(top) not in handed_on:
                _count(found, top, "diff")
    needed = sum(nbytes for nbytes, _ in found.values())
    if needed <= there:
        return
    most, name = max(found.values())
    what, more = (" and their gradients", "; iter_size adds batches up") if backward else ("", "")
    raise NetError(
        f"{graph.name or 'the net'} ({graph.phase}): its blobs{what} need {size(needed)}, this machine has "
        f"{size(there)} of memory; blob {name!r} alone needs {size(most)}: lower {_batch(graph)} or the size "
        f"of the images{more}"
    )


def _handed_on(nodes: Sequence[Node]) -> set[int]:
    """Identities of the blobs whose gradient is that of a top: a sum need not copy it, see `steps`."""
    return {
        id(bottom)
        for node in nodes
        for index, bottom in enumerate(node.bottom)
        if not node.runs_in_place and node.layer.passes_gradient(index)
    }


def _count(found: dict[int, tuple[int, str]], blob: Blob, role: str) -> None:
    memory = blob.memory(role)
    nbytes = max(blob.descriptor.nbytes, found.get(id(memory), (0, ""))[0])
    found[id(memory)] = (nbytes, blob.name)


def _batch(graph: Graph) -> str:
    first = next((top.shape[0] for node in graph.nodes for top in node.top if top.ndim), 1)
    return f"the batch size ({first:,} now)"
