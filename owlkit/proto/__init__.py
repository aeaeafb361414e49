"""Caffe's language: schema, text format, upgrades of old formats, and the rules that pick a net's layers.

`read_net` and `read_solver` read files, `net_param` takes whatever defines a net. Reading imports the parser
on first use; `owlkit.proto.caffe_pb2` alone takes milliseconds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from owlkit.proto import caffe_pb2

__all__ = ["net_param", "read_net", "read_solver"]


def read_net(path: str | Path, notes: list[str] | None = None) -> caffe_pb2.NetParameter:
    """The net defined in a prototxt file, in today's format.

    notes : gets what the upgrade of an old format did. Raises PrototxtError, MissingFileError.
    """
    from owlkit.proto import caffe_pb2, text, upgrade

    net = text.read(path, caffe_pb2.NetParameter)
    told = upgrade.upgrade_net(net, str(path))
    if notes is not None:
        notes += told
    return net


def read_solver(path: str | Path, notes: list[str] | None = None) -> caffe_pb2.SolverParameter:
    """The solver defined in a prototxt file, in today's format; `notes` and errors as `read_net`."""
    from owlkit.proto import caffe_pb2, text, upgrade

    solver = text.read(path, caffe_pb2.SolverParameter)
    told = upgrade.upgrade_solver(solver, str(path))
    if notes is not None:
        notes += told
    return solver


def net_param(definition: Any, notes: list[str] | None = None) -> caffe_pb2.NetParameter:
    """A NetParameter in today's format, of its own, from whatever defines a net.

    definition : path of a prototxt file | NetParameter (also another package's) | NetSpec (has `to_proto`).
    """
    from owlkit.proto import caffe_pb2, upgrade

    if isinstance(definition, (str, os.PathLike)):
        return read_net(Path(definition), notes)
    if hasattr(definition, "to_proto"):
        definition = definition.to_proto()
    kind = getattr(getattr(definition, "DESCRIPTOR", None), "full_name", "")
    if kind != "caffe.NetParameter":
        found = kind or type(definition).__name__
        raise TypeError(f"a net is defined by a path, a NetParameter or a NetSpec, not by a {found}")
    net = caffe_pb2.NetParameter()
    if isinstance(definition, caffe_pb2.NetParameter):
        net.CopyFrom(definition)
    else:
        net.ParseFromString(definition.SerializeToString())
    told = upgrade.upgrade_net(net, net.name or "net")
    if notes is not None:
        notes += told
    return net
