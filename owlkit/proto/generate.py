"""Makes caffe_pb2.py and caffe_pb2.pyi from caffe.proto: `python -m owlkit.proto.generate`.

protoc (grpcio-tools, a development dependency) compiles the schema; the module is written here rather than by
protoc for two reasons. Its messages live in a descriptor pool of their own, so that a pycaffe or any other
package that brings its own `caffe.proto` can be imported in the same process. And it asks no particular
version of the protobuf runtime, where protoc's own output refuses any that is older than itself.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2

HERE = Path(__file__).resolve().parent
SCHEMA = "owlkit/proto/caffe.proto"

_HEADER = '''"""Messages of caffe.proto. Written by `python -m owlkit.proto.generate`: do not edit."""\n'''

_BODY = '''
# A pool of its own: another package may bring its own caffe.proto.
_pool = _DescriptorPool()
_pool.AddSerializedFile(_SCHEMA)
DESCRIPTOR = _pool.FindFileByName({schema!r})


def _message(descriptor):
    """The class of a message; it names this module, so that messages can be pickled."""
    made = _GetMessageClass(descriptor)
    made.__module__ = __name__
    return made


for _name, _descriptor in DESCRIPTOR.message_types_by_name.items():
    globals()[_name] = _message(_descriptor)
for _name, _enum in DESCRIPTOR.enum_types_by_name.items():
    globals()[_name] = _EnumTypeWrapper(_enum)
    globals().update((_value.name, _value.number) for _value in _enum.values)
'''

_IMPORTS = """
from google.protobuf.descriptor_pool import DescriptorPool as _DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper as _EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass as _GetMessageClass

"""

_PYI_HEADER = (
    _HEADER
    + """
from typing import Any, ClassVar

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer as _Messages
from google.protobuf.internal.containers import RepeatedScalarFieldContainer as _Scalars
from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor
"""
)

_FIELD = descriptor_pb2.FieldDescriptorProto
_PYTHON_TYPES = {
    _FIELD.TYPE_STRING: "str",
    _FIELD.TYPE_BYTES: "bytes",
    _FIELD.TYPE_BOOL: "bool",
    _FIELD.TYPE_FLOAT: "float",
    _FIELD.TYPE_DOUBLE: "float",
}


def compile_schema() -> descriptor_pb2.FileDescriptorProto:
    """caffe.proto as a descriptor, without comments."""
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "caffe.desc"
        arguments = [
            "protoc",
            f"-I{HERE.parents[1]}",
            f"--descriptor_set_out={out}",
            str(HERE / "caffe.proto"),
        ]
        if protoc.main(arguments):
            raise SystemExit(f"protoc refused {HERE / 'caffe.proto'}: see above")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    schema = files.file[0]
    # Some versions of protoc write the names that JSON would use; the runtime derives the same.
    for message in schema.message_type:
        for field in message.field:
            field.ClearField("json_name")
    return schema


def _pieces(schema: descriptor_pb2.FileDescriptorProto) -> Iterator[bytes]:
    """The serialised schema, cut so that each message or enum is a line of its own."""
    head = descriptor_pb2.FileDescriptorProto(name=schema.name, package=schema.package)
    yield head.SerializeToString(deterministic=True)
    for message in schema.message_type:
        yield descriptor_pb2.FileDescriptorProto(message_type=[message]).SerializeToString(deterministic=True)
    for enum in schema.enum_type:
        yield descriptor_pb2.FileDescriptorProto(enum_type=[enum]).SerializeToString(deterministic=True)


def module_text(schema: descriptor_pb2.FileDescriptorProto) -> str:
    """The Python module."""
    lines = "".join(f"    {piece!r}\n" for piece in _pieces(schema))
    return f"{_HEADER}{_IMPORTS}_SCHEMA = (\n{lines})\n{_BODY.format(schema=schema.name)}"


def stub_text(schema: descriptor_pb2.FileDescriptorProto) -> str:
    """The types of its names, for mypy and editors."""
    lines = [_PYI_HEADER]
    for enum in schema.enum_type:
        lines += [f"{enum.name}: _EnumTypeWrapper", *(f"{value.name}: int" for value in enum.value)]
    for message in schema.message_type:
        lines += ["", *_stub_class(message)]
    return "\n".join(lines) + "\n"


def _stub_class(message: descriptor_pb2.DescriptorProto) -> Iterator[str]:
    yield f"class {message.name}(Message):"
    for enum in message.enum_type:
        yield f"    {enum.name}: ClassVar[_EnumTypeWrapper]"
        for value in enum.value:
            yield f"    {value.name}: ClassVar[int]"
    for field in message.field:
        yield f"    {_stub_field(field)}"
    yield "    def __init__(self, **fields: Any) -> None: ..."


def _stub_field(field: descriptor_pb2.FieldDescriptorProto) -> str:
    kind = _PYTHON_TYPES.get(field.type, "int")
    composite = field.type == _FIELD.TYPE_MESSAGE
    if composite:
        kind = re.sub(r"^\.caffe\.", "", field.type_name)
    if field.label == _FIELD.LABEL_REPEATED:
        container = f"{'_Messages' if composite else '_Scalars'}[{kind}]"
        return f"@property\n    def {field.name}(self) -> {container}: ..."
    if composite:
        return f"@property\n    def {field.name}(self) -> {kind}: ..."
    return f"{field.name}: {kind}"


def generate() -> dict[Path, str]:
    """What belongs into each generated file."""
    schema = compile_schema()
    return {HERE / "caffe_pb2.py": module_text(schema), HERE / "caffe_pb2.pyi": stub_text(schema)}


def main() -> None:
    """Write the generated files."""
    for path, text in generate().items():
        path.write_text(text)
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
