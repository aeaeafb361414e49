"""`python -m tests.fuzz`: see the package."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.fuzz.campaign import run
from tests.fuzz.readers import READERS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Damaged files for every reader."
    )
    parser.add_argument("--minutes", type=float, default=5, help="in total; each reader gets an equal share")
    parser.add_argument("--readers", default=",".join(READERS), help="comma-separated")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--folder", type=Path, help="where files that fail are kept")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="owlkit-fuzz-"))
    readers = options.readers.split(",")
    failed = False
    for reader in readers:
        for result in run(
            folder / reader, [reader], 10**9, 60 * options.minutes / len(readers), options.seed
        ):
            print(result, *result.failures, sep="\n", flush=True)
            failed |= bool(result.failures)
    print(f"files that failed are in {folder}" if failed else "nothing failed")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
