"""Old formats become today's by Caffe's rules."""

from __future__ import annotations

import pytest

from owlkit.core.errors import PrototxtError
from owlkit.proto import caffe_pb2, net_param, read_net, read_solver, text
from owlkit.proto.upgrade import upgrade_net, upgrade_solver
from owlkit.proto.upgrade_v1 import type_of
from owlkit.spec import LAYER_TYPES
from tests.support.shared import shared


def _upgraded(prototxt: str) -> tuple[caffe_pb2.NetParameter, list[str]]:
    net = text.parse(prototxt, caffe_pb2.NetParameter)
    return net, upgrade_net(net, "net.prototxt")


def _becomes(old: str, new: str) -> list[str]:
    net, notes = _upgraded(old)
    assert text.format(net) == text.format(text.parse(new, caffe_pb2.NetParameter))
    assert upgrade_net(net) == [], "a second upgrade finds nothing to do"
    return notes


def test_every_published_definition() -> None:
    for path in sorted(shared("models/bvlc").rglob("*.prototxt")):
        if "solver" in path.name:
            read_solver(path)
        else:
            assert all(layer.type in LAYER_TYPES for layer in read_net(path).layer), path


def test_lenet_of_2014_is_todays_lenet() -> None:
    notes: list[str] = []
    old = read_net(shared("models/lenet/deploy_v1.prototxt"), notes)
    assert any("(V1) upgraded" in note for note in notes)
    today = read_net(shared("models/lenet/deploy.prototxt"))
    names = [[(one.name, one.type) for one in net.layer[1:]] for net in (old, today)]
    assert names[0] == names[1]


def test_weights_of_2014_travel_with_their_layers() -> None:
    path = shared("models/lenet/lenet_iter_10000.caffemodel")
    weights = caffe_pb2.NetParameter.FromString(path.read_bytes())
    blobs = {layer.name: [blob.SerializeToString() for blob in layer.blobs] for layer in weights.layers}
    upgrade_net(weights, path.name)
    assert not weights.layers
    assert {one.name: [blob.SerializeToString() for blob in one.blobs] for one in weights.layer} == blobs
    assert {one.name: one.type for one in weights.layer}["ip2"] == "InnerProduct"


def test_every_v1_type_is_a_layer_type() -> None:
    types = {type_of(number) for number in caffe_pb2.V1LayerParameter.LayerType.values()}
    assert types - {""} <= LAYER_TYPES
    assert len(types) == 40


def test_v1_layer() -> None:
    notes = _becomes(
        """name: "n" layers {
             name: "ip" type: INNER_PRODUCT bottom: "a" top: "b"
             inner_product_param { num_output: 3 } param: "w" blob_share_mode: PERMISSIVE
             blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 loss_weight: 3
             include { phase: TRAIN } exclude { stage: "s" } blobs { data: 1 }
           }""",
        """name: "n" layer {
             name: "ip" type: "InnerProduct" bottom: "a" top: "b" loss_weight: 3
             param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 }
             param { lr_mult: 2 decay_mult: 0 }
             blobs { data: 1 } include { phase: TRAIN } exclude { stage: "s" }
             inner_product_param { num_output: 3 }
           }""",
    )
    assert notes == ["net.prototxt: 1 layers of the format before May 2014 (V1) upgraded"]


def test_v1_and_today_side_by_side_is_refused() -> None:
    with pytest.raises(PrototxtError, match=r"both 'layer' \('a', ...\) and the old form 'layers'"):
        _upgraded('layer { name: "a" } layers { name: "b" }')


@pytest.mark.parametrize(
    ("kind", "param"),
    [("DATA", "data_param"), ("IMAGE_DATA", "image_data_param"), ("WINDOW_DATA", "window_data_param")],
)
def test_transformations_of_v1_sources(kind: str, param: str) -> None:
    new_type = {"DATA": "Data", "IMAGE_DATA": "ImageData", "WINDOW_DATA": "WindowData"}[kind]
    transform = 'scale: 0.5 mirror: true crop_size: 7 mean_file: "m"'
    notes = _becomes(
        f'layers {{ name: "d" type: {kind} {param} {{ source: "s" {transform} }} }}',
        f'layer {{ name: "d" type: "{new_type}"'
        f'transform_param {{ {transform} }} {param} {{ source: "s" }} }}',
    )
    assert notes[0] == "net.prototxt: layer 'd': scale, mean_file, crop_size, mirror moved to transform_param"


def test_transformation_fields_of_todays_sources_are_remarked() -> None:
    _, notes = _upgraded('layer { name: "d" type: "Data" data_param { scale: 2 } }')
    assert "data_param.scale has no effect, as in Caffe" in notes[0]


def test_v0_net_with_padding() -> None:
    notes = _becomes(
        """name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
           layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "padded" }
           layers { bottom: "padded" top: "conv1" layer {
             name: "conv1" type: "conv" num_output: 4 kernelsize: 5 stride: 2 group: 1 biasterm: false
             weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1 weight_decay: 1 } }
           layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
           layers { bottom: "conv1" top: "pool1" layer {
             name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 pad: 1 } }
           layers { bottom: "pool1" top: "norm1" layer {
             name: "norm1" type: "lrn" local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }
           layers { bottom: "norm1" top: "fc" layer {
             name: "fc" type: "innerproduct" num_output: 2 bias_filler { value: 1 } } }
           layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.25 } bottom: "fc" top: "fc" }""",
        """name: "old"
           layer { name: "input" type: "Input" top: "data"
             input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
           layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
             param { lr_mult: 1 decay_mult: 1 }
             convolution_param { num_output: 4 bias_term: false pad: 2 kernel_size: 5 group: 1 stride: 2
               weight_filler { type: "gaussian" std: 0.01 } } }
           layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
           layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
             pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
           layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1"
             lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }
           layer { name: "fc" type: "InnerProduct" bottom: "norm1" top: "fc"
             inner_product_param { num_output: 2 bias_filler { value: 1 } } }
           layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc"
             dropout_param { dropout_ratio: 0.25 } }""",
    )
    assert notes[0] == "net.prototxt: 7 layers of the format before December 2013 (V0) upgraded"
    assert notes[1].endswith("pad of the layers after them: pad1")


def test_v0_sources() -> None:
    _becomes(
        """layers { top: "d" top: "l" layer { name: "d" type: "data" source: "s" batchsize: 3
             scale: 0.5 rand_skip: 2
             meanfile: "m" cropsize: 5 mirror: true } }
           layers { top: "i" layer { name: "i" type: "images" source: "s" shuffle_images: true new_height: 4
             new_width: 5 new_num: 1 new_channels: 3 } }
           layers { top: "w" layer { name: "w" type: "window_data" det_fg_threshold: 0.6 det_bg_threshold: 0.4
             det_fg_fraction: 0.5 det_context_pad: 16 det_crop_mode: "square" } }
           layers { bottom: "d" bottom: "w" top: "c" layer { name: "c" type: "concat" concat_dim: 0 } }
           layers { bottom: "c" layer { name: "o" type: "hdf5_output"
             hdf5_output_param { file_name: "f" } } }""",
        """layer { name: "d" type: "Data" top: "d" top: "l"
             transform_param { scale: 0.5 mean_file: "m" crop_size: 5 mirror: true }
             data_param { source: "s" batch_size: 3 rand_skip: 2 } }
           layer { name: "i" type: "ImageData" top: "i"
             image_data_param { source: "s" shuffle: true new_height: 4 new_width: 5 } }
           layer { name: "w" type: "WindowData" top: "w"
             window_data_param { fg_threshold: 0.6 bg_threshold: 0.4
             fg_fraction: 0.5 context_pad: 16 crop_mode: "square" } }
           layer { name: "c" type: "Concat" bottom: "d" bottom: "w" top: "c" concat_param { concat_dim: 0 } }
           layer { name: "o" type: "HDF5Output" bottom: "c" hdf5_output_param { file_name: "f" } }""",
    )


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ('type: "relu" kernelsize: 3', "layer 'x': 'kernelsize' is for conv, pool, not for relu"),
        ('type: "convv"', "layer 'x': no V0 layer type is called 'convv' (did you mean 'conv'?)"),
    ],
)
def test_v0_mistakes(layer: str, told: str) -> None:
    with pytest.raises(PrototxtError) as caught:
        _upgraded(f'layers {{ layer {{ name: "x" {layer} }} }}')
    assert told in str(caught.value)


def test_v0_padding_before_a_layer_that_cannot_pad() -> None:
    with pytest.raises(PrototxtError, match="layer 'r' follows padding layer 'p', but only conv and pool"):
        _upgraded(
            'layers { layer { name: "p" type: "padding" } bottom: "a" top: "b" }'
            'layers { layer { name: "r" type: "relu" } bottom: "b" top: "c" }'
        )


def test_net_inputs() -> None:
    _becomes(
        'input: "a" input: "b" input_shape { dim: 2 dim: 3 } input_shape { dim: 4 } layer { name: "x" }',
        """layer { name: "input" type: "Input" top: "a" top: "b"
             input_param { shape { dim: 2 dim: 3 } shape { dim: 4 } } }
           layer { name: "x" }""",
    )
    assert "without shapes dropped: a" in _becomes('input: "a"', "")[0]
    with pytest.raises(PrototxtError, match=r"2 input names need 8 input_dim \(4 each\), found 4"):
        _upgraded('input: "a" input: "b" input_dim: [1, 2, 3, 4]')
    with pytest.raises(PrototxtError, match="2 input names need as many input_shape, found 1"):
        _upgraded('input: "a" input: "b" input_shape { dim: 1 }')


def test_batch_norm_statistics_do_not_learn() -> None:
    notes = _becomes(
        'layer { name: "bn" type: "BatchNorm" param { lr_mult: 1 } param { decay_mult: 2 } param { } }',
        'layer { name: "bn" type: "BatchNorm"'
        + "param { lr_mult: 0 decay_mult: 0 } " * 3
        + "}",
    )  # fmt: skip
    assert notes == ["net.prototxt: lr_mult and decay_mult of BatchNorm statistics set to 0 in bn"]


def test_solver_type() -> None:
    solver = text.parse("solver_type: RMSPROP net_param { layers { } }", caffe_pb2.SolverParameter)
    notes = upgrade_solver(solver, "s")
    assert solver.type == "RMSProp"
    assert not solver.HasField("solver_type")
    assert len(solver.net_param.layer) == 1
    assert notes[0] == 's: solver_type RMSPROP became type "RMSProp"'
    with pytest.raises(PrototxtError, match="both type and its old form solver_type"):
        upgrade_solver(caffe_pb2.SolverParameter(type="SGD", solver_type=0))


def test_net_param_takes_whatever_defines_a_net() -> None:
    net = text.parse('input: "a" input_dim: [1, 1, 1, 1]', caffe_pb2.NetParameter)

    class Spec:
        def to_proto(self) -> caffe_pb2.NetParameter:
            return net

    notes: list[str] = []
    for definition in (net, Spec()):
        assert net_param(definition, notes).layer[0].type == "Input"
    assert len(notes) == 2
    assert net.input, "what was given is not changed"
    with pytest.raises(TypeError, match="not by a int"):
        net_param(3)
