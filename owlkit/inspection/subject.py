"""What is to be inspected, whatever it was given as: a definition, a graph where one can be made, weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.core.errors import NetError, OwlkitError
from owlkit.inspection.graphs.facts import LayerFacts, facts_of, facts_of_definition
from owlkit.io.stored import StoredWeights, from_proto, read_weights
from owlkit.io.weights import read_caffemodel
from owlkit.net import Net
from owlkit.net.graph import Graph
from owlkit.proto import caffe_pb2, rules

_DATA = {"Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "DummyData"}


@dataclass
class Subject:
    """A net to look at.

    source : what it is called: a file, or a name. definition : NetParameter without weights. net : where a
    live one was given. stored : weights from a file. filtered : whether the definition holds the layers of
    one phase only, as caffemodels do. notes : what had to be assumed, or why something is missing.
    """

    source: str
    definition: Any
    phase: str = "test"
    level: int = 0
    stages: Sequence[str] = ()
    net: Net | None = None
    stored: StoredWeights | None = None
    filtered: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.definition.name) or "net"

    @property
    def phases(self) -> list[str]:
        """Phases that can be shown; a net that was made for one has only that."""
        return [self.phase] if self.filtered else ["train", "test"]

    def in_phase(self, phase: str) -> Subject:
        """The same, with the layers of another phase."""
        return Subject(self.source, self.definition, phase, self.level, self.stages, self.net, self.stored)

    @cached_property
    def graph(self) -> Graph | None:
        """Shapes and connections; None, with a note, where the net cannot be made here."""
        if self.net is not None:
            return self.net.graph
        try:
            return self._graph(self.definition)
        except (OwlkitError, OSError) as error:
            assumed = with_assumed_inputs(rules.filter_net(self.definition, *self._state), self.stored)
            if assumed is not None:
                try:
                    graph = self._graph(assumed)
                except OwlkitError:
                    pass
                else:
                    self.notes.append(f"the data are not here, so their shape is assumed: {error}")
                    return graph
            self.notes.append(f"no shapes, because the net cannot be made here: {error}")
            return None

    @property
    def _state(self) -> tuple[str, int, Sequence[str]]:
        return self.phase, self.level, self.stages

    def _graph(self, definition: Any) -> Graph:
        return Graph(definition, phase=self.phase, level=self.level, stages=self.stages, seed=1)

    @cached_property
    def layers(self) -> list[LayerFacts]:
        """Of a net without shapes, names and connections alone."""
        if self.graph is not None:
            return facts_of(self.graph)
        return facts_of_definition(rules.filter_net(self.definition, *self._state).layer)

    @cached_property
    def runnable(self) -> Net:
        """A net with the weights, to run images through; NetError where there are none, or no shapes."""
        if self.net is not None:
            return self.net
        if self.graph is None or self.stored is None:
            what = "weights" if self.graph is not None else "shapes"
            raise NetError(f"{self.name} has no {what} here, so it cannot be run; give weights=, or a Net")
        net = Net(self.graph.definition, phase="test", backward=False, seed=1)
        net.copy_from(self.stored, quiet=True)
        return net

    @property
    def weights(self) -> Mapping[str, Sequence[np.ndarray]]:
        """Layer name -> its learned blobs; of a live net as they are now. Empty where there are none."""
        if self.net is not None:
            return {name: [blob.data for blob in blobs] for name, blobs in self.net.params.items()}
        return stored_arrays(self.stored) if self.stored is not None else {}

    def still(self, *layers: str) -> Mapping[str, Sequence[np.ndarray]]:
        """As `weights`, of one iteration, and so they stay: copies of what a live net may go on to change.

        layers : whose; by default all. A training waits while they are copied, and for nothing else.
        """
        if self.net is None:
            return self.weights
        with self.net.at_rest():
            return {
                name: [np.array(blob.peek()) for blob in blobs]
                for name, blobs in self.net.params.items()
                if not layers or name in layers
            }


def stored_arrays(stored: StoredWeights) -> dict[str, list[np.ndarray]]:
    """Layer name -> its learned blobs, as a file has them."""
    return {
        name: [_squeezed(blob.array) if blob.padded else blob.array for _, blob in sorted(blobs.items())]
        for name, blobs in stored.layers.items()
    }


def _squeezed(array: np.ndarray) -> np.ndarray:
    """Without the axes in front by which files of before 2014 make every shape four long."""
    shape = array.shape
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return array.reshape(shape)


def subject_of(
    what: Any, weights: Any = None, *, phase: str = "test", level: int = 0, stages: Sequence[str] = ()
) -> Subject:
    """Make one of a Net, a Solver or anything else with a `net`, a Graph, a path (prototxt or caffemodel), a
    NetParameter or a NetSpec.

    weights : file of weights, for a definition. Raises TypeError, PrototxtError, DataError, FileFormatError,
    and NetError where weights are given for a net that has its own.
    """
    net = _net_of(what)
    if net is not None or isinstance(what, Graph):
        if weights is not None:
            raise NetError("a Net has weights of its own; leave `weights` out, or give a definition")
        graph = net.graph if net is not None else what
        source = f"{graph.name or 'net'}, live" if net is not None else f"{graph.name or 'net'}, a graph"
        found = Subject(source, graph.definition, graph.phase, net=net, filtered=True)
        found.__dict__["graph"] = graph
        return found
    stored = read_weights(weights) if weights is not None else None
    definition, filtered = _definition(what)
    source = os.fspath(what) if isinstance(what, (str, os.PathLike)) else type(what).__name__
    if stored is None and any(layer.blobs for layer in definition.layer):
        stored = from_proto(definition, source)
    definition = _without_blobs(definition)
    return Subject(source, definition, phase, level, stages, None, stored, filtered)


def _net_of(what: Any) -> Net | None:
    for found in (what, getattr(what, "net", None), getattr(what, "_net", None)):
        if isinstance(found, Net):
            return found
    inner = getattr(getattr(what, "net", None), "_net", None)
    return inner if isinstance(inner, Net) else None


def _definition(what: Any) -> tuple[Any, bool]:
    """A NetParameter, and whether it holds the layers of one phase only."""
    if isinstance(what, (str, os.PathLike)) and not _is_text(Path(what)):
        net = proto.net_param(read_caffemodel(Path(what)))
        for layer in net.layer:
            layer.ClearField("include")
            layer.ClearField("exclude")
        return net, True
    return proto.net_param(what), False


def _is_text(path: Path) -> bool:
    from owlkit.inspection.files import kind_of

    return kind_of(path) in ("net", "solver")


def _without_blobs(net: Any) -> Any:
    bare = caffe_pb2.NetParameter()
    bare.CopyFrom(net)
    for layer in bare.layer:
        del layer.blobs[:]
    return bare


def with_assumed_inputs(net: Any, stored: StoredWeights | None) -> Any | None:
    """A filtered definition with Input layers in place of data layers whose files are missing.

    The size of images is `crop_size` or the file size that ImageData resizes to, their channels those that
    the first convolution takes by its stored weights (else 3). None where a size is not written anywhere.
    """
    assumed = caffe_pb2.NetParameter()
    assumed.CopyFrom(net)
    for layer in assumed.layer:
        if layer.type not in _DATA:
            continue
        size = layer.transform_param.crop_size or layer.image_data_param.new_height
        if not size:
            return None
        batch = layer.data_param.batch_size or layer.image_data_param.batch_size or 1
        width = layer.transform_param.crop_size or layer.image_data_param.new_width or size
        shapes = [(batch, _channels(net, layer.top[0], stored), size, width), (batch,)]
        name, tops = layer.name, list(layer.top)
        layer.Clear()
        layer.name, layer.type = name, "Input"
        layer.top.extend(tops)
        for shape in shapes[: len(tops)]:
            layer.input_param.shape.add(dim=shape)
    return assumed


def _channels(net: Any, blob: str, stored: StoredWeights | None) -> int:
    for layer in net.layer:
        if blob in layer.bottom and layer.type == "Convolution" and stored and layer.name in stored.layers:
            return int(stored.layers[layer.name][0].array.shape[1] * layer.convolution_param.group)
    return 3
