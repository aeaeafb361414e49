"""How long `import owlkit` and the first training iteration take; medians of whole processes.

    python benchmarks/import_time.py [--store]

The aims: `import owlkit` below 0.3 s, and from `owlkit train` to the first iteration below 2 s. The training
is LeNet on the digits; its time is that of the whole process, from start to exit.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import store, summary

import owlkit
from owlkit import zoo

REPEATS = 7
IMPORTS = {
    "python alone": "pass",
    "import numpy": "import numpy",
    "import owlkit": "import owlkit",
    "every public name": "import owlkit\nfor name in owlkit.__all__: getattr(owlkit, name)",
}


def measure(command: list[str], folder: str) -> list[float]:
    """Seconds of each run of a command in a process of its own; the first is not counted."""
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, cwd=folder, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def training(folder: str) -> list[str]:
    """The command that trains LeNet on the digits for one iteration."""
    net = zoo.lenet(owlkit.datasets.digits("train"), batch_size=64)
    solver = owlkit.Solver(net, base_lr=0.01, max_iter=1, snapshot_after_train=False)
    solver.save_definition(folder)
    return ["-m", "owlkit", "train", "--solver", str(Path(folder) / "solver.prototxt")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/import_time.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = {name: ["-c", code] for name, code in IMPORTS.items()}
        commands["owlkit train, 1 iteration"] = training(folder)
        seconds = {name: measure(command, folder) for name, command in commands.items()}
    alone = statistics.median(seconds["python alone"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:26s} {median:6.3f} s   {median - alone:+6.3f} s to python alone")
    if args.store:
        results = {name: summary(values) for name, values in seconds.items()}
        print("stored", store("import_time", {"processes": results}))


if __name__ == "__main__":
    main()
