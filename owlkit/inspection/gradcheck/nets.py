"""A whole net: rebuilt in float64 with the same weights and inputs, then layer by layer, then its loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from owlkit.core.errors import NetError, closest
from owlkit.inspection.gradcheck import sampling
from owlkit.inspection.gradcheck.compare import relative_error
from owlkit.inspection.gradcheck.course import Expected, pass_seconds
from owlkit.inspection.gradcheck.one_layer import has_gradient, wanted_bottoms
from owlkit.inspection.gradcheck.probe import EPSILON, NOISE, Slot, learns
from owlkit.inspection.gradcheck.settings import Settings
from owlkit.inspection.twin import with_inputs
from owlkit.net import Net
from owlkit.net.graph import Node

LOSS_STEPS = (1.0, 0.1, 0.01, 0.001)  # of the step; small ones leave the kinks of many ReLUs behind
LOSS_TOLERANCE = 10.0  # times that of a layer: along a direction of all weights some kinks are met


def build(definition: Any, seed: int | None) -> Net:
    """The net itself, or the train net of a definition."""
    return definition if isinstance(definition, Net) else Net(definition, phase="train", seed=seed)


def in_float64(net: Net, inputs: Mapping[str, Any], seed: int) -> tuple[Net, list[str]]:
    """(the net again in float64, remarks on its inputs); data layers become inputs with what they hold."""
    sources = [n for n in net.graph.nodes if not n.bottom and not n.layer.blobs]
    names = [name for node in sources for name in node.top_names]
    for name in inputs:
        if name not in names:
            raise NetError(f"there is no input {name!r}{closest(name, names)}; inputs are {names}")
    with net.at_rest(), net.turns.taken():  # a check may be made again while a cell trains the net
        _draw(net, [node for node in sources if node.layer.type != "Input"])
        arrays = {n: np.array(inputs[n] if n in inputs else net.blobs[n].data, "float64") for n in names}
        shapes = {name: array.shape for name, array in arrays.items()}
        twin = Net(
            with_inputs(net.graph, shapes), phase=net.phase, dtype="float64", seed=net.seed, fuse=False
        )
        for theirs, mine in zip(net.layers, twin.layers, strict=True):
            _copy_layer(theirs, mine)
    for name, array in arrays.items():
        twin.blobs[name].data[...] = array
    given = {name for name in names if name not in inputs}
    return twin, _fill_empty_inputs(twin, given, np.random.default_rng(seed))


def _draw(net: Net, sources: list[Node]) -> None:
    """Let data layers that have not run yet draw one batch; their position is put back."""
    if not sources or any(blob.data.any() for node in sources for blob in node.top):
        return
    _ = net.plan
    saved = net.state()
    for node in sources:
        node.layer.forward(node.bottom, node.top)
    net.restore_state(saved)


def _copy_layer(theirs: Any, mine: Any) -> None:
    if _user_class(mine) is not _user_class(theirs):
        raise NetError(
            f"{theirs.name} ({theirs.type}): its class was defined again after this net was built, and that "
            "one would be checked, not the one that runs here; build the net again"
        )
    for blob, source in zip(mine.blobs, theirs.blobs, strict=True):
        blob.data[...] = source.data
    if mine.type != "Input":
        mine.rng.bit_generator.state = theirs.rng.bit_generator.state
        if theirs.state():
            mine.restore_state(theirs.state())


def _user_class(layer: Any) -> type | None:
    """The class behind a Python layer."""
    return type(layer.instance) if hasattr(layer, "instance") else None


def _fill_empty_inputs(net: Net, names: set[str], rng: np.random.Generator) -> list[str]:
    """Inputs that hold only zeros make every layer look flat: normal noise, except for labels."""
    remarks = []
    for name in sorted(names):
        readers = [
            i in node.layer.no_gradient
            for node in net.graph.nodes
            for i, bottom in enumerate(_origins(net, node))
            if bottom == name
        ]
        if not net.blobs[name].data.any() and not any(readers):
            net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
            remarks.append(f"{name} held only zeros: filled with random numbers")
    return remarks


def _origins(net: Net, node: Node) -> list[str]:
    """Names of the blobs that a layer reads, Split layers looked through."""
    behind = {
        top: n.bottom_names[0] for n in net.graph.nodes if n.layer.type == "Split" for top in n.top_names
    }
    if node.layer.type == "Split":
        return []
    return [behind.get(name, name) for name in node.bottom_names]


def hands_on_labels(net: Net, node: Node) -> bool:
    """Whether a node is a Split of what nobody wants the gradient of: labels for several losses."""
    if node.layer.type != "Split":
        return False
    readers = [
        (reader, i)
        for reader in net.graph.nodes
        for i, bottom in enumerate(reader.bottom_names)
        if bottom in node.top_names
    ]
    return bool(readers) and all(i in reader.layer.no_gradient for reader, i in readers)


def expected(nodes: Sequence[Node], settings: Settings) -> list[Expected]:
    """The blobs of these layers that will be checked, in order."""
    found = []
    for node in nodes:
        wanted = wanted_bottoms(node.layer, [blob.count for blob in node.bottom])
        learned = [learns(node.layer, i) for i in range(len(node.layer.blobs))]
        if not has_gradient(type(node.layer), wanted, learned):
            continue
        slots = [Slot(False, i, node.bottom_names[i]) for i, want in enumerate(wanted) if want]
        slots += [Slot(True, i) for i, learns_it in enumerate(learned) if learns_it]
        moved = sum(blob.count for blob in (*node.bottom, *node.top))
        seconds = pass_seconds(node.macs(), moved)
        for slot in slots:
            if settings.blob in ("", slot.label):
                blob = node.layer.blobs[slot.index] if slot.learned else node.bottom[slot.index]
                some = sampling.number(blob.count, settings.elements if settings.at is None else 1)
                found.append(Expected(node.name, node.layer.type, slot, tuple(blob.shape), some, seconds))
    return found


def walk(net: Net) -> Iterator[tuple[Node, list[np.ndarray]]]:
    """Each layer with copies of the values that it is about to read, in order; then it runs.

    Without those whose blobs are all empty: they have no kernels and nothing to check.
    """
    saved, inputs = net.state(), _inputs(net)
    net.forward()  # makes the kernels
    net.restore_state(saved)
    _set(net, inputs)
    for node in [node for step in net.plan.steps if not step.idle for node in step.nodes]:
        yield node, [blob.data.copy() for blob in node.bottom]
        node.layer.forward(node.bottom, node.top)
    net.restore_state(saved)
    _set(net, inputs)


def _inputs(net: Net) -> dict[str, np.ndarray]:
    """What they hold now: a layer in place may overwrite it."""
    return {name: net.blobs[name].data.copy() for name in net.inputs}


def _set(net: Net, inputs: Mapping[str, np.ndarray]) -> None:
    for name, array in inputs.items():
        net.blobs[name].data[...] = array


@dataclass(frozen=True)
class LossCheck:
    """The slope of the loss along one random direction of all that learns."""

    analytic: float
    numeric: float
    error: float


class LossProbe:
    """The loss of a net in float64 as a function of its learned blobs."""

    def __init__(self, net: Net) -> None:
        self.net, self._saved, self._inputs = net, net.state(), _inputs(net)
        self.blobs = [p.blob for p in net.learnable if p.lr_mult != 0]
        self._others = [(p.blob, p.blob.data.copy()) for p in net.learnable if p.lr_mult == 0]

    @property
    def is_empty(self) -> bool:
        return not self.blobs or not any(any(layer.loss_weights) for layer in self.net.layers)

    def loss(self) -> float:
        self.net.restore_state(self._saved)
        for blob, kept in self._others:
            blob.data[...] = kept
        _set(self.net, self._inputs)
        self.net.forward()
        return self.net.loss

    def check(self, settings: Settings, rng: np.random.Generator) -> LossCheck:
        loss = self.loss()
        self.net.clear_param_diffs()
        self.net.backward()
        sizes = [max(float(np.sqrt(np.mean(np.square(b.data)))), 1e-2) for b in self.blobs]
        signs = [rng.choice([-1.0, 1.0], b.shape) * size for b, size in zip(self.blobs, sizes, strict=True)]
        terms = [b.diff * s for b, s in zip(self.blobs, signs, strict=True)]
        analytic = float(sum(term.sum() for term in terms))
        size = float(np.sqrt(sum(np.square(term).sum() for term in terms)))
        best = LossCheck(analytic, float("nan"), float("inf"))
        for factor in LOSS_STEPS:
            step = settings.step * factor
            numeric = self._slope(signs, step)
            noise = NOISE * EPSILON * abs(loss) / step
            floor = max(0.01 * size, noise / settings.tolerance / LOSS_TOLERANCE)
            if factor != 1.0 and floor > max(abs(analytic), abs(numeric), size):
                break  # the step is too small to tell anything
            error = relative_error(analytic, numeric, floor)
            if error < best.error or not np.isfinite(best.numeric):
                best = LossCheck(analytic, numeric, error)
        return best

    def _slope(self, signs: list[np.ndarray], step: float) -> float:
        kept = [blob.data.copy() for blob in self.blobs]
        found = []
        try:
            for side in (step, -step):
                for blob, old, sign in zip(self.blobs, kept, signs, strict=True):
                    blob.data[...] = old + side * sign
                found.append(self.loss())
        finally:
            for blob, old in zip(self.blobs, kept, strict=True):
                blob.data[...] = old
        return (found[0] - found[1]) / (2 * step)
