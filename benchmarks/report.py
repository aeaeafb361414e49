"""What every benchmark stores with its numbers: machine, date, versions; and where it stores them."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "owlkit", "numpy", "onednn-cpu-gomp", "torch", "cupy-cuda13x", "cupy-cuda12x", "nvidia-cudnn-frontend",
    "nvidia-cudnn-cu13", "nvidia-cudnn-cu12",
)  # fmt: skip


def quiet_blas() -> None:
    """Drop settings that cripple NumPy's matrix product, for every side of a comparison."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)


def machine() -> dict[str, Any]:
    """Processor, core count, system and the versions of what is compared."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    parts = (
        fields.get(f"{key}\t", fields.get(f"{key}\t\t", "")).strip()
        for key in ("model name", "cpu family", "model")
    )
    return " / ".join(part for part in parts if part)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Median, least and most, in milliseconds."""
    values = [1e3 * s for s in seconds]
    return {"median_ms": statistics.median(values), "min_ms": min(values), "max_ms": max(values)}


def store(name: str, content: dict[str, Any]) -> Path:
    """Write results/<name>.json with the machine's description; returns the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | content, indent=1) + "\n")
    return path
