"""The layers of a net as it is used: those of tests, for any number of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import NetError
from owlkit.proto import caffe_pb2, rules

if TYPE_CHECKING:
    from owlkit.net.graph import Graph


def layers_in_use(graph: Graph, own: Sequence[Any], is_loss: Callable[[Any], bool]) -> list[Any]:
    """The layers that the net has in tests, fed by what feeds it now, whose shapes are known.

    own : the graph's layers without its Splits. A loss of training alone stays where tests have no such loss:
    what it makes of its bottom is the answer.
    """
    state = caffe_pb2.NetState()
    state.CopyFrom(graph.definition.state)
    state.phase = caffe_pb2.TEST
    whole = list(own)
    for index, layer in graph.left_out:
        whole.insert(index, layer)
    sources = [layer for layer in own if not layer.bottom]
    tested = [layer for layer in whole if layer.bottom and rules.included(layer, state)]
    made = {name for layer in (*sources, *tested) for name in layer.top}
    judged = {(layer.type, layer.bottom[0]) for layer in tested}
    trained = [
        layer
        for layer in own
        if layer.bottom
        and not rules.included(layer, state)
        and is_loss(layer)
        and (layer.type, layer.bottom[0]) not in judged
        and layer.bottom[0] in made
    ]
    chosen = {id(layer) for layer in (*sources, *tested, *trained)}
    return [layer for layer in whole if id(layer) in chosen]


def ends_of_tests(graph: Graph, layers: Sequence[Any]) -> list[Any]:
    """Of `layers_in_use`, those that tests alone have and on which no layer of the graph depends."""
    alone = {id(layer) for _, layer in graph.left_out}
    read: set[str] = set()
    ends = []
    for layer in reversed(layers):
        if id(layer) in alone and read.isdisjoint(layer.top):
            ends.append(layer)
        else:
            read.update(layer.bottom)
    return ends[::-1]


def measures(ends: Sequence[Any], labels: set[str]) -> list[Any]:
    """Of `ends_of_tests`, those that compare with labels, those that write a file, which is that of tests,
    and what is there for them.
    """
    found, made = [], set(labels)
    for layer in ends:
        if layer.type == "HDF5Output" or not made.isdisjoint(layer.bottom):
            found.append(layer)
            made.update(layer.top)
    for layer in reversed(ends):
        readers = [other for other in ends if not set(layer.top).isdisjoint(other.bottom)]
        if layer not in found and readers and all(other in found for other in readers):
            found.append(layer)
    return found


def check_made(graph: Graph, layers: Sequence[Any]) -> None:
    """NetError where a layer reads what is made in one phase alone."""
    made: set[str] = set()
    for layer in layers:
        for name in layer.bottom:
            if name not in made:
                other = "test" if graph.phase == "train" else "train"
                raise NetError(
                    f"{layer.name} ({layer.type}): what makes its bottom {name!r} is not in the "
                    f"{graph.phase} net that is deployed; deploy the {other} net, or give both layers the "
                    "same rules"
                )
        made.update(layer.top)


def stands_for_data(layer: Any, others: bool) -> bool:
    """Whether a DummyData is in the place of images: random numbers, or where no other layer gives any.

    others : whether there are.
    """
    if layer.type != "DummyData":
        return False
    return not others or any(filler.type != "constant" for filler in layer.dummy_data_param.data_filler)


def is_fed(graph: Graph, layer: Any) -> bool:
    """Whether a layer is a source of data, in whose place an Input is put."""
    if layer.bottom:
        return False
    nodes = {node.name: node for node in graph.nodes if not node.bottom}
    fed = {name for name, node in nodes.items() if node.layer.is_data or node.layer.type == "Input"}
    return layer.name in fed or stands_for_data(layer, bool(fed))


def images_at_a_time(graph: Graph) -> int:
    """Length of axis 0 of what the first source of data gives; 0 where there is none."""
    fed = (node.top[0].shape for node in graph.nodes if is_fed(graph, node.layer.param) and node.top)
    return next((shape[0] for shape in fed if shape), 0)


def refit(graph: Graph, layer: Any, trained: int, batch: int) -> None:
    """Have `batch` images where the number of those in a graph is written into one of its layers.

    layer : LayerParameter, changed in place. trained : that number, `images_at_a_time`. A Reshape says 0
    then, which copies it; a multiple stays one. DummyData of constants follows as well.
    """
    if layer.type == "Reshape":
        dims, p = layer.reshape_param.shape.dim, layer.reshape_param
        read = next((n.bottom[0].shape for n in graph.nodes if n.name == layer.name and n.bottom), ())
        first = p.axis == 0 and p.num_axes != 0 and len(dims) > 0 and dims[0] > 0
        if first and trained not in (0, batch) and read and read[0] % trained == dims[0] % trained == 0:
            dims[0] = 0 if dims[0] == read[0] else dims[0] // trained * batch
    elif layer.type == "DummyData":
        p = layer.dummy_data_param
        for shape, top in zip(p.shape, layer.top, strict=False):
            if len(shape.dim) and shape.dim[0] == trained and not _stands_behind_images(graph, top):
                shape.dim[0] = batch
        p.num[:] = [batch if num == trained else num for num in p.num]


def _stands_behind_images(graph: Graph, name: str) -> bool:
    """Whether a blob is what a Scale or Bias puts beside axes that come after that of images."""
    for node in graph.nodes:
        param = node.layer.param
        axis = {"Scale": param.scale_param.axis, "Bias": param.bias_param.axis}.get(param.type, 0)
        if axis != 0 and list(param.bottom[1:]) == [name]:
            return True
    return False
