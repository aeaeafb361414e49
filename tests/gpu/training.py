"""A training on a GPU that tells what it has reached, to be killed and started again.

    python -m tests.gpu.training RECORDS LAST [HOLD]

It stops at iteration HOLD, to be killed there at the latest, however fast the GPU is. It goes on from the
newest snapshot beside RECORDS; every line is an iteration and a digest of all values.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from owlkit.core.events import SnapshotWritten
from owlkit.solvers.latest import newest_sound
from tests.solvers.killing import digest
from tests.solvers.test_interruption import make_solver
from tests.support import gpu

EVERY = 2  # iterations between two snapshots


def train(records: Path, last: int, hold: int | None = None) -> None:
    prefix = str(records.parent / "snapshots" / "a")
    Path(prefix).parent.mkdir(exist_ok=True)
    found = newest_sound(prefix)
    device = gpu.open_device(deterministic=True)
    # Another seed than at first: everything that matters has to come from the snapshot.
    solver = make_solver(
        records, snapshot=EVERY, snapshot_prefix=prefix, momentum=0.9, type="Adam", device=device,
        seed=2 if found is None else 77,
    )  # fmt: skip
    if found is not None:
        solver.restore(found.state)
    print(solver.iter, digest(solver), flush=True)

    def tell(event: object) -> None:
        if isinstance(event, SnapshotWritten):
            print(event.iter, digest(solver), flush=True)
            if event.iter == hold:
                signal.pause()

    solver.add_listener(tell)
    solver.step(last - solver.iter)
    print(solver.iter, digest(solver), flush=True)


if __name__ == "__main__":
    train(Path(sys.argv[1]), *map(int, sys.argv[2:]))
