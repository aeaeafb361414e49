"""One process that feeds readers with damaged files, under limits that it sets itself.

    python -m tests.fuzz.worker FOLDER READERS COUNT SECONDS SEED

Each reader gets COUNT files, or as many as SECONDS allow (0: no limit). A file is written to FOLDER before it
is read, so that the one which ends this process is there afterwards. Results are lines of JSON on standard
output.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from owlkit.core.errors import OwlkitError
from tests.fuzz.broken import BROKEN
from tests.fuzz.mutation import mutate
from tests.fuzz.readers import READERS, Reader

CORPUS = Path(__file__).parent / "corpus"
MEMORY = 400 << 20  # bytes of address space beyond what the process has when it starts to read
# Generous, for busy machines: a usual file takes a few milliseconds.
HANG_SECONDS = float(os.environ.get("OWLKIT_FUZZ_HANG_SECONDS", "20"))
# Events of the interpreter (sys.audit) that no reader has a use for.
FORBIDDEN = (
    "pickle.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.",
    "socket.",
)


class CodeExecution(BaseException):
    """A reader was about to run something that a file asked for."""


class _Guard:
    """Refuses what readers must not do, while one reads."""

    reading = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.reading and event.startswith(FORBIDDEN):
            raise CodeExecution(f"{event} {arguments}")


GUARD = _Guard()


def attempt(reader: Reader, content: bytes, path: Path) -> str:
    """Read one file: "" where it was taken, "refused" for an OwlkitError, else the failure's traceback."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reader.pack(content))
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    GUARD.reading = True
    try:
        reader.read(path)
    except OwlkitError:
        return "refused"
    except Exception:
        return traceback.format_exc()
    except CodeExecution:
        return traceback.format_exc()
    finally:
        GUARD.reading = False
        faulthandler.cancel_dump_traceback_later()
    return ""


def known(reader: Reader) -> list[bytes]:
    """The files that once made this reader fail."""
    return [path.read_bytes() for path in sorted((CORPUS / reader.name).glob("*"))]


def contents(reader: Reader, count: int, seconds: float, rng: random.Random) -> Iterator[bytes]:
    """What to read: what once failed, then damaged files."""
    sources = list(reader.seeds())
    old = known(reader)
    yield from old
    end = time.monotonic() + seconds if seconds else float("inf")
    for _ in range(count):
        if time.monotonic() > end:
            return
        yield mutate(rng, sources + old, reader.kind, reader.words)


def fuzz(reader: Reader, folder: Path, count: int, seconds: float, seed: str) -> dict[str, Any]:
    """Files taken and refused, and failures as (traceback, place of the file)."""
    started, found = time.monotonic(), {"taken": 0, "refused": 0}
    failures: dict[str, str] = {}
    rng = random.Random(f"{reader.name} {seed}")
    work = Path(tempfile.mkdtemp(dir=folder))
    for number, content in enumerate(contents(reader, count, seconds, rng)):
        current = work / "current" / f"file{reader.suffix}"
        (folder / "current").write_text(f"{reader.name}\n{work / 'content'}")
        (work / "content").write_bytes(content)
        outcome = attempt(reader, content, current)
        shutil.rmtree(work / "current", ignore_errors=True)
        if outcome in ("", "refused"):
            found["refused" if outcome else "taken"] += 1
        elif (place := _place(outcome)) not in failures:
            kept = folder / f"{reader.name}-{len(failures)}"
            kept.write_bytes(content)
            shown = "\n".join(line[:300] for line in outcome.splitlines())
            failures[place] = f"{kept}: file {number}\n{shown}"
    shutil.rmtree(work)
    return {
        "reader": reader.name,
        "seconds": time.monotonic() - started,
        **found,
        "failures": list(failures.values()),
    }


def _place(report: str) -> str:
    """What tells one failure from another: the last lines that name code, and the kind of error."""
    lines = [line.strip() for line in report.splitlines()]
    return " ".join([*[line for line in lines if line.startswith("File ")][-2:], lines[-1].partition(":")[0]])


def warm_up(reader: Reader, folder: Path) -> None:
    """Read the valid files, so that what is imported or allocated once is there before the limits are set."""
    for number, content in enumerate(reader.seeds()):
        outcome = attempt(reader, content, folder / f"warm-{reader.name}-{number}" / f"file{reader.suffix}")
        if outcome not in ("", "refused"):
            raise SystemExit(f"{reader.name} cannot read its own valid file {number}:\n{outcome}")


def limit_memory() -> None:
    """MEMORY more than now, and a MemoryError beyond."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> None:
    folder, names, count, seconds, seed = arguments
    warnings.simplefilter("error")
    warnings.filterwarnings(
        "ignore", module="PIL"
    )  # what it remarks about a file that it can read all the same
    chosen = [READERS.get(name) or BROKEN[name][0] for name in names.split(",")]
    sys.addaudithook(GUARD)
    for reader in chosen:
        warm_up(reader, Path(folder))
    limit_memory()
    for reader in chosen:
        result = fuzz(reader, Path(folder), int(count), float(seconds), seed)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
