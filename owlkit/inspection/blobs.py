"""What is in files of numbers: weights, solver states, mean images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.inspection.report import Report
from owlkit.io.mean import read_mean
from owlkit.io.solverstate import read_sidecar, read_solverstate, sidecar_path
from owlkit.io.stored import StoredWeights, read_weights
from owlkit.net import tables

_HEADER = ("shape", "mean", "std", "min", "max")
_RIGHT = (2, 3, 4, 5)


def statistics(array: np.ndarray) -> dict[str, Any]:
    """Shape, mean, standard deviation and range of the finite values, and how many are not finite."""
    finite = array[np.isfinite(array)].astype(np.float64)
    found: dict[str, Any] = {"shape": list(array.shape), "not_finite": int(array.size - finite.size)}
    if finite.size:
        found |= {"mean": float(finite.mean()), "std": float(finite.std())}
        found |= {"min": float(finite.min()), "max": float(finite.max())}
    return found


def inspect_weights(path: str | Path) -> Report:
    """Each learned blob of a file of weights: caffemodel of any age, HDF5 or safetensors."""
    stored = read_weights(path)
    blobs = named_blobs(stored)
    values = tables.count(sum(array.size for array in blobs.values()))
    title = f"{path}: weights\n{len(stored.layers)} layers, {len(blobs)} blobs, {values} values"
    report = _table(title, "blob", blobs.items())
    entries = [
        {"layer": layer, "index": index, **statistics(blob.array)}
        for layer, members in stored.layers.items()
        for index, blob in members.items()
    ]
    report.content = {"kind": "weights", "blobs": entries}
    return report


def named_blobs(stored: StoredWeights) -> dict[str, np.ndarray]:
    """Learned blobs by name: "conv1[0]" are weights, "conv1[1]" biases."""
    return {
        f"{layer}[{index}]": blob.array
        for layer, members in stored.layers.items()
        for index, blob in members.items()
    }


def inspect_state(path: str | Path) -> Report:
    """A solverstate: iteration, the weights that belong to it, histories, and whether a sidecar is beside."""
    state = read_solverstate(path)
    extra = read_sidecar(path, state.iter)
    report = _table(
        f"{path}: state of a solver after {state.iter:,} iterations",
        "history",
        ((str(index), entry) for index, entry in enumerate(state.history)),
    )
    report.remarks.append(f"weights: {state.learned_net or 'no name stored'}")
    report.remarks.append(
        f"{sidecar_path(path).name} beside it: resuming goes on bit for bit"
        if extra is not None
        else "no .owl file beside it, as from Caffe: data will start from its first record"
    )
    report.content = {
        "kind": "solverstate",
        "iter": state.iter,
        "current_step": state.current_step,
        "learned_net": state.learned_net,
        "sidecar": extra is not None,
        "history": [statistics(entry) for entry in state.history],
    }
    return report


def inspect_mean(path: str | Path) -> Report:
    """A mean image, by channel."""
    mean = read_mean(path)
    report = _table(
        f"{path}: mean image, (C, H, W) = {mean.shape}",
        "channel",
        ((str(index), plane) for index, plane in enumerate(mean)),
    )
    report.content = {"kind": "mean image", "shape": list(mean.shape)}
    report.content |= {"channels": [statistics(plane) for plane in mean]}
    return report


def _table(title: str, first: str, arrays: Iterable[tuple[str, np.ndarray]]) -> Report:
    rows, broken = [], []
    for name, array in arrays:
        found = statistics(array)
        numbers = [f"{found[key]:.4g}" if key in found else "-" for key in _HEADER[1:]]
        rows.append([name, tables.shape(array.shape), *numbers])
        if found["not_finite"]:
            broken.append(f"{name}: {found['not_finite']:,} of {array.size:,} values are not finite")
    return Report(title, (first, *_HEADER), rows, _RIGHT, remarks=broken)
