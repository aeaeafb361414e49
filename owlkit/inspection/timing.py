"""How long each layer of a net takes, forward and backward."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from owlkit.core.device import resolve_device
from owlkit.core.dtypes import wide
from owlkit.core.errors import NetError
from owlkit.core.gpu.device import GpuDevice
from owlkit.inspection.graphs.facts import LayerFacts, facts_of
from owlkit.inspection.report import Report
from owlkit.inspection.subject import Subject
from owlkit.inspection.twin import with_inputs
from owlkit.net import Net
from owlkit.net.plan import Plan, StepTime

WARM_UP = 2  # passes before the first that counts: memory is touched, kernels are made
FEWEST, MOST = 5, 50  # passes
ENOUGH_SECONDS = 1.0

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class LayerTime:
    """Median seconds of one layer in a pass with the whole batch.

    key, name, type : as in LayerFacts. within : name of the layer that ran it too, whose time has it; None
    for one that was timed itself. Copying for a Split layer counts with the layer whose top is split.
    """

    key: str
    name: str
    type: str
    forward: float = 0.0
    backward: float = 0.0
    within: str | None = None

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    def words(self) -> tuple[str, str]:
        """Milliseconds forward and backward."""
        if self.within is not None:
            return f"in {self.within}", ""
        return _ms(self.forward), _ms(self.backward) if self.backward else ""


@dataclass(frozen=True)
class Timing:
    """Medians over some passes of a net of its own, made like the one that is inspected.

    layers : in order, without Splits. batch_size : images in a pass. passes : that were timed.
    learns : whether anything went backward; not so in a phase without a loss.
    """

    name: str
    phase: str
    batch_size: int
    passes: int
    layers: tuple[LayerTime, ...]
    learns: bool

    @property
    def forward(self) -> float:
        """Seconds of a forward pass: the sum over the layers."""
        return sum(layer.forward for layer in self.layers)

    @property
    def backward(self) -> float:
        """Seconds of a backward pass; 0 where nothing goes backward."""
        return sum(layer.backward for layer in self.layers)

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    @property
    def by_key(self) -> Mapping[str, LayerTime]:
        return {layer.key: layer for layer in self.layers}

    @property
    def title(self) -> str:
        """What was measured, on a line, and the whole on another."""
        passes = f"medians of {self.passes} {'pass' if self.passes == 1 else 'passes'}"
        backward = (
            f", backward {_ms(self.backward)} ms" if self.learns else "; no loss, so nothing goes backward"
        )
        speed = f", {self.batch_size / self.seconds:.0f} images/s" if self.seconds else ""
        return (
            f"{self.name} ({self.phase}): {_images(self.batch_size)} a pass, {passes}\n"
            f"forward {_ms(self.forward)} ms{backward}{speed}"
        )

    def report(self) -> Report:
        """A row for each layer, in milliseconds, with its share of the total."""
        header = ["layer", "type", "forward ms", "backward ms", "share"]
        rows = [self._row(layer) for layer in self.layers]
        return Report(self.title, header, rows, right=(2, 3, 4), optional=(1,))

    def _row(self, layer: LayerTime) -> list[str]:
        timed = layer.within is None and self.seconds > 0
        share = f"{100 * layer.seconds / self.seconds:.1f} %" if timed else ""
        return [layer.name, layer.type, *layer.words(), share]

    def __repr__(self) -> str:
        return self.report().text()

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()


def time_net(subject: Subject, passes: int | None = None, told: Told | None = None) -> Timing:
    """Time every layer of a net, in the phase that is inspected and with its batch.

    A net of its own is made for it, with the same weights and kernels: the one given goes on undisturbed.
    Noise takes the place of its data, so reading data is not timed. Layers that run as one kernel are timed
    together, as `owlkit time` does.

    passes : how many to take medians of; None: what fits into a second, from 5 to 50.
    told : called with (passes done, passes in all) before each; what it raises ends the timing.
    Raises ValueError for fewer than one pass, NetError where the net cannot be made here.
    """
    if passes is not None and passes < 1:
        raise ValueError(f"a timing takes at least one pass, not {passes}")
    net = _like(subject)
    net.warmup()
    profiles = list(profiled(net.plan, passes, told))
    layers = _by_layer(facts_of(net.graph), net, medians(profiles))
    learns = bool(net.plan.backward_steps)
    return Timing(subject.name, subject.phase, net.batch_size, len(profiles), tuple(layers), learns)


def profiled(plan: Plan, passes: int | None = None, told: Told | None = None) -> Iterator[list[StepTime]]:
    """The times of each step, pass by pass, after some that do not count. Parameters as in `time_net`."""
    if told is not None:
        told(0, passes or 0)  # not known yet
    for _ in range(WARM_UP):
        started = time.perf_counter()
        plan.profile(1)
        took = time.perf_counter() - started
    count = passes or min(max(int(ENOUGH_SECONDS / took), FEWEST), MOST)
    for done in range(count):
        if told is not None:
            told(done, count)
        yield plan.profile(1)


def medians(profiles: Sequence[Sequence[StepTime]]) -> list[StepTime]:
    """The median of each step over passes."""
    return [
        replace(
            same[0],
            forward=statistics.median(step.forward for step in same),
            backward=statistics.median(step.backward for step in same),
        )
        for same in zip(*profiles, strict=True)
    ]


def _like(subject: Subject) -> Net:
    """A net with the definition, phase and weights of `subject`; nothing of it is shared, no file touched."""
    graph = subject.graph
    if graph is None:
        raise NetError(f"{subject.name} cannot be timed: {'; '.join(subject.notes)}")
    sources = [node for node in graph.nodes if not node.bottom and not node.layer.blobs]
    shapes = {top.name: top.shape for node in sources for top in node.top}
    definition = with_inputs(graph, shapes)
    kept = [layer for layer in definition.layer if layer.type != "HDF5Output"]  # it would write a file
    del definition.layer[:]
    definition.layer.extend(kept)
    device = resolve_device(None)
    dtype = graph.dtype if isinstance(device, GpuDevice) else wide(graph.dtype)
    net = Net(definition, phase=graph.phase, device=device, dtype=dtype, seed=1)
    _fill(net, subject)
    return net


def _fill(net: Net, subject: Subject) -> None:
    """Weights as they are, noise in place of images; labels and the like stay 0."""
    for name, blobs in subject.weights.items():
        for mine, array in zip(net.params.get(name, ()), blobs, strict=False):
            if mine.shape == array.shape:
                mine.data[...] = array
    noise = np.random.default_rng(1)
    for name in net.inputs:
        if net.blobs[name].ndim == 4:
            net.blobs[name].data[...] = noise.standard_normal(net.blobs[name].shape, np.float32)


def _by_layer(facts: Sequence[LayerFacts], net: Net, steps: Sequence[StepTime]) -> list[LayerTime]:
    """The times of steps, given to the first layer of each; what copies for Splits, to who made the blob."""
    seconds = [[0.0, 0.0] for _ in facts]
    runner = list(range(len(facts)))  # number of the layer whose step runs this one
    numbers = _numbers(net)
    for step, timed in zip(net.plan.steps, steps, strict=True):
        first = runner[numbers[id(step.nodes[0])]]
        for node in step.nodes:
            runner[numbers[id(node)]] = first
        seconds[first][0] += timed.forward
        seconds[first][1] += timed.backward
    return [
        LayerTime(layer.key, layer.name, layer.type, spent[0], spent[1], facts[by].name if by != i else None)
        for i, (layer, spent, by) in enumerate(zip(facts, seconds, runner, strict=True))
    ]


def _numbers(net: Net) -> dict[int, int]:
    """Identity of each node -> number of its layer among those that are not Splits; Splits: their maker's."""
    found: dict[int, int] = {}
    maker: dict[str, int] = {}
    count = 0
    for node in net.graph.nodes:
        splits = node.layer.type == "Split"
        found[id(node)] = maker[node.bottom_names[0]] if splits else count
        count += not splits
        maker.update(dict.fromkeys(node.top_names, found[id(node)]))
    return found


def _ms(seconds: float) -> str:
    """Milliseconds: three digits, none beyond the microsecond."""
    ms = 1e3 * seconds
    return f"{ms:.{3 if ms < 1 else 2 if ms < 10 else 1 if ms < 100 else 0}f}"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
