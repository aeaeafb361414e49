"""Files of Caffe's old formats rewritten in today's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from owlkit import proto
from owlkit.core.errors import FileFormatError
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.recognise import parse_binary, recognise
from owlkit.io.weights import write_caffemodel
from owlkit.proto import caffe_pb2, text, upgrade


@dataclass
class Upgraded:
    """A definition or weights in today's format. notes : what was changed; none for what was up to date."""

    message: Any
    binary: bool
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """As prototxt."""
        return text.format(self.message)

    def write(self, path: str | Path) -> None:
        """Write it in the form that was read: text as text, weights as weights."""
        if self.binary:
            write_caffemodel(path, self.message)
        else:
            write_bytes(path, self.text().encode())


def upgrade_net_file(path: str | Path) -> Upgraded:
    """A net from a prototxt or from a binary file of weights, whichever it is.

    Raises PrototxtError or FileFormatError where it is no net, or contradicts itself.
    """
    content = read_bytes(path, "net")
    found = recognise(content)
    if not found.startswith("a caffemodel"):
        if not (found.startswith(("text", "empty"))):
            raise FileFormatError(f"{path} is neither the definition nor the weights of a net: it is {found}")
        notes: list[str] = []
        return Upgraded(proto.read_net(path, notes), False, notes)
    net: Any = parse_binary(content, caffe_pb2.NetParameter)
    return Upgraded(net, True, upgrade.upgrade_net(net, str(path)))


def upgrade_solver_file(path: str | Path) -> Upgraded:
    """A solver from a prototxt. Raises PrototxtError."""
    notes: list[str] = []
    return Upgraded(proto.read_solver(path, notes), False, notes)
