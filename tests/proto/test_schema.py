"""The schema is Caffe's, name by name and number by number, and the committed module is made from it."""

from __future__ import annotations

import copy
import csv
import pickle
import subprocess
import sys

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor

from owlkit.proto import caffe_pb2, generate
from tests.support.shared import shared

_TYPES = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("int32", "int64", "uint32", "float", "double", "bool", "string", "bytes")
}


def _short(full_name: str) -> str:
    return full_name.removeprefix("caffe.")


def _default(field: FieldDescriptor) -> str:
    if not field.has_default_value:
        return ""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[field.default_value].name
    return str(field.default_value)


def _label(field: FieldDescriptor) -> str:
    if field.is_repeated:
        return "packed" if field.GetOptions().packed else "repeated"
    return "required" if field.is_required else "optional"


def _type(field: FieldDescriptor) -> str:
    nested = field.message_type or field.enum_type
    return _short(nested.full_name) if nested is not None else _TYPES[field.type]


def _field_row(message: str, field: FieldDescriptor) -> tuple[str, ...]:
    return message, _type(field), field.name, str(field.number), _label(field), _default(field)


def _rows() -> set[tuple[str, ...]]:
    file = caffe_pb2.DESCRIPTOR
    enums = list(file.enum_types_by_name.values())
    rows = set()
    for message in file.message_types_by_name.values():
        enums += message.enum_types
        rows |= {_field_row(message.name, field) for field in message.fields}
    for enum in enums:
        rows |= {
            (_short(enum.full_name), "enum", value.name, str(value.number), "", "") for value in enum.values
        }
    return rows


def _normal(row: tuple[str, ...]) -> tuple[str, ...]:
    """Float defaults as the number that float32 holds."""
    if row[1] in ("float", "double") and row[5]:
        return (*row[:5], repr(float(np.float32(float(row[5])))))
    return row


def test_every_row_of_caffes_schema_and_no_other() -> None:
    with shared("spec/caffe_schema.tsv").open() as file:
        expected = {tuple(row.values()) for row in csv.DictReader(file, delimiter="\t")}
    assert len(expected) == 534
    assert {_normal(row) for row in _rows()} == {_normal(row) for row in expected}


def test_generated_module_is_what_the_command_makes() -> None:
    pytest.importorskip("grpc_tools")
    for path, text in generate.generate().items():
        assert path.read_text() == text, f"{path.name} is old; run: python -m owlkit.proto.generate"


def test_messages_survive_pickle_and_copy() -> None:
    net = caffe_pb2.NetParameter(name="n")
    net.layer.add(name="pool", type="Pooling").pooling_param.pool = caffe_pb2.PoolingParameter.AVE
    assert pickle.loads(pickle.dumps(net)) == net
    assert copy.deepcopy(net) == net


def test_another_caffe_proto_in_the_same_process() -> None:
    """A pycaffe registers its messages in protobuf's common pool, before or after ours."""
    program = """
from google.protobuf import descriptor_pool, descriptor_pb2
def other():
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    file.message_type.add(name="NetParameter").field.add(name="other", number=1, type=9, label=1)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
first = {first}
if first: other()
from owlkit.proto import caffe_pb2
if not first: other()
caffe_pb2.NetParameter(name="mine")
descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter").fields_by_name["other"]
"""
    for first in (True, False):
        subprocess.run([sys.executable, "-c", program.format(first=first)], check=True)
