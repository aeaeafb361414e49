"""A solver and its nets as prototxt files, from which `owlkit train` or Caffe trains the same again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from owlkit import proto
from owlkit.core.errors import DataError
from owlkit.io.files import write_bytes
from owlkit.proto import caffe_pb2, text


def save_definition(param: Any, folder: str | Path, overwrite: bool) -> tuple[Path, Path]:
    """Write `net.prototxt` and `solver.prototxt` (and test nets of their own); returns the paths of the two.

    The solver names its nets as seen from the working directory, `folder/net.prototxt`: so Caffe, started in
    the same place, finds them, as it finds the data sets. owlkit finds them beside the solver file too.
    param : a complete SolverParameter, see Solver.to_proto.
    """
    folder = Path(folder)
    solver = caffe_pb2.SolverParameter()
    solver.CopyFrom(param)
    files = _take_nets(solver, folder)
    content = {path: text.format(message).encode() for path, message in files.items()}
    content[folder / "solver.prototxt"] = text.format(solver).encode()
    for path, new in content.items():
        if path.exists() and not overwrite and path.read_bytes() != new:
            raise DataError(
                f"{path} is there already and differs; choose another folder, or give overwrite=True"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, new in content.items():
        write_bytes(path, new)
    return next(iter(content)), folder / "solver.prototxt"


def _take_nets(solver: Any, folder: Path) -> dict[Path, Any]:
    """Replace the nets in a SolverParameter by the names of files; file -> net, the trained first."""
    generic = solver.HasField("net") or solver.HasField("net_param")
    field = next(
        name for name in ("net", "net_param", "train_net", "train_net_param") if solver.HasField(name)
    )
    path = folder / "net.prototxt"
    files = {path: proto.net_param(getattr(solver, field))}
    tests = [proto.net_param(source) for source in (*solver.test_net_param, *solver.test_net)]
    for name in ("net_param", "train_net_param", "test_net_param", "test_net", "net", "train_net"):
        solver.ClearField(name)
    setattr(solver, "net" if generic else "train_net", str(path))
    if generic and all(test == files[path] for test in tests):
        return files  # Caffe's rule: each test_iter without a net of its own tests `net`
    for index, test in enumerate(tests):
        path = folder / ("test_net.prototxt" if len(tests) == 1 else f"test_net_{index}.prototxt")
        files[path] = test
        solver.test_net.append(str(path))
    return files
