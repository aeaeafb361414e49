"""caffe.net_spec and caffe.proto: nets written in Python as scripts for pycaffe do it."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

import owlkit.caffe.proto.caffe_pb2 as by_path
from owlkit import caffe
from owlkit.caffe import layers as L
from owlkit.caffe import net_spec
from owlkit.caffe import params as P
from owlkit.caffe.proto import caffe_pb2
from owlkit.net import Graph
from owlkit.proto import caffe_pb2 as messages
from tests.support.shared import shared


def _logistic(batch_size: int) -> Any:
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[dict(dim=[batch_size, 4]), dict(dim=[batch_size])], ntop=2)
    n.ip1 = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type="xavier"))
    n.accuracy = L.Accuracy(n.ip1, n.label)
    n.loss = L.SoftmaxWithLoss(n.ip1, n.label)
    return n.to_proto()


def test_a_net_goes_through_a_file_as_text(tmp_path: Path) -> None:
    """What every script does: str() of the message, written to a file, and a net from it."""
    path = tmp_path / "logistic.prototxt"
    with open(path, "w") as stream:
        stream.write(str(_logistic(10)))
    graph = Graph(path)
    assert graph.blobs["ip1"].shape == (10, 2)
    assert [node.layer.type for node in graph.nodes][-1] == "SoftmaxWithLoss"


def test_tops_without_a_name_are_named_by_type() -> None:
    data, label = L.DummyData(shape=[dict(dim=[2, 3]), dict(dim=[2])], ntop=2)
    loss = L.SoftmaxWithLoss(L.InnerProduct(data, num_output=2), label)
    net = loss.to_proto()
    assert [layer.name for layer in net.layer] == ["DummyData1", "InnerProduct1", "SoftmaxWithLoss1"]
    assert list(net.layer[0].top) == ["DummyData1", "DummyData2"]
    assert str(caffe.to_proto(loss)) == str(net)


def test_in_place_and_without_tops() -> None:
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 2]))
    n.relu = L.ReLU(n.data, in_place=True)
    n.quiet = L.Silence(n.relu, ntop=0)
    layers = n.to_proto().layer
    assert list(layers[1].bottom) == list(layers[1].top) == ["data"]
    assert (layers[2].name, list(layers[2].top)) == ("quiet", [])


def test_what_is_no_top_is_a_type_error() -> None:
    data = L.DummyData(shape=[dict(dim=[2]), dict(dim=[2])], ntop=2)
    with pytest.raises(TypeError, match="Silence: bottoms are tops of other layers"):
        L.Silence(data, ntop=0)
    assert L.Silence(*data, ntop=0).type_name == "Silence"


def test_constants_and_their_messages() -> None:
    assert P.Pooling.MAX == caffe_pb2.PoolingParameter.MAX == 0
    assert P.Data.LMDB == caffe_pb2.DataParameter.LMDB
    assert caffe_pb2.PoolingParameter.PoolMethod.DESCRIPTOR.values_by_name["AVE"].number == P.Pooling.AVE


def test_messages_are_filled_from_python_values() -> None:
    layer = caffe_pb2.LayerParameter()
    net_spec.assign_proto(layer, "bottom", "a")
    net_spec.assign_proto(layer, "param", [dict(lr_mult=1), dict(lr_mult=2, decay_mult=0)])
    net_spec.assign_proto(layer, "convolution_param", dict(kernel_size=[3, 5]))
    assert list(layer.bottom) == ["a"]
    assert [param.lr_mult for param in layer.param] == [1, 2]
    assert list(layer.convolution_param.kernel_size) == [3, 5]
    with pytest.raises(TypeError, match="LayerParameter has no field 'botom'"):
        net_spec.assign_proto(layer, "botom", "a")


def test_names_of_parameter_messages() -> None:
    names = net_spec.param_name_dict()
    assert names["Convolution"] == "convolution"
    assert names["InnerProduct"] == "inner_product"
    assert names["HDF5Data"] == "hdf5_data"
    assert {"Loss", "Transformation"} <= set(names)


def test_messages_are_found_in_every_way_that_scripts_import_them() -> None:
    assert by_path is caffe_pb2
    assert importlib.import_module("owlkit.caffe.proto").caffe_pb2 is caffe_pb2
    assert caffe.proto.caffe_pb2 is caffe_pb2
    for name in ("NetParameter", "SolverParameter", "Datum", "BlobProto", "TRAIN", "TEST", "Phase"):
        assert getattr(caffe_pb2, name) is getattr(messages, name)
        assert name in dir(caffe_pb2)
    everything: dict[str, Any] = {}
    exec("from owlkit.caffe.proto.caffe_pb2 import *", everything)
    assert everything["LayerParameter"] is messages.LayerParameter
    with pytest.raises(AttributeError, match="NetParametre"):
        caffe_pb2.NetParametre


def test_messages_are_read_by_protobufs_own_text_format_and_pickled() -> None:
    path = shared("models/squeezenet_v1.1/deploy.prototxt")
    net = caffe_pb2.NetParameter()
    text_format.Merge(path.read_text(), net)
    net.force_backward = True
    assert net.layer[-1].type == "Softmax"
    again = text_format.Parse(str(net), caffe_pb2.NetParameter())
    assert again == net
    assert pickle.loads(pickle.dumps(net)) == net
    assert text_format.MessageToString(net) == str(net)


def test_messages_of_another_packages_caffe_proto_are_exchanged_by_their_bytes() -> None:
    """The pool is ours alone: the default one knows nothing of Caffe and can take another's schema."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    schema = descriptor_pb2.FileDescriptorProto()
    messages.DESCRIPTOR.CopyToProto(schema)
    default = descriptor_pool.DescriptorPool()
    default.Add(schema)
    other = message_factory.GetMessageClass(default.FindMessageTypeByName("caffe.Datum"))
    theirs = other(label=3, channels=1)
    ours = caffe_pb2.Datum()
    ours.ParseFromString(theirs.SerializeToString())
    assert ours.label == 3
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("caffe.Datum")
