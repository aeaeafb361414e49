"""Prototxt in and out, and what is said of every kind of mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from owlkit.core.errors import PrototxtError
from owlkit.proto import caffe_pb2, net_param, text
from tests.support.shared import shared

Net = caffe_pb2.NetParameter


def _mistake(prototxt: str) -> str:
    with pytest.raises(PrototxtError) as caught:
        text.parse(prototxt, Net, "net.prototxt")
    return str(caught.value)


def test_published_definitions_read_as_protobuf_reads_them() -> None:
    paths = sorted(shared("models/bvlc").rglob("*.prototxt"))
    assert len(paths) == 54
    for path in paths:
        kind = caffe_pb2.SolverParameter if "solver" in path.name else Net
        message = text.read(path, kind)
        assert message == text_format.Parse(path.read_text(), kind()), path
        assert text.parse(text.format(message), kind) == message


def test_every_form_of_value() -> None:
    net = text.parse(
        """name: "a" 'b'  # strings side by side
        input_dim: [1, 0x10, 010, -3]; force_backward: true,
        layer <
          type: "T\\n\\"\\303\\274ü\\""
          loss_weight: .5f  loss_weight: 1e-8 loss_weight: -inf loss_weight: - 2
          input_param: { shape: [{ dim: 3 }, { dim: [4, 5] }] }
          pooling_param { pool: AVE engine: 2 }
        >""",
        Net,
    )
    assert net.name == "ab"
    assert list(net.input_dim) == [1, 16, 8, -3]
    layer = net.layer[0]
    assert layer.type == 'T\n"üü"'
    assert list(layer.loss_weight) == pytest.approx([0.5, 1e-8, float("-inf"), -2])
    assert [list(shape.dim) for shape in layer.input_param.shape] == [[3], [4, 5]]
    assert layer.pooling_param.pool == caffe_pb2.PoolingParameter.AVE
    assert layer.pooling_param.engine == caffe_pb2.PoolingParameter.CUDNN


def test_floats_are_printed_in_their_shortest_form() -> None:
    solver = caffe_pb2.SolverParameter(base_lr=0.01, momentum=0.9, weight_decay=5e-4)
    assert text.format(solver) == "base_lr: 0.01\nmomentum: 0.9\nweight_decay: 0.0005\n"


def test_an_error_shows_the_line_and_marks_the_column() -> None:
    prototxt = 'layer {\n  name: "conv1"\n\tconvolution_param { kernal_size: 5 }\n}\n'
    assert _mistake(prototxt) == (
        "net.prototxt:3:22: ConvolutionParameter has no field 'kernal_size' (did you mean 'kernel_size'?)"
        " [layer 'conv1']\n"
        "  \tconvolution_param { kernal_size: 5 }\n"
        "  \t                    ^"
    )


MISTAKES = [
    (
        'layer { name: "a" kernel_size: 3 }',
        "1:19: LayerParameter has no field 'kernel_size'; it is a field of "
        "ConvolutionParameter, PoolingParameter [layer 'a']",
    ),
    (
        'layer { name: "a" blobs_lr: 1 }',
        "has no field 'blobs_lr', as layers { } of before May 2014 had: write param { lr_mult: 1 }, one for "
        "each learned blob [layer 'a']",
    ),
    ("layer { weight_decay: 0 }", "write param { decay_mult: 1 }, one for each learned blob"),
    ("base_lr: 0.1", "1:1: NetParameter has no field 'base_lr'; it is a field of SolverParameter"),
    (
        "layer { relu_param { zzz: 1 } }",
        "1:22: ReLUParameter has no field 'zzz'; it has negative_slope, engine",
    ),
    (
        "layer { pooling_param { pool: AVG } }",
        "1:31: PoolingParameter.pool needs one of MAX, AVE, STOCHASTIC, found AVG (did you mean 'AVE'?)",
    ),
    ('layer { pooling_param { pool: "AVE" } }', 'found "AVE" (write AVE, without quotes)'),
    (
        'layers { type: "Convolution" }',
        "found \"Convolution\" (did you mean 'CONVOLUTION'?); a type in quotes is today's: write layer "
        '{ type: "Convolution" }, not layers',
    ),
    (
        "layer { type: Pooling }",
        'LayerParameter.type needs a string in quotes, found Pooling (write "Pooling")',
    ),
    (
        "layer { type: SOFTMAX_LOSS }",
        'found SOFTMAX_LOSS (write "SoftmaxWithLoss"; SOFTMAX_LOSS is for layers { }, of before May 2014)',
    ),
    ("layer { name: CONVOLUTION }", 'found CONVOLUTION (write "CONVOLUTION")'),
    ("input_dim: 20.5", "NetParameter.input_dim needs a whole number (int32), found 20.5"),
    ("input_dim: 019", "found 019 (a leading 0 makes it octal)"),
    ("input_dim: 3000000000", "from -2147483648 to 2147483647 (int32), found 3000000000"),
    ("layer { pooling_param { pad: -1 } }", "PoolingParameter.pad needs a whole number from 0"),
    ("layer { loss_weight: 1e60 }", "needs a number that float32 can hold, found 1e60"),
    ("layer { loss_weight: big }", "LayerParameter.loss_weight needs a number, found big"),
    ("force_backward: yes", "NetParameter.force_backward needs true or false, found yes"),
    ("layer: 5", "'layer' is a LayerParameter: write layer { ... }, found 5"),
    ("name { }", "'name' is a string: write name: VALUE"),
    ('name "a"', "expected ':' after 'name', found \"a\""),
    ("name: }", "'name' has no value: expected a string, found }"),
    ("name:", "1:6: file ends too early"),
    ("5: 3", "expected the name of a field of NetParameter, found 5"),
    ("input_dim: [1, 2 3]", "expected ',' or ']' in a list, found 3"),
    ("input_dim: 5x", "'5x' is neither a number nor a name"),
    ('name: "a\n"', '1:7: this string has no closing " on its line'),
    ("name: @", "unexpected character '@'"),
    ('name: "a"\nname: "b"', "2:1: 'name' is given twice, first at line 1; it holds one value"),
    ("layer { relu_param { } relu_param { } }", "'relu_param' is given twice"),
    ('layer { name: "c" clip_param { min: 1 } }', "ClipParameter needs 'max' [layer 'c']"),
    ("layer { } }", "'}' closes nothing: there is one too many"),
    ('layer { name: "a" >', "expected '}' to close layer 'a' opened at line 1, found >"),
    (
        '\nlayer {\n name: "conv1"\n pooling_param { pad: 1\n\n',
        "4:24: file ends inside pooling_param opened at line 4, "
        "in layer 'conv1' opened at line 2: '}' is missing",
    ),
    (
        'layer {\n name: "conv1"\nlayer { name: "b" }',
        "3:1: LayerParameter has no field 'layer' but NetParameter has: "
        "is layer 'conv1' opened at line 1 closed?",
    ),
]


@pytest.mark.parametrize(("prototxt", "told"), MISTAKES)
def test_mistakes(prototxt: str, told: str) -> None:
    message = _mistake(prototxt)
    assert told in message
    assert message.startswith("net.prototxt:")


def test_files(tmp_path: Path) -> None:
    (tmp_path / "weights.caffemodel").write_bytes(b"\x0a\x03\x00\xff")
    (tmp_path / "deploy.prototxt").write_bytes(b'\xef\xbb\xbfname: "with a byte order mark"\r\n')
    assert text.read(tmp_path / "deploy.prototxt", Net).name == "with a byte order mark"
    with pytest.raises(PrototxtError, match="found a binary file"):
        text.read(tmp_path / "weights.caffemodel", Net)
    with pytest.raises(FileNotFoundError, match=r"deply.prototxt \(did you mean 'deploy.prototxt'\?\)"):
        text.read(tmp_path / "deply.prototxt", Net)


@pytest.mark.parametrize("times", [1, 40])  # a long one is no legal name of a file either
def test_text_in_place_of_a_file_name(times: int) -> None:
    with pytest.raises(PrototxtError, match=r"write it to a file, or give owlkit\.proto\.text\.parse"):
        net_param('layer { name: "a" type: "TanH" }\n' * times)


def test_a_damaged_number_of_many_digits_is_refused_at_once_and_in_few_words() -> None:
    told = _mistake("name: 'net' layer { convolution_param { num_output: " + 100_000 * "9" + "layer } }")
    assert "999...' is neither a number nor a name" in told
    assert len(told) < 1000
