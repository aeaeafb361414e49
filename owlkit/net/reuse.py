"""Nets that use memory again (`memory="reuse"`): which blobs can still be read, and what the others say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.errors import NetError, closest
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.core.memory import Memory
from owlkit.net.graph import Graph
from owlkit.net.lifetimes import lifetimes, place
from owlkit.net.needs import explain
from owlkit.net.steps import Step


class RecycledBlob:
    """A blob whose content does not last: it has its shape, but reading what is gone raises NetError.

    recycled : "data", "diff" or both.
    """

    def __init__(self, blob: Blob, recycled: set[str]) -> None:
        self._blob, self._recycled = blob, recycled

    def __getattr__(self, name: str) -> Any:
        role = "diff" if "diff" in name else "data"
        if role in self._recycled and name in _CONTENT:
            raise self._error(role)
        return getattr(self._blob, name)

    def peek(self, role: str = "data") -> Any:
        """As `Blob.peek`."""
        if role in self._recycled:
            raise self._error(role)
        return self._blob.peek(role)

    def _error(self, role: str) -> NetError:
        name = self._blob.name
        return NetError(
            f"blob {name!r}: the memory of its {role} is used for other blobs too (memory='reuse'); to read "
            f"it, make the net with keep=[{name!r}], or with memory='keep'"
        )

    def __repr__(self) -> str:
        return f"{self._blob!r}, {' and '.join(sorted(self._recycled))} recycled"


_CONTENT = ("data", "diff", "data_tensor", "diff_tensor", "device_data", "device_diff", "__dlpack__")


class Reuse:
    """Places the blobs of a graph's steps into one piece of memory.

    keep : names of blobs to be kept besides the net's outputs and what its sources write.
    recycled : blob name -> the roles whose content does not last. total, saved : bytes that what was placed
        takes, and that it takes less than if each blob had its own.
    Raises NetError for a name that is no blob's.
    """

    def __init__(self, graph: Graph, keep: Sequence[str] = ()) -> None:
        for name in keep:
            if name not in graph.blobs:
                raise NetError(f"keep: there is no blob {name!r}{closest(name, graph.blobs)}")
        self._graph, self._keep = graph, set(keep)
        self.recycled: dict[str, set[str]] = {}
        self.total = self.saved = 0

    def apply(self, steps: Sequence[Step], device: Device) -> None:
        """Give the steps' blobs their places; before any of them is used."""
        for step in steps:
            if step.layer.reshapes_in_forward:
                who = f"{step.name} ({step.layer.type})"
                raise NetError(
                    f"memory='reuse' needs shapes that stay, and {who} may reshape its tops in forward; make "
                    "the net with memory='keep'"
                )
        lives = lifetimes(steps, self._kept(steps))
        placement = place(lives)
        try:
            device.place(placement.total, placement.places)
        except OutOfMemoryError as error:
            explain(error, self._graph, any(step.backward for step in steps))
            raise
        moved = {id(life.memory) for life in lives}
        self.total = placement.total
        self.saved = sum(life.nbytes for life in lives) - placement.total
        self.recycled = {
            name: roles
            for name, blob in self._graph.blobs.items()
            if (roles := {role for role in ("data", "diff") if id(blob.memory(role)) in moved})
        }

    def _kept(self, steps: Sequence[Step]) -> Iterator[Memory]:
        names = {*self._keep, *self._graph.outputs}
        yield from _memories(self._graph.blobs[name] for name in names)
        for step in steps:
            if not step.bottom:
                yield from _memories(step.top)
            for node in step.nodes:
                weighted = zip(node.top, node.layer.loss_weights, strict=False)
                yield from _memories(top for top, weight in weighted if weight)

    def visible(self) -> dict[str, Any]:
        """The graph's blobs by name, those that do not last as `RecycledBlob`."""
        return {
            name: RecycledBlob(blob, self.recycled[name]) if name in self.recycled else blob
            for name, blob in self._graph.blobs.items()
        }


def _memories(blobs: Iterable[Blob]) -> Iterator[Memory]:
    for blob in blobs:
        yield blob.memory("data")
        yield blob.memory("diff")
