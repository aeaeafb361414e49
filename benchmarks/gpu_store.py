"""Where `gpu_iteration.py` keeps what each side took, so that a comparison can be made in parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import report

#: What sides have told, by side.
Found = dict[str, dict[str, Any]]

_KEY = ("net", "batch", "training", "precision")


class Store:
    """What was measured on these GPUs with these versions.

    again : words of sides that do not count as known. rates : multiply-adds a second of a large product.
    """

    def __init__(self, gpus: list[str], again: Sequence[str] = ()) -> None:
        self._gpus, self._again = gpus, again
        self.path = Path(report.RESULTS) / "gpu_iteration.json"
        old = json.loads(self.path.read_text()) if self.path.exists() else {}
        if (old.get("gpus"), old.get("machine", {}).get("versions")) != (gpus, report.machine()["versions"]):
            old = {}
        self.rates: dict[str, float | None] = old.get("rates", {})
        self._rows: list[dict[str, Any]] = old.get("results", [])

    def sides(self, what: dict[str, Any]) -> Found:
        """The sides of a comparison that are known: not those refused, nor those asked again."""
        rows = [row for row in self._rows if all(row[name] == what[name] for name in _KEY)]
        return {
            side: one
            for row in rows
            for side, one in row["sides"].items()
            if "seconds" in one and not any(word in side for word in self._again)
        }

    def keep(self, result: dict[str, Any]) -> None:
        """Store a result in place of what is known of the same, beside those of other nets and kinds."""
        others = [row for row in self._rows if any(row[name] != result[name] for name in _KEY)]
        self._rows = [*others, result]
        report.store("gpu_iteration", {"gpus": self._gpus, "rates": self.rates, "results": self._rows})
