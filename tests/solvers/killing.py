"""Trainings that are ended by SIGKILL and go on from what lies on the disk.

    python -m tests.solvers.killing FOLDER moments COUNT SEED     at random moments
    python -m tests.solvers.killing FOLDER points                 at every step of writing a snapshot
    python -m tests.solvers.killing FOLDER torn                   the same, written without a staging folder

This process imports everything and computes nothing, so that its children can be forked: no threads are lost.
A JSON object on standard output tells what happened; the first thing that is not as it must be ends it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from owlkit.core.events import SnapshotWritten
from owlkit.io import files
from owlkit.solvers import Solver, snapshots
from owlkit.solvers.latest import newest_sound
from tests.solvers.test_interruption import everything, make_solver
from tests.support.sets import random_images, write_set

EVERY = 2  # iterations between two snapshots
OPTIONS: dict[str, Any] = {"momentum": 0.9, "snapshot": EVERY, "type": "Adam"}


def digest(solver: Solver) -> str:
    """Of parameters, statistics, histories, positions, random states, and the losses that are averaged."""
    whole = hashlib.sha256()
    for name, content in sorted(everything(solver).items()):
        whole.update(name.encode() + content)
    return whole.hexdigest()


@dataclass
class Tally:
    """kills : done. inside : of them, while a snapshot was written. ends : trainings that ran to their end.
    left : folders of killed snapshots that are still there at the end."""

    kills: int = 0
    inside: int = 0
    ends: int = 0
    left: int = 0
    seconds: float = 0.0


class Trainings:
    """Lives of one training in a folder: each goes on from the newest sound snapshot, and tells by a pipe.

    last : iteration. expected : digests of an uninterrupted training, by iteration.
    """

    def __init__(self, folder: Path, last: int) -> None:
        self.last = last
        self.records = write_set(folder / "set", random_images(22, (3, 10, 11)), [i % 3 for i in range(22)])
        self.expected: dict[int, str] = {}
        self.snapshots = folder / "snapshots"

    def learn_expected(self) -> float:
        """Train without interruption; returns the seconds that took."""
        started = time.monotonic()
        pid, pipe = self.start(lambda solver: None)
        lines = self.read(pipe, None)
        os.waitpid(pid, 0)
        self.expected = {int(number): found for what, number, found in lines if what in ("snapshot", "end")}
        assert sorted(self.expected) == list(range(EVERY, self.last + 1, EVERY)), lines
        shutil.rmtree(self.snapshots)
        return time.monotonic() - started

    def start(self, prepare: Callable[[Solver], None]) -> tuple[int, int]:
        """A child that trains; its process id, and where it tells. prepare : called with its solver."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        try:
            self._live(prepare, lambda *words: os.write(writing, f"{' '.join(map(str, words))}\n".encode()))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _live(self, prepare: Callable[[Solver], None], tell: Callable[..., Any]) -> None:
        self.snapshots.mkdir(exist_ok=True)
        prefix = str(self.snapshots / "a")
        found = newest_sound(prefix)
        # Another seed than at first: everything that matters has to come from the snapshot.
        solver = make_solver(
            self.records, **OPTIONS, snapshot_prefix=prefix, seed=2 if found is None else os.getpid()
        )
        if found is not None:
            solver.restore(found.state)
        tell("start", solver.iter, digest(solver))
        solver.add_listener(
            lambda event: (
                tell("snapshot", event.iter, digest(solver)) if isinstance(event, SnapshotWritten) else None
            )
        )
        prepare(solver)
        solver.step(self.last - solver.iter)
        tell("end", solver.iter, digest(solver))

    @staticmethod
    def read(pipe: int, seconds: float | None) -> list[list[str]]:
        """What a child tells until it ends, or until the time is over."""
        content, end = b"", None if seconds is None else time.monotonic() + seconds
        while select.select([pipe], [], [], None if end is None else max(0.0, end - time.monotonic()))[0]:
            part = os.read(pipe, 1 << 16)
            if not part:
                break
            content += part
        return [line.split() for line in content.decode().splitlines()]

    def life(self, tally: Tally, known: int, seconds: float | None, prepare: Callable[[Solver], None]) -> int:
        """One life of the training, at most `seconds` long; returns the last iteration told as saved.

        known : what the lives before have told. 0 again once the training came to its end.
        """
        pid, pipe = self.start(prepare)
        lines = self.read(pipe, seconds)
        inside = any(self.snapshots.glob(".owlkit-snapshot-*")) if self.snapshots.exists() else False
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        lines += self.read(pipe, None)
        os.close(pipe)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), "the training failed"
        for what, number, found in lines:
            iteration = int(number)
            if what == "start":
                assert iteration >= known, (
                    f"a snapshot of iteration {known} was lost: resumed from {iteration}"
                )
            if iteration:
                assert found == self.expected[iteration], f"other bits after {what} at iteration {iteration}"
            known = max(known, iteration)
        if lines and lines[-1][0] == "end":
            tally.ends += 1
            return 0
        tally.kills += 1
        tally.inside += inside
        return known


def moments(trainings: Trainings, count: int, seed: int) -> Tally:
    """Kill at `count` random moments, spread over the whole of a training; then let the last one end."""
    rng, whole = random.Random(seed), trainings.learn_expected()
    tally, known = Tally(), 0
    while tally.kills < count:
        if not known:
            shutil.rmtree(trainings.snapshots, ignore_errors=True)
        known = trainings.life(tally, known, rng.uniform(0, 0.7 * whole), lambda solver: None)
    trainings.life(tally, known, None, lambda solver: None)
    tally.left = len(list(trainings.snapshots.glob(".owlkit-*")))
    return tally


def kill_at(point: int, truncate: bool) -> Callable[[Solver], None]:
    """Kill before step `point` of writing the third snapshot; `truncate`: with half of a file written."""

    def prepare(solver: Solver) -> None:
        done = 0

        def watched(call: Callable[..., Any]) -> Callable[..., Any]:
            def step(*args: Any, **options: Any) -> Any:
                nonlocal done
                if solver.iter != 3 * EVERY:
                    return call(*args, **options)
                if done == point:
                    if truncate and call is fsync and os.fstat(args[0]).st_mode & 0o100000:
                        os.ftruncate(args[0], os.fstat(args[0]).st_size // 2)
                    os.kill(os.getpid(), signal.SIGKILL)
                done += 1
                return call(*args, **options)

            return step

        fsync = os.fsync
        os.fsync, os.replace = watched(os.fsync), watched(os.replace)
        shutil.rmtree, tempfile.mkdtemp = watched(shutil.rmtree), watched(tempfile.mkdtemp)

    return prepare


def points(trainings: Trainings) -> Tally:
    """Kill before every step of writing the third snapshot of a training, resume, and go on to the end."""
    trainings.learn_expected()
    tally, point = Tally(), 0
    while True:
        for truncate in (False, True):
            shutil.rmtree(trainings.snapshots, ignore_errors=True)
            before = tally.ends
            known = trainings.life(tally, 0, None, kill_at(point, truncate))
            if tally.ends > before:
                return tally
            trainings.life(tally, known, None, lambda solver: None)
            assert tally.ends == before + 1
        point += 1


def main(arguments: list[str]) -> None:
    files.GRACE_SECONDS = 0  # what killed snapshots leave is to be swept at once
    started = time.monotonic()
    trainings = Trainings(Path(arguments[0]), 40 if arguments[1] == "moments" else 4 * EVERY)
    if arguments[1] == "torn":
        snapshots.staging_folder = nullcontext  # type: ignore[assignment]
    at_random = arguments[1] == "moments"
    tally = moments(trainings, *map(int, arguments[2:])) if at_random else points(trainings)
    tally.seconds = time.monotonic() - started
    print(json.dumps(asdict(tally)))


if __name__ == "__main__":
    main(sys.argv[1:])
