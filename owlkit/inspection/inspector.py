"""Looking inside a net in one line: `owlkit.inspect`."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core import frontends
from owlkit.core.errors import NetError, closest
from owlkit.inspection.distribution import Distribution, distribution, standard_deviation
from owlkit.inspection.graphs.drawing import Drawing, lay_out
from owlkit.inspection.graphs.facts import LayerFacts
from owlkit.inspection.graphs.svg import drawing_svg
from owlkit.inspection.graphs.view import Cards, arrange
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.look import Look
from owlkit.inspection.movement import Movement, Weights, movement_report, movements
from owlkit.inspection.net_report import net_report
from owlkit.inspection.prediction import Labels, Prediction, read_labels
from owlkit.inspection.report import Report
from owlkit.inspection.subject import Subject, stored_arrays, subject_of
from owlkit.inspection.timing import Timing, Told, time_net
from owlkit.io.stored import read_weights
from owlkit.net import tables


class Inspector:
    """A net, laid open; made by `owlkit.inspect`.

    In a notebook with the widgets it is shown live: graph, table, one layer's details, blobs, classification.
    Elsewhere it prints as a table, and `distribution`, `movements`, `classify` and `look` give the numbers.

    subject : what is inspected. layers : LayerFacts of all layers. notes : what had to be assumed.
    """

    frontend_kind = "inspector"

    def __init__(
        self,
        subject: Subject,
        *,
        compare: Any = None,
        labels: Labels | None = None,
        prepare: ImageInput | None = None,
        image: Any = None,
    ) -> None:
        self.subject = subject
        self.labels = read_labels(labels)
        self.prepare = prepare or input_of(subject)
        self.image = image
        self.earlier: Weights = {}
        self.earlier_name = ""
        self._seen: dict[tuple[str, int], Distribution] = {}
        self._stds: dict[str, float] = {}
        self._timings: dict[str, Timing] = {}
        self._cards: dict[tuple[str, bool], Cards] = {}
        if compare is not None:
            self.compare_with(compare)

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def layers(self) -> list[LayerFacts]:
        return self.subject.layers

    @property
    def notes(self) -> list[str]:
        self.subject.graph  # noqa: B018  (what had to be assumed is known only then)
        return self.subject.notes

    def show_phase(self, phase: str) -> None:
        """Show the layers of another phase. Raises NetError for one that this net does not have."""
        if phase not in self.subject.phases:
            known = " or ".join(self.subject.phases)
            raise NetError(f"{self.name} has no phase {phase!r} to show, only {known}")
        if phase != self.subject.phase:
            self.subject = self.subject.in_phase(phase)

    # -- the graph
    def cards(self, fold: bool = True) -> Cards:
        """The layers as cards and stages. fold : put ReLU, pooling and norms into their layer's card."""
        if (self.subject.phase, fold) not in self._cards:
            self._cards[self.subject.phase, fold] = arrange(self.layers, fold)
        return self._cards[self.subject.phase, fold]

    def drawing(self, opened: Sequence[str] | None = None, fold: bool = True) -> Drawing:
        """Where all of it lies. opened : keys of stages to open; None opens what can be taken in."""
        cards = self.cards(fold)
        return lay_out(cards.sheet, cards.tree, cards.first_open if opened is None else opened)

    def svg(self, opened: Sequence[str] | None = None, fold: bool = True) -> str:
        """The graph as SVG that is complete as a file."""
        return drawing_svg(self.drawing(opened, fold), self.cards(fold), f"{self.name}: its layers")

    # -- weights
    def weights(self, layer: str) -> Sequence[np.ndarray]:
        """Learned blobs of a layer: [weights, biases]; none where the net has no weights here.

        Raises NetError for a layer that the net does not have.
        """
        if layer not in (names := [facts.name for facts in self.layers]):
            raise NetError(f"there is no layer {layer!r}{closest(layer, names)}")
        return self.subject.weights.get(layer, ())

    def distribution(self, layer: str, index: int = 0) -> Distribution:
        """How the values of a learned blob are spread, after one iteration where the net is in training.

        Raises NetError where there is no such blob.
        """
        count = len(self.weights(layer))
        if not 0 <= index < count:
            raise NetError(f"{layer}: there is no learned blob {index}; it has {count} here")
        if self.subject.net is not None:  # it may go on learning
            return distribution(self.subject.still(layer)[layer][index])
        if (layer, index) not in self._seen:
            self._seen[layer, index] = distribution(self.weights(layer)[index])
        return self._seen[layer, index]

    def std(self, layer: str) -> float | None:
        """Standard deviation of a layer's weights; None where there are none here."""
        return self._stds_of(layer).get(layer) if self.subject.weights.get(layer) else None

    def stds(self) -> Mapping[str, float]:
        """Layer -> standard deviation of its weights, after one and the same iteration."""
        return self._stds_of()

    def _stds_of(self, *layers: str) -> Mapping[str, float]:
        """Of these layers, by default of all."""
        if self.subject.net is not None:
            return _stds(self.subject.still(*layers))
        known = self.subject.weights
        missing = [name for name in layers or known if name not in self._stds]
        self._stds.update(_stds({name: known[name] for name in missing}))
        return self._stds

    # -- time
    def time(self, passes: int | None = None, told: Told | None = None) -> Timing:
        """Time every layer, forward and backward, in the phase that is shown; kept in `timing`.

        A net of its own is made for it, with noise for data: the one given is left alone; see `time_net`,
        which also says what is raised. passes : None takes what fits into a second, from 5 to 50.
        """
        subject = self.subject
        found = self._timings[subject.phase] = time_net(subject, passes, told)
        return found

    @property
    def timing(self) -> Timing | None:
        """What `time` found last in the phase that is shown, None before."""
        return self._timings.get(self.subject.phase)

    # -- another snapshot
    def compare_with(self, other: Any) -> None:
        """Take a file of weights, a Net or a Solver as the earlier snapshot to compare with."""
        if isinstance(other, (str, os.PathLike)):
            self.earlier, self.earlier_name = stored_arrays(read_weights(Path(other))), Path(other).name
        else:
            subject = subject_of(other)
            self.earlier, self.earlier_name = subject.still(), subject.source
        if not self.earlier:
            raise NetError(f"{self.earlier_name} has no weights to compare with")
        self.__dict__.pop("movements", None)

    @cached_property
    def movements(self) -> list[Movement]:
        """What moved since the earlier snapshot, for each learned blob; empty without one.

        A net in training is compared as it was after one iteration, and trains on meanwhile.
        """
        return movements(self.earlier, self.subject.still()) if self.earlier else []

    def movement_report(self) -> Report:
        """A table of what moved. Raises NetError where nothing was given to compare with."""
        if not self.earlier:
            raise NetError("there is nothing to compare with; give compare=, or call compare_with")
        return movement_report(self.movements, self.earlier_name, self.subject.source)

    def moved(self) -> Mapping[str, float]:
        """Layer -> relative change of its first learned blob."""
        return {m.layer: m.relative for m in self.movements if m.index == 0 and m.comparable}

    # -- images
    def look(self, image: Any = None) -> Look:
        """Run one image through the net, by default the one that was given; see `Look`.

        Raises NetError where the net cannot be run or takes no images, DataError where there is no image, or
        one that does not fit.
        """
        return Look(self.subject.runnable, self.image if image is None else image, self.prepare, self.labels)

    def classify(self, image: Any = None, k: int = 5) -> Prediction:
        """The k most likely classes of an image; raises as `look`, and NetError where there are none."""
        return self.look(image).predict(k)

    # -- words
    def report(self) -> Report:
        """All layers as a table, what was assumed, times, and what moved."""
        return net_report(self)

    @property
    def title(self) -> str:
        """Name, phase, and numbers of layers, parameters and multiply-adds."""
        parts = [f"{len(self.layers)} layers"]
        if self.subject.graph is not None:
            parts += [f"{tables.count(self.subject.graph.parameter_count)} parameters"]
            parts += [f"{tables.count(self.subject.graph.macs)} multiply-adds"]
        return f"{self.subject.source}: {self.name} ({self.subject.phase})\n{', '.join(parts)}"

    def __repr__(self) -> str:
        return repr(self.report())

    def _repr_html_(self) -> str:
        report = self.report()
        table = tables.html_table(report.header, report.rows, report.right)
        remarks = "".join(f"<div>{html.escape(remark)}</div>" for remark in report.remarks)
        picture = f'<div style="overflow-x:auto">{self.svg()}</div>'
        return f"<b>{html.escape(report.title)}</b>{picture}{table}{remarks}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return frontends.mimebundle(self) or {"text/plain": repr(self), "text/html": self._repr_html_()}


def _stds(weights: Weights) -> dict[str, float]:
    return {layer: standard_deviation(blobs[0]) for layer, blobs in weights.items() if len(blobs)}


def inspect(
    what: Any,
    weights: Any = None,
    *,
    compare: Any = None,
    labels: Labels | None = None,
    prepare: ImageInput | None = None,
    image: Any = None,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
) -> Inspector | Report:
    """Look inside a net: its graph, layers, weights, blobs, what it says about an image, what moved.

    what : a Net, a Solver, a Graph, a NetSpec or NetParameter, or the path of a prototxt or a caffemodel. Any
    other of Caffe's files (a solver, a solverstate, a mean, HDF5 weights, a set) gives a Report on it.
    weights : file of weights for a definition. compare : an earlier snapshot, a file of weights or a Net.
    labels : names of the classes, a list or a file with one a line. image, prepare : a photograph to begin
    with, and how photographs become input (`ImageInput`). phase, level, stages : select the layers.

        owlkit.inspect(net)
        owlkit.inspect("train_val.prototxt", "iter_48000.caffemodel", compare="iter_10000.caffemodel")

    Raises DataError, FileFormatError or PrototxtError where a file is missing or damaged, NetError where
    things do not go together, TypeError for what is no net.
    """
    if isinstance(what, (str, os.PathLike)) and not _has_a_net(Path(what)):
        from owlkit.inspection.files import inspect_file

        return inspect_file(Path(what))
    subject = subject_of(what, weights, phase=phase, level=level, stages=stages)
    return Inspector(subject, compare=compare, labels=labels, prepare=prepare, image=image)


def _has_a_net(path: Path) -> bool:
    """Whether a file defines a net: a prototxt of one, or a caffemodel, which holds its definition."""
    from owlkit.inspection.files import kind_of
    from owlkit.io import hdf5_snapshots, safetensors_weights
    from owlkit.io.stored import first_bytes

    kind = kind_of(path)
    if kind == "weights":
        return not any(m.recognises(first_bytes(path)) for m in (hdf5_snapshots, safetensors_weights))
    return kind == "net"
