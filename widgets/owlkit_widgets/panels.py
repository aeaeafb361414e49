"""The kernel's half of the panels beneath the chart: layers, filters, histograms.

Messages, kernel to browser, each with one buffer:

- ``{type: "norms", first, n}``: n rows of norms that follow the `first` rows sent before, in the layout of
  `norms.pack`
- ``{type: "frame", row, kept}``: a picture of the filters (`filmstrip.Frame`), and the iterations of those
  that are still kept
- ``{type: "histogram", layer, kind, first, iter}``: a row of `histograms.histogram`, for layers that are open
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .filmstrip import Filmstrip, Frame
from .histograms import KINDS, Histograms, histogram, reader
from .judgement import Health, Judge
from .norms import Norms, pack
from .sampler import Sampler

STILL = frozenset({"ready", "paused", "stopped", "finished", "failed", "diverged"})
"""States in which nobody writes to the net."""


class Panels:
    """Samples of a run's net, as tables that are handed out whole or in parts.

    run : with `.solver` (net, rule, add_listener); without one there is nothing to show.
    """

    def __init__(self, run: Any) -> None:
        solver: Any = getattr(run, "solver", None)
        self._run = run
        self.lock = threading.RLock()
        self.sampler = Sampler(solver) if solver is not None else None
        self.norms = Norms(len(self.sampler.watched.parameters) if self.sampler else 0)
        self.film = Filmstrip()
        self.histograms: dict[tuple[str, str], Histograms] = {}
        self._judge = Judge(self.sampler.watched.judged if self.sampler else [])
        self._net = getattr(solver, "net", None)
        self._unlisten: Callable[[], None] = lambda: None
        self._sent = 0
        self._rewound = False
        if self.sampler is not None:
            if run.state in STILL:
                with self._at_rest():
                    self.sampler.first_look(int(run.iter))
            self._unlisten = solver.add_listener(self.sampler, self.sampler.at_rest)

    def remove(self) -> None:
        """Let go of the net."""
        self._unlisten()
        if self.sampler is not None:
            self.sampler.release()

    @property
    def health(self) -> Health:
        """Which layers need a look now."""
        return self._judge.health

    @property
    def cost_seconds(self) -> float:
        """Seconds that the training thread spent on samples."""
        return self.sampler.cost_seconds if self.sampler else 0.0

    @property
    def nbytes(self) -> int:
        """Bytes that a page gets when it loads, about."""
        frames = self.film.frames
        return 4 * self.norms.n * (1 + 2 * self.norms.count) + sum(f.levels.nbytes for f in frames)

    def describe(self) -> dict[str, Any]:
        """What of the net is shown, for the `run` trait: {layers, filters}."""
        if self.sampler is None:
            return {"layers": [], "filters": None}
        return {"layers": self.sampler.watched.layers, "filters": self.sampler.watched.filters}

    def watch(self, layers: list[str]) -> bool:
        """Take histograms of these layers from now on, and of no others; what was taken stays.

        Whether some were taken at once, of a net that stands still: no sample would come to show them.
        """
        if self.sampler is None:
            return False
        known = {layer["name"] for layer in self.sampler.watched.layers}
        wanted = [(layer, kind) for layer in layers if layer in known for kind in KINDS]
        with self.lock:
            new = [key for key in wanted if key not in self.sampler.requests]
            self.sampler.requests = {key: reader(self._net, *key) for key in wanted}
            for key in wanted:
                self.histograms.setdefault(key, Histograms(*key))
            new = [key for key in new if not self.histograms[key].rows]
        if not new or self._run.state not in STILL:
            return False
        with self._at_rest():  # it may go on meanwhile, or be stepped by a cell
            return self._run.state in STILL and self.sampler.look_at(new)

    def _at_rest(self) -> AbstractContextManager[Any]:
        """Meanwhile nobody trains the net. Not asked for with the lock, for which whoever publishes waits."""
        at_rest = getattr(self._net, "at_rest", None)
        return at_rest() if at_rest is not None else nullcontext()

    def take_rewound(self) -> bool:
        """Whether something sent before does not hold any more, since the last call: send `history` again."""
        rewound, self._rewound = self._rewound, False
        return rewound

    def last_look(self) -> None:
        """The run has ended: show how its net stands, however long ago the sample before was."""
        if self.sampler is not None and self._run.state in STILL:
            with self._at_rest():
                self.sampler.last_look()

    def take(self) -> list[tuple[dict[str, Any], bytes]]:
        """What is new since the last call, as messages with their buffers."""
        if self.sampler is None:
            return []
        with self.lock:
            return self._fetch(self.sampler)

    def _fetch(self, sampler: Sampler) -> list[tuple[dict[str, Any], bytes]]:
        rows: list[Any] = []
        messages: list[tuple[dict[str, Any], bytes]] = []
        for sample in sampler.fetch():
            if sample.after is not None:
                self._rewind(sample.after)
            if sample.norms is not None:
                self.norms.add(sample.iter, sample.norms)
                self._judge.add(sample.iter, sample.norms)
                rows.append((sample.iter, sample.norms))
            if sample.filters is not None and np.isfinite(sample.filters).all():
                frame = Frame.of(sample.iter, sample.filters)
                self.film.add(frame)
                messages.append(({"type": "frame", "row": frame.row(), "kept": self.film.iters}, frame.data))
            for key, values in sample.histograms.items():
                row = histogram(values)
                table = self.histograms[key]
                head = {"type": "histogram", "layer": table.layer, "kind": table.kind}
                messages.append((head | {"first": table.total, "iter": sample.iter}, row.tobytes()))
                table.add(sample.iter, row)
        if self._rewound:
            self._sent = self.norms.total  # all of it is sent anew
            return []
        if rows:
            messages.insert(0, ({"type": "norms", "first": self._sent, "n": len(rows)}, pack(rows)))
            self._sent += len(rows)
        return messages

    def _rewind(self, iteration: int) -> None:
        """Show the line that led to the present weights: what came after an iteration was given up."""
        self._rewound = True
        self.norms.cut(iteration)
        self.film.cut(iteration)
        for table in self.histograms.values():
            table.cut(iteration)
        self._judge = Judge(self.sampler.watched.judged if self.sampler else [])

    def history(self) -> dict[str, Any]:
        """All of it, for a page that loads."""
        with self.lock:
            n, data = self.norms.block()
            norms = {"total": self.norms.total, "n": n, "count": self.norms.count, "data": data}
            film = self.film.block() | {"filters": self.describe()["filters"]}
            tables = [table.block() for table in self.histograms.values()]
            return {"norms": norms, "film": film, "histograms": tables}
