"""How long `import owlkit` takes, as a share of starting Python; best of several processes.

python benchmarks/import_time.py        the aim: below 0.3 s, with every public name in use below 1 s
"""

from __future__ import annotations

import subprocess
import sys
import time

REPEATS = 7
CASES = {
    "python alone": "pass",
    "import numpy": "import numpy",
    "import owlkit": "import owlkit",
    "every public name": "import owlkit\nfor name in owlkit.__all__: getattr(owlkit, name)",
}


def best_seconds(code: str) -> float:
    """Shortest wall time of a fresh process that runs `code`."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    seconds = {name: best_seconds(code) for name, code in CASES.items()}
    alone = seconds["python alone"]
    for name, value in seconds.items():
        print(f"{name:20s} {value:6.3f} s   {value - alone:+6.3f} s to python alone")


if __name__ == "__main__":
    main()
