"""The nets of the zoo are the published ones, layer by layer."""

# ruff: noqa: E501 - a published net and its call on one line

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from owlkit import zoo
from owlkit.core.errors import NetError
from owlkit.net import Graph
from owlkit.proto import caffe_pb2, read_net, text
from owlkit.proto.rules import filter_net
from owlkit.spec import NetSpec
from tests.support.shared import shared

IMAGENET = ("examples/imagenet/ilsvrc12_train_lmdb", "examples/imagenet/ilsvrc12_val_lmdb")
CIFAR = ("examples/cifar10/cifar10_train_lmdb", "examples/cifar10/cifar10_test_lmdb")
MNIST = ("examples/mnist/mnist_train_lmdb", "examples/mnist/mnist_test_lmdb")
IMAGENET_MEAN = "data/ilsvrc12/imagenet_mean.binaryproto"
CIFAR_MEAN = "examples/cifar10/mean.binaryproto"
# Of no meaning in a deployed net, and left out of most published ones.
LEARNING = ("param", "weight_filler", "bias_filler")


def _clean(message: Any, deploy: bool) -> Any:
    """Drops what can be said in two equal ways, such as values equal to the default, and learning in deploy."""
    for field, value in message.ListFields():
        if (deploy and field.name in LEARNING) or _is_default(field, value):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                _clean(inner, deploy)
            if not field.is_repeated and not value.ListFields():
                message.ClearField(field.name)
    return message


def _is_default(field: Any, value: Any) -> bool:
    if field.is_repeated:
        return (field.name, list(value)) in (("pad", [0]), ("stride", [1]))
    return field.has_default_value and value == field.default_value


def _layers(net: caffe_pb2.NetParameter, deploy: bool) -> dict[tuple[str, str], str]:
    """(name, phase rule) -> content. Order is compared apart: side branches may come earlier or later."""
    copy = type(net)()
    copy.CopyFrom(net)
    kept = {}
    for layer in copy.layer:
        rules = " ".join(text.format(rule).strip() for rule in layer.include)
        kept[layer.name, rules] = text.format(_clean(layer, deploy))
    assert len(kept) == len(copy.layer)
    return kept


PUBLISHED: list[tuple[str, Callable[[], NetSpec]]] = [
    ("bvlc/examples/mnist/lenet_train_test", lambda: zoo.lenet(*MNIST)),
    ("bvlc/examples/mnist/lenet", lambda: zoo.lenet()),
    (
        "bvlc/examples/cifar10/cifar10_quick_train_test",
        lambda: zoo.cifar10_quick(*CIFAR, mean_file=CIFAR_MEAN),
    ),
    ("bvlc/examples/cifar10/cifar10_quick", lambda: zoo.cifar10_quick(batch_size=1)),
    ("bvlc/examples/cifar10/cifar10_full_train_test", lambda: zoo.cifar10_full(*CIFAR, mean_file=CIFAR_MEAN)),
    ("bvlc/examples/cifar10/cifar10_full", lambda: zoo.cifar10_full(batch_size=1)),
    ("bvlc/models/bvlc_alexnet/train_val", lambda: zoo.alexnet(*IMAGENET, mean_file=IMAGENET_MEAN)),
    ("bvlc/models/bvlc_alexnet/deploy", lambda: zoo.alexnet()),
    (
        "bvlc/models/bvlc_reference_caffenet/train_val",
        lambda: zoo.caffenet(*IMAGENET, mean_file=IMAGENET_MEAN),
    ),
    ("bvlc/models/bvlc_reference_caffenet/deploy", lambda: zoo.caffenet()),
    ("bvlc/models/bvlc_googlenet/train_val", lambda: zoo.googlenet(*IMAGENET)),
    ("bvlc/models/bvlc_googlenet/deploy", lambda: zoo.googlenet()),
    ("squeezenet_v1.1/deploy", lambda: zoo.squeezenet()),
]


@pytest.mark.parametrize(("path", "make"), PUBLISHED, ids=[path for path, _ in PUBLISHED])
def test_published_nets(path: str, make: Callable[[], NetSpec]) -> None:
    published = read_net(shared(f"models/{path}.prototxt"))
    ours = make().to_proto()
    deploy = published.layer[0].type == "Input"
    assert _layers(ours, deploy) == _layers(published, deploy)
    assert [layer.name for layer in ours.layer] == [layer.name for layer in published.layer]


def test_resnet20_as_published() -> None:
    """Its input has another name there, and its deviations are rounded."""
    published = read_net(shared("models/resnet20_cifar10/deploy.prototxt"))
    published.layer[0].name = published.layer[0].top[0] = published.layer[1].bottom[0] = "data"
    ours = zoo.resnet_cifar(20).to_proto()
    assert _layers(ours, deploy=True) == _layers(published, deploy=True)
    assert [layer.name for layer in ours.layer] == [layer.name for layer in published.layer]
    for one, other in zip(ours.layer, published.layer, strict=True):
        mine, theirs = one.convolution_param.weight_filler, other.convolution_param.weight_filler
        assert mine.std == pytest.approx(theirs.std, abs=5e-4)


@pytest.mark.parametrize(("depth", "last"), [(50, "res4f"), (101, "res4b22"), (152, "res4b35")])
def test_resnets(depth: int, last: str) -> None:
    net = zoo.resnet(depth).to_proto()
    names = [layer.name for layer in net.layer]
    assert last in names
    convolutions = [layer for layer in net.layer if layer.type == "Convolution"]
    # Of the layers that count, one is fc1000; four are projections beside.
    assert len(convolutions) - 4 + 1 == depth
    blocks = (depth - 2) // 3
    relus, sums, others = 1 + 3 * blocks, blocks, ["Input", "Pooling", "Pooling", "InnerProduct", "Softmax"]
    assert len(names) == 3 * len(convolutions) + relus + sums + len(others)
    strided = [layer.name for layer in convolutions if list(layer.convolution_param.stride) == [2]]
    assert strided == ["conv1"] + [f"res{stage}a_branch{way}" for stage in (3, 4, 5) for way in ("1", "2a")]
    assert all(layer.batch_norm_param.use_global_stats for layer in net.layer if layer.type == "BatchNorm")
    assert not any(
        layer.batch_norm_param.HasField("use_global_stats")
        for layer in zoo.resnet(depth, form="train").to_proto().layer
    )


def test_depths_that_are_none() -> None:
    with pytest.raises(NetError, match="depth is 50, 101 or 152, not 20; resnet_cifar"):
        zoo.resnet(20)
    with pytest.raises(NetError, match=r"depth is 6n \+ 2, .* not 21"):
        zoo.resnet_cifar(21)


@pytest.mark.parametrize("make", [getattr(zoo, name) for name in zoo.__all__], ids=zoo.__all__)
def test_forms(make: Callable[..., NetSpec]) -> None:
    depth = {zoo.resnet: (50,), zoo.resnet_cifar: (20,), zoo.vgg: (16,)}.get(make, ())
    inputs = make(*depth, form="train", batch_size=3, classes=7).to_proto()
    assert list(inputs.layer[0].top) == ["data", "label"]
    assert [shape.dim[0] for shape in inputs.layer[0].input_param.shape] == [3, 3]
    one = make(*depth, "train_lmdb").to_proto()
    assert [layer.type for layer in one.layer].count("Data") == 1
    both = make(*depth, "train_lmdb", "test_lmdb").to_proto()
    for phase, source in (("train", "train_lmdb"), ("test", "test_lmdb")):
        filtered = filter_net(both, phase)
        assert [layer.data_param.source for layer in filtered.layer if layer.type == "Data"] == [source]
    deploy = make(*depth, classes=7).to_proto()
    assert deploy.layer[-1].type == "Softmax"
    with pytest.raises(NetError, match="form is 'train' or 'deploy', not 'trian'"):
        make(*depth, form="trian")
    with pytest.raises(NetError, match="a deploy net has no source"):
        make(*depth, "db", form="deploy")


@pytest.mark.parametrize(("layers", "millions"), [(16, 138.36), (19, 143.67)])
def test_vgg_is_as_large_as_published(layers: int, millions: float) -> None:
    graph = Graph(zoo.vgg(layers, form="deploy", batch_size=1))
    learned = sum(blob.count for node in graph.nodes for blob in node.layer.blobs)
    assert learned / 1e6 == pytest.approx(millions, abs=0.005)
    assert graph.blobs["pool5"].shape == (1, 512, 7, 7)
    assert [node.name for node in graph.nodes if node.layer.type == "Convolution"][-1].startswith("conv5_")


def test_vgg_of_another_depth() -> None:
    with pytest.raises(NetError, match="16 or 19"):
        zoo.vgg(17)
