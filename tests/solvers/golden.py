"""Reference trajectories of Caffe's solvers, and how to run them here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from tests.support.shared import shared, shared_root


def cases() -> list[str]:
    """Names of all trajectories."""
    return sorted(p.stem for p in (shared_root() / "golden" / "solvers").glob("*.npz"))


@cache
def load(case: str) -> dict[str, np.ndarray]:
    with np.load(shared(f"golden/solvers/{case}.npz")) as archive:
        return {name: archive[name] for name in archive.files}


def stored_state(case: str, iteration: int, suffix: str = "") -> Path:
    """suffix : ".h5" for the state in HDF5."""
    return shared(f"golden/solvers/{case}_snap_iter_{iteration}.solverstate{suffix}")


def make_solver(case: str, **fields: Any) -> Solver:
    """The solver of a trajectory, with its initial parameters."""
    golden = load(case)
    param = text.parse(str(golden["solver_prototxt"]), caffe_pb2.SolverParameter)
    net = text.parse(str(golden["net_prototxt"]), caffe_pb2.NetParameter)
    for layer in net.layer:
        if layer.type == "HDF5Data":
            layer.hdf5_data_param.source = str(shared(f"golden/solvers/{layer.hdf5_data_param.source}"))
    param.ClearField("net")
    param.net_param.CopyFrom(net)
    solver = Solver(param, seed=1, **fields)
    set_params(solver, golden, "init")
    return solver


def set_params(solver: Solver, golden: dict[str, np.ndarray], prefix: str) -> None:
    for key, value in golden.items():
        if key.startswith(prefix + "/"):
            _, layer, index = key.split("/")
            solver.net.params[layer][int(index)].data[...] = value


def feed(solver: Solver, golden: dict[str, np.ndarray], iteration: int) -> None:
    """Write the batch of an iteration, where the net does not read it from HDF5 files."""
    if "data" not in golden:
        return
    solver.net.blobs["data"].data[...] = golden["data"][iteration]
    solver.net.blobs["label"].data[...] = golden["label"][iteration]


def compare_params(solver: Solver, golden: dict[str, np.ndarray], iteration: int) -> None:
    prefix = f"iter{iteration}/"
    compared = 0
    for key, expected in golden.items():
        if key.startswith(prefix):
            _, layer, index = key.split("/")
            found = solver.net.params[layer][int(index)].data
            assert_close(found, expected, f"{layer}[{index}] after {iteration} updates")
            compared += 1
    assert compared


def assert_close(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Within 1e-4 of the largest entry, and element by element wherever values are not tiny against it."""
    scale = float(np.abs(expected).max()) or 1.0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale, err_msg=what)
