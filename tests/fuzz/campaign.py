"""Workers, started and watched: what they found, and the file that ended one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Result:
    """What became of one reader. taken, refused : files. failures : described, with the place of the file."""

    reader: str
    seconds: float = 0.0
    taken: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{self.taken:8d} taken {self.refused:8d} refused in {self.seconds:7.1f} s"
        return f"{self.reader:16s} {counts}  {len(self.failures)} failures"


def run(
    folder: Path,
    readers: list[str],
    count: int,
    seconds: float = 0,
    seed: str = "0",
    limit: float | None = None,
) -> list[Result]:
    """Let one worker feed the readers in turn; where one ends the worker, that is its failure.

    folder : gets the files that failed. count, seconds : per reader. limit : of the worker's whole time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.worker", str(folder), ",".join(readers)]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }
    done = subprocess.run(
        [*command, str(count), str(seconds), seed],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
        env=environment,
    )
    results = [Result(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        results.append(_ended(folder, done))
    return results


def _ended(folder: Path, done: subprocess.CompletedProcess[str]) -> Result:
    current = folder / "current"
    report = f"the process ended with {done.returncode}\n{done.stderr[-3000:]}"
    if not current.exists():
        return Result("start", failures=[report])
    reader, place = current.read_text().split("\n")
    kept = folder / f"{reader}-end"
    kept.write_bytes(Path(place).read_bytes())
    return Result(reader, failures=[f"{kept}: {report}"])
