"""Writing nets for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from owlkit import proto
from owlkit.core.errors import FileFormatError, NetError, OwlkitError
from owlkit.export import pointwise, recurrence, shapes, windows
from owlkit.export.rules import RULES, NotInOnnx
from owlkit.export.writer import Writer, import_onnx
from owlkit.io.files import write_bytes
from owlkit.net import Graph, Net

FAMILIES = (pointwise, recurrence, shapes, windows)  # importing them is what fills RULES
# The newest that every version of onnx which the extra allows can check; no operator used here changed since.
OPSET = 23
_LIMIT = 2**31 - 1  # bytes: protobuf's limit for one message
_SOURCES = "it brings data or labels; export net.deploy(), or a definition whose data come from Input layers"
_LOSSES = "it is for training or testing; export net.deploy(), or a definition which ends with the scores"


def export_safetensors(net: Any, path: str | Path, *, weights: Any = None) -> Path:
    """Write the learned blobs of a net as safetensors, from which `Net.copy_from` reads them again.

    net : a Net of either phase, or a definition (path, NetParameter, NetSpec) whose weights are in the file
        `weights`. Weights given beside a Net are loaded into it.
    Returns the path. Raises FileFormatError for a name that does not end in .safetensors, and as `Net` and
    `Net.save` do.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise FileFormatError(f"{path}: give a name that ends in .safetensors")
    _as_net(net, weights).save(path)
    return path


def export_onnx(
    net: Any, path: str | Path, *, weights: Any = None, dynamic_batch: bool = False, opset: int = OPSET
) -> Path:
    """Write a trained net as an ONNX model that computes what the net computes in the test phase.

    net : a Net in the test phase, or a definition (path, NetParameter, NetSpec) whose weights are in the file
        `weights` (a caffemodel, HDF5 or safetensors file); given beside a Net they are loaded into it. Blobs
        keep their names.
    dynamic_batch : leave the first axis of inputs and outputs open; otherwise shapes are the net's.
    opset : version of ONNX's operators, 18 or later.
    Returns the path. Raises NetError that names every layer which cannot be expressed, before anything is
    written; FileFormatError above 2 GiB; DataError where the file cannot be written or onnx is missing.
    """
    if opset < 18:
        raise FileFormatError(
            f"opset {opset} is too old: operators are written as ONNX has had them since 18"
        )
    model = to_onnx(_tested(_as_net(net, weights)), dynamic_batch=dynamic_batch, opset=opset)
    size = model.ByteSize()
    if size > _LIMIT:
        raise FileFormatError(f"{path}: the model takes {size:,} bytes; an ONNX file can hold {_LIMIT:,}")
    import_onnx().checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())
    return Path(path)


def to_onnx(net: Net, *, dynamic_batch: bool = False, opset: int = OPSET) -> Any:
    """The ONNX ModelProto of a net; see `export_onnx`."""
    onnx = import_onnx()
    writer = Writer(_scaled_blobs(net) if dynamic_batch else None)
    with net.at_rest():
        _write_layers(writer, net)
    nodes = writer.finish(net.outputs)
    if not writer.output_names:
        raise NetError(f"net {net.name!r} has no outputs that layers compute; there is nothing to write")
    inputs = [_value(name, net.blobs[name], name in writer.scaled) for name in net.inputs]
    outputs = [
        _value(name, net.blobs[blob], blob in writer.scaled)
        for name, blob in zip(writer.output_names, writer.output_blobs, strict=True)
    ]
    graph = onnx.helper.make_graph(nodes, net.name or "net", inputs, outputs, writer.tensors())
    versions = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model(
        graph,
        opset_imports=versions,
        ir_version=onnx.helper.find_min_ir_version_for(versions),
        producer_name="owlkit",
    )


def _as_net(net: Any, weights: Any) -> Net:
    """A Net whose weights are all known. Raises NetError where `weights` leaves layers with what they had."""
    net = getattr(net, "owlkit_net", net)  # of a caffe.Net
    if not isinstance(net, Net):
        net = Net(net, phase="test", weights=weights, backward=False)
    elif weights is not None:
        net.load_report = net.copy_from(weights)
    report = net.load_report
    if weights is not None and report is not None and report.missing:
        raise NetError(
            f"{report.source} has no weights for {', '.join(report.missing)}, "
            "which would be exported untrained; give this net's weights, or export a Net that has them"
        )
    return net


def _tested(net: Net) -> Net:
    """The net; NetError where it computes what training computes."""
    if net.phase != "test":
        raise NetError(
            f"net {net.name!r} is in the train phase; export net.deploy(), which has its weights, or one "
            "made with phase='test', such as Net(definition, weights=...)"
        )
    return net


def _write_layers(writer: Writer, net: Net) -> None:
    """All layers through their rules; NetError with all that cannot be written."""
    refused = []
    for node in net.graph.nodes:
        writer.node = node
        reason = _refusal(node.layer)
        if reason is None and node.layer.type == "Input":
            for name in node.top_names:
                writer.add_input(name)
        elif reason is None:
            try:
                RULES[node.layer.type](writer)
            except NotInOnnx as error:
                reason = str(error)
        if reason is not None:
            refused.append(f"{node.name} ({node.layer.type}): {reason}")
            for index in range(len(node.top)):  # so that the layers behind it are looked at too
                writer.top("", index)
    writer.node = None
    if refused:
        raise NetError(f"net {net.name!r} cannot be written as ONNX; nothing was:\n  " + "\n  ".join(refused))


def _refusal(layer: Any) -> str | None:
    """Why a layer's type cannot be written, where it cannot."""
    if layer.type == "BatchNorm" and not layer.global_stats:
        return "statistics of the batch; take use_global_stats: false away"
    if layer.phase == "train" and layer.type in ("Dropout", "Pooling", "SPP"):
        return (
            "it computes as in training, as its own phase: TRAIN says; take that away, or export net.deploy()"
        )
    if layer.type == "Input" or layer.type in RULES:
        return None
    if layer.is_data or layer.type in ("DummyData", "HDF5Output"):
        return _SOURCES
    if layer.type.endswith("Loss") or layer.type in ("Accuracy", "SoftmaxWithLoss"):
        return _LOSSES
    return "ONNX has nothing that computes it"


def _value(name: str, blob: Any, scaled: bool) -> Any:
    shape: list[Any] = list(blob.shape)
    if scaled:
        shape[0] = "N"
    return import_onnx().helper.make_tensor_value_info(name, 1, shape)


def _scaled_blobs(net: Net) -> set[str]:
    """Blobs whose first axis grows with that of the inputs; NetError where a shape does otherwise."""
    definition = proto.net_param(net.graph.definition)
    sizes = {net.blobs[name].shape[0] for name in net.inputs if net.blobs[name].shape}
    if len(sizes) != 1:
        raise NetError(
            f"inputs have {sorted(sizes)} items; dynamic_batch needs one size of the batch for all"
        )
    (size,) = sizes
    for layer in definition.layer:
        if layer.type == "Input":
            del layer.input_param.shape[:]
            for top in layer.top:
                layer.input_param.shape.add().dim.extend([size * 3, *net.blobs[top].shape[1:]])
    try:
        graph = Graph(definition, phase="test")
    except OwlkitError as error:
        raise NetError(f"dynamic_batch: the net holds for batches of {size} only: {error}") from error
    _check_learned(net.graph, graph)
    scaled = set()
    for name, blob in net.blobs.items():
        found = graph.blobs[name].shape
        if found == blob.shape:
            continue
        if found != (size * 3, *blob.shape[1:]) or blob.shape[0] != size:
            raise NetError(
                f"dynamic_batch: blob {name!r} is {blob.shape} for a batch of {size} but {found} for "
                f"{size * 3}; its first axis must be the batch"
            )
        scaled.add(name)
    return scaled


def _check_learned(graph: Graph, other: Graph) -> None:
    """NetError where a learned blob has another shape in a net for other batches."""
    for mine, theirs in zip(graph.parameters.owners, other.parameters.owners, strict=True):
        if mine.blob.shape != theirs.blob.shape:
            raise NetError(
                f"dynamic_batch: parameter {mine.name} is {mine.blob.shape}, as the batch is; it would be "
                f"{theirs.blob.shape} for another size"
            )
