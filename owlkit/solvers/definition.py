"""From what the user gives (a solver file, a message, or a net and keywords) to one SolverParameter."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from owlkit import proto
from owlkit.core.errors import MissingFileError, OwlkitError, PrototxtError, TrainingError, closest
from owlkit.io.files import counted_from
from owlkit.proto import caffe_pb2, upgrade
from owlkit.solvers.latest import states_of

KEPT = "fixed"
"""The lr_policy of a solver made of keywords, which keeps its rate unless told otherwise."""


@dataclass
class Definition:
    """What was read. path : the solver file, None where it was none. notes : what the user should know.
    by_keywords : whether it was no solver that was read, but a net, whose solver is all in keywords."""

    param: Any
    path: Path | None = None
    notes: list[str] = field(default_factory=list)
    by_keywords: bool = False

    @property
    def default_prefix(self) -> str:
        """Prefix of snapshots where the solver gives none: the solver file without suffix, or the net's
        name."""
        if self.path is not None:
            return str(self.path.with_suffix(""))
        return self.param.net_param.name.lower().replace("/", "_") or "net"


def read_definition(definition: Any, test: Any, fields: Mapping[str, Any]) -> Definition:
    """One SolverParameter, from whatever was given.

    definition : path of a solver file, SolverParameter, or a net (path, NetSpec, NetParameter) whose
        solver is all in `fields`; None where these name the net, too.
    test : net or list of nets to test with, or the path of a set of records that the net is to read.
    fields : of SolverParameter; they win over those of a file.
    Raises PrototxtError where something is not known, MissingFileError where a file is missing, TrainingError
    where there are more test_iter than nets in `test`.
    """
    path: Path | None = None
    notes: list[str] = []
    param = caffe_pb2.SolverParameter()
    if isinstance(definition, str | os.PathLike):
        path = Path(definition)
        param.CopyFrom(_read_file(path, notes, fields))
    elif isinstance(definition, caffe_pb2.SolverParameter):
        param.CopyFrom(definition)
    else:
        param.lr_policy = KEPT
        if definition is not None:
            param.net_param.CopyFrom(proto.net_param(definition))
    for name, value in fields.items():
        set_field(param, name, value)
    notes += upgrade.upgrade_solver(param)  # of a message and of keywords; a file's is done
    of_a_net = path is not None and param.net == str(path)
    by_keywords = of_a_net or (path is None and not isinstance(definition, caffe_pb2.SolverParameter))
    found = Definition(param, path, notes, by_keywords)
    if path is not None:
        _find_nets(found, path.parent)
    tests = test if isinstance(test, list | tuple) else [] if test is None else [test]
    for net in tests:
        is_set = isinstance(net, str | os.PathLike) and (Path(net) / "data.mdb").exists()
        param.test_net_param.add().CopyFrom(_reading(param, net) if is_set else proto.net_param(net))
    _check_test_iter(param, tests)
    if fields.get("test_interval") and not (param.test_iter or param.test_net_param or param.test_net):
        _test_by_itself(param)
    _name_snapshots(found)
    return found


def _name_snapshots(found: Definition) -> None:
    """A folder as snapshot_prefix gets the solver file's name: Caffe's UpgradeSnapshotPrefixProperty.

    Without that, `snapshots/` gives files named `_iter_N`, and `snapshots` puts them beside the folder. Where
    there are snapshots `digits_iter_N` beside a folder `digits`, a run of that name wrote them, and its
    definition was saved into the folder.
    """
    prefix = found.param.snapshot_prefix
    if os.path.isdir(prefix) and not prefix.endswith("/") and states_of(prefix):
        found.notes.append(f"snapshot_prefix {prefix!r} is also a folder; snapshots are {prefix}_iter_N")
    elif prefix.endswith("/") or os.path.isdir(prefix):
        found.param.snapshot_prefix = os.path.join(prefix, Path(found.default_prefix).name)
        found.notes.append(
            f"snapshot_prefix {prefix!r} is a folder; snapshots are {found.param.snapshot_prefix}_iter_N"
        )


def check_numbers(param: Any) -> None:
    """TrainingError where a number of the solver is not finite in float32, or base_lr is negative."""
    for described, value in param.ListFields():
        if isinstance(value, float) and not math.isfinite(value):
            name = described.name
            raise TrainingError(f"{name} is {value}, the largest float32 is 3.4e38; give a finite number")
    if param.base_lr < 0:
        raise TrainingError(f"base_lr is {param.base_lr:g}; give a number >= 0: the loss would be driven up")


def _check_test_iter(param: Any, tests: Any) -> None:
    """Nets given by `test` are all that is meant to be tested; Caffe would add the training net."""
    named = len(param.test_net_param) + len(param.test_net)
    if tests and len(param.test_iter) > named:
        raise TrainingError(
            f"{len(param.test_iter)} test_iter for {named} test net{'s' if named > 1 else ''}; give one per "
            "test net: the batches of one test"
        )


def _reading(param: Any, records: str | os.PathLike[str]) -> Any:
    """The net to train, reading another set, without mirroring. TrainingError: it has not one Data layer."""
    net = proto.net_param(param.net if param.HasField("net") else param.net_param)
    sources = [layer for layer in net.layer if layer.type == "Data"]
    if len(sources) != 1:
        raise TrainingError(
            f"test={os.fspath(records)!r} is a set of records, to be read in place of the training net's, "
            f"but that net has {len(sources) or 'no'} Data layers; give a net to test with"
        )
    sources[0].data_param.source = os.fspath(records)
    for rule in ("include", "exclude"):
        sources[0].ClearField(rule)
    sources[0].transform_param.ClearField("mirror")
    return net


def _test_by_itself(param: Any) -> None:
    """Who asks for tests and names no net means the one that trains, where it has layers for them.

    Caffe would not test at all, without a word. One test is a pass over the data then.
    """
    net = proto.net_param(param.net) if param.HasField("net") else param.net_param
    if not any(rule.phase == caffe_pb2.TEST for layer in net.layer for rule in layer.include):
        raise TrainingError(
            f"test_interval is {param.test_interval}, but there is nothing to test with: give test=, a net "
            "that reads other data, or layers with include=dict(phase='TEST') in this one"
        )
    if param.HasField("net"):
        param.test_net.append(param.net)
    else:
        param.test_net_param.add().CopyFrom(net)


def _read_file(path: Path, notes: list[str], fields: Mapping[str, Any]) -> Any:
    """The SolverParameter of a solver file; of a net file one that trains it, where `fields` say how."""
    if not path.exists():
        near = closest(path.name, (entry.name for entry in path.parent.glob("*")))
        raise MissingFileError(f"there is no solver file {path}{near or counted_from(path)}")
    try:
        return proto.read_solver(path, notes)
    except PrototxtError:
        if not _is_net(path):
            raise
    if "base_lr" in fields:
        return caffe_pb2.SolverParameter(net=str(path), lr_policy=KEPT)
    for name in fields:
        _field(caffe_pb2.SolverParameter, name)
    raise PrototxtError(
        f"{path} is a net, not a solver: give the solver file, which says how to train and names the net "
        f'with net: "{path}"; or the fields of one beside the net, base_lr at least'
    )


def _is_net(path: Path) -> bool:
    try:
        return len(proto.read_net(path).layer) > 0
    except PrototxtError:
        return False


_D = FieldDescriptor
_EXPECTED = {
    **dict.fromkeys((_D.CPPTYPE_INT32, _D.CPPTYPE_INT64), "give a whole number"),
    **dict.fromkeys((_D.CPPTYPE_UINT32, _D.CPPTYPE_UINT64), "give a whole number, 0 or more"),
    **dict.fromkeys((_D.CPPTYPE_FLOAT, _D.CPPTYPE_DOUBLE), "give a number"),
    _D.CPPTYPE_BOOL: "give true or false",
    _D.CPPTYPE_STRING: "give a text",
}
# What other toolkits call fields of a solver; `lr` is near enough to be found.
_ELSEWHERE = {"learning_rate": "base_lr", "optimizer": "type", "epochs": "max_iter"}


def set_field(message: Any, name: str, value: Any) -> None:
    """Set one field from a Python value: enums by name, repeated fields from a value or a list.

    Raises PrototxtError for a field that does not exist (with the closest name) or a value that does not fit.
    """
    described = _field(message, name)
    try:
        _assign(message, described, value)
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, OwlkitError):
            raise
        reason = _EXPECTED.get(described.cpp_type, error) if isinstance(error, TypeError) else error
        raise PrototxtError(f"{message.DESCRIPTOR.name}.{name} cannot be {value!r}: {reason}") from error


def _field(message: Any, name: str) -> Any:
    """The descriptor of a field. PrototxtError where there is none of that name."""
    names = message.DESCRIPTOR.fields_by_name
    if name in names:
        return names[name]
    meant = _ELSEWHERE.get(name, "")
    hint = f" (did you mean {meant!r}?)" if meant in names else closest(name, names)
    raise PrototxtError(f"{message.DESCRIPTOR.name} has no field {name!r}{hint}")


def _assign(message: Any, field: Any, value: Any) -> None:
    if field.message_type is not None:
        _assign_message(message, field, value)
    elif isinstance(getattr(message, field.name), str | bytes | bool | int | float):
        setattr(message, field.name, _plain(field, value))
    else:
        values = value if isinstance(value, list | tuple) else [value]
        message.ClearField(field.name)
        getattr(message, field.name).extend([_plain(field, v) for v in values])


def _plain(field: Any, value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if field.enum_type is None or not isinstance(value, str):
        return value
    names = field.enum_type.values_by_name
    if value.upper() not in names:
        raise ValueError(f"it is one of {', '.join(names)}")
    return names[value.upper()].number


def _assign_message(message: Any, field: Any, value: Any) -> None:
    target = getattr(message, field.name)
    repeated = not hasattr(target, "DESCRIPTOR")
    message.ClearField(field.name)
    for item in value if repeated and isinstance(value, list | tuple) else [value]:
        place = getattr(message, field.name)
        place = place.add() if repeated else place
        if isinstance(item, Mapping):
            place.SetInParent()
            for key, inner in item.items():
                set_field(place, key, inner)
        elif field.message_type.name == "NetParameter":
            place.CopyFrom(proto.net_param(item))
        else:
            place.CopyFrom(item)


def _find_nets(found: Definition, folder: Path) -> None:
    """Net paths count from the working directory, as in Caffe; failing that, from the solver file's folder,
    or the file lies there, as where a folder was moved."""
    param = found.param
    for name in ("net", "train_net"):
        if param.HasField(name):
            setattr(param, name, _locate(getattr(param, name), folder, found.notes))
    tests = [_locate(path, folder, found.notes) for path in param.test_net]
    del param.test_net[:]
    param.test_net.extend(tests)


def _locate(path: str, folder: Path, notes: list[str]) -> str:
    if Path(path).exists():
        return path
    for beside in (folder / path, folder / Path(path).name):
        if beside.is_file():
            notes.append(f"net {path} was taken from the folder of the solver file: {beside}")
            return str(beside)
    return path
