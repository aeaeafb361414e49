"""What a net takes of a GPU's memory, layer by layer, and which batch would fit where it is not enough.

Not counted is what does not matter beside the rest: states of a few numbers, tables of addresses, the
probabilities of a softmax loss; nor what lies outside nets, as 32 MB for cuBLAS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from owlkit.core.blob import Blob
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.core.memory import ALIGNMENT, Memory
from owlkit.net.graph import Graph, Node
from owlkit.net.tables import size, text_table

_SHOWN = 8  # rows
_WORKSPACE, _SHARED, _HISTORY = "the kernels' workspace", "blobs, one after the other", "the solver's history"


@dataclass
class Need:
    """Bytes that a layer is the first to take: its tops (data and gradients), what lies beside them (versions
    beneath a blob, casts, what its kernels keep, batches on their way), what it learns; and how much of all
    that lies on the GPU already. A row may also stand for what several layers share.
    """

    layer: str
    tops: int = 0
    beside: int = 0
    learned: int = 0
    held: int = 0

    @property
    def total(self) -> int:
        return self.tops + self.beside + self.learned


@dataclass(frozen=True)
class _Claim:
    """Memory that a pass uses. column : of `Need`. blob, role : what it belongs to, where it is a blob's."""

    row: str
    column: str
    memory: Memory
    blob: Blob | None = None
    role: str = "data"

    @property
    def nbytes(self) -> int:
        whole = self.memory.whole
        if self.memory.bytes is None:
            assert self.blob is not None
            return self.blob.descriptor.nbytes
        # Within an arena each begins where the alignment allows it to.
        step = 1 if whole is None else ALIGNMENT
        return -(-self.memory.bytes.size // step) * step

    def take(self, device: GpuDevice) -> None:
        if self.blob is not None:
            memory = getattr(self.blob, f"{self.role}_tensor").memory
            device.gpu.mirror(memory)
        else:
            device.gpu.mirror(self.memory)


class _Claims:
    """Each memory that a pass over `graph` uses, once. backward : whether there is a backward pass."""

    def __init__(self, graph: Graph, backward: bool) -> None:
        self._graph, self._backward = graph, backward
        self._seen: set[int] = set()
        self._wanted = set(_wanted_gradients(graph)) if backward else set()

    def __iter__(self) -> Iterator[_Claim]:
        for node in self._graph.nodes:
            for claim in self._of(node):
                if id(claim.memory) not in self._seen:
                    self._seen.add(id(claim.memory))
                    yield claim
        for kept in self._graph.parameters.histories if self._backward else ():
            memory = kept()
            if memory is not None:
                yield _Claim(_HISTORY, "learned", memory)

    def _of(self, node: Node) -> Iterator[_Claim]:
        row, layer = f"{node.name} ({node.layer.type})", node.layer
        yield from self._of_blobs(row, "tops", node.top)
        if layer.claims is not None:
            yield from self._of_blobs(row, "beside", layer.claims.hidden)
            if layer.implementation != "reference":  # which works on the host
                yield from (_Claim(row, "beside", memory) for memory in layer.claims.memories)
        yield from self._of_blobs(row, "beside", layer.cast_bottoms.values())
        yield from self._of_blobs(row, "learned", (*layer.blobs, *layer.working))

    def _of_blobs(self, row: str, column: str, blobs: Iterable[Blob]) -> Iterator[_Claim]:
        for blob in blobs:
            yield _Claim(row, column, blob.memory("data"), blob)
            if _whole(blob.memory("diff")) in self._wanted:
                yield _Claim(row, column, blob.memory("diff"), blob, "diff")


def _wanted_gradients(graph: Graph) -> Iterator[int]:
    """Identities of the memories (of the whole arena, where they are parts of one) that hold gradients."""
    for node in graph.nodes:
        if not node.backward:
            continue
        layer = node.layer
        passed = [blob for blob, wanted in zip(node.bottom, node.propagate_down, strict=True) if wanted]
        inner = [blob for i, blob in layer.cast_bottoms.items() if node.propagate_down[i]]
        both = zip(layer.param_propagate_down, layer.blobs, layer.working, strict=True)
        learned = [blob for wanted, *pair in both if wanted for blob in pair]
        yield from (_whole(blob.memory("diff")) for blob in (*node.top, *passed, *inner, *learned))


def _whole(memory: Memory) -> int:
    whole = memory.whole
    return id(memory if whole is None else whole)


def needs(graph: Graph, backward: bool, error: OutOfMemoryError | None = None) -> list[Need]:
    """For every layer and for what they share; what several blobs lie in counts once.

    error : where it was raised when the blobs were to be placed, that counts as one.
    """
    rows: dict[str, Need] = {}
    for node in graph.nodes:
        name = f"{node.name} ({node.layer.type})"
        beside, held = node.layer.lane_bytes() if node.layer.claims is not None else (0, 0)
        rows[name] = Need(name, beside=beside, held=held)
    pieces: dict[int, int] = {}
    for claim in _Claims(graph, backward):
        mirror, nbytes = claim.memory.mirror, claim.nbytes
        piece = mirror.piece if mirror is not None else None
        if piece is not None:
            pieces[id(piece)] = piece.nbytes
        elif error is None or id(claim.memory) not in error.placed:
            row = rows.setdefault(claim.row, Need(claim.row))
            setattr(row, claim.column, getattr(row, claim.column) + nbytes)
            row.held += nbytes if mirror is not None else 0
    return [*rows.values(), *_shared(graph, sum(pieces.values()), error)]


def _shared(graph: Graph, pieces: int, error: OutOfMemoryError | None) -> Iterator[Need]:
    """The rows of what belongs to no layer alone."""
    if pieces:
        yield Need(_SHARED, tops=pieces, held=pieces)
    elif error is not None and error.placed:
        yield Need(_SHARED, tops=error.wanted)
    claims = [node.layer.claims for node in graph.nodes if node.layer.claims is not None]
    for device in {id(found.device): found.device for found in claims}.values():
        if isinstance(device, GpuDevice) and device.scratch_bytes:
            held = device.workspace_bytes  # twice as much where some calls are captured and some are not
            yield Need(_WORKSPACE, beside=max(device.scratch_bytes, held), held=held)


def fitting_batch(batch: int, found: Iterable[Need], free: int) -> int:
    """The largest batch below `batch` for which all fits; 0 where none does.

    What is learned stays as it is, the rest grows with the batch. free : bytes beside what the net holds
    already.
    """
    sums: dict[str, int] = defaultdict(int)
    for need in found:
        for column in ("tops", "beside", "learned", "held"):
            sums[column] += getattr(need, column)
    growing = sums["tops"] + sums["beside"]
    if not growing:
        return 0
    return max(0, min(batch - 1, int(batch * (free + sums["held"] - sums["learned"]) / growing)))


def take_memory(device: GpuDevice, graph: Graph, backward: bool) -> None:
    """Take the GPU's memory for all that a pass uses: blobs, their gradients where `backward`, what kernels
    keep and what they share, what a solver keeps, and batches on their way.
    """
    for claim in _Claims(graph, backward):
        claim.take(device)
    for node in graph.nodes:
        node.layer.take_lanes()
    if device.scratch_bytes:
        device.workspace()


def explain(error: OutOfMemoryError, graph: Graph, backward: bool) -> None:
    """Add to the message which layers take most, and which batch would fit."""
    found = needs(graph, backward, error)
    largest = sorted(found, key=lambda need: need.total, reverse=True)[:_SHOWN]
    columns = [(n.layer, n.tops, n.beside, n.learned) for n in largest]
    columns.append(("all", *(sum(getattr(n, c) for n in found) for c in ("tops", "beside", "learned"))))
    rows = [(name, *map(size, numbers)) for name, *numbers in columns]
    header = ("layer", "tops", "beside", "learned")
    table = text_table(header, rows, (1, 2, 3))
    gradients = ", gradients included" if backward else ""
    error.add(f"what takes most of it{gradients}:\n{table}\n{_advice(error, graph, found)}")


def _advice(error: OutOfMemoryError, graph: Graph, found: list[Need]) -> str:
    first = next((top for node in graph.nodes for top in node.top if top.ndim), None)
    batch = first.shape[0] if first is not None else 1
    fits = fitting_batch(batch, found, error.free)
    if fits:
        return f"a batch of {fits} in place of {batch} would fit, by these numbers; iter_size adds batches up"
    return "no batch would fit beside what else lies on the GPU; close other nets and programs that use it"
