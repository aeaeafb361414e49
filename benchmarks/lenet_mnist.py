"""LeNet on MNIST with Caffe's own, unchanged solver file, by the commands that a user types.

    python benchmarks/lenet_mnist.py --caffe CAFFE [--mirror FOLDER]

CAFFE is a folder with Caffe's examples/mnist/lenet_solver.prototxt and lenet_train_test.prototxt; FOLDER
holds MNIST's four files, where they are not to be downloaded. Writes docs/lenet_mnist.log (what the training
said), .png (the curves) and .md (machine, wall time, accuracy). Fails below 99.0 %.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import machine, quiet_blas

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lenet_mnist"
EXAMPLE = Path("examples/mnist")
FILES = ("lenet_solver.prototxt", "lenet_train_test.prototxt")
SHARED = Path(os.environ.get("OWLKIT_SHARED") or ROOT.parent / "shared")
ENOUGH = 0.99
# Not in the file; it makes a second run give the same numbers.
SEED = 1
TRAIN = ["train", "--solver", f"{EXAMPLE}/lenet_solver.prototxt", "--set", f"random_seed={SEED}"]
LOSS = re.compile(r"^Iteration (\d+), loss = (\S+),", re.M)
TEST = re.compile(r"^Iteration (\d+), test net 0: accuracy (\S+), loss (\S+)", re.M)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--caffe", type=Path, default=SHARED / "models" / "bvlc")
    parser.add_argument("--mirror", help="folder or address of MNIST's files")
    args = parser.parse_args()
    quiet_blas()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder), args.caffe, args.mirror)
        load, started = os.getloadavg()[0], time.perf_counter()
        log = owlkit(Path(folder), TRAIN).replace(f"{folder}/", "")
        seconds = time.perf_counter() - started
    tests = TEST.findall(log)
    PAGE.with_suffix(".log").write_text(log)
    draw(LOSS.findall(log), tests)
    PAGE.with_suffix(".md").write_text(page(log, tests, seconds, load))
    accuracy = float(tests[-1][1])
    print(f"{accuracy:.2%} after {seconds:.0f} s")
    return 0 if accuracy >= ENOUGH else 1


def lay_out(folder: Path, caffe: Path, mirror: str | None) -> None:
    """The files where the definitions expect them, relative to `folder`."""
    (folder / EXAMPLE).mkdir(parents=True)
    for name in FILES:
        shutil.copy(caffe / EXAMPLE / name, folder / EXAMPLE)
    owlkit(folder, ["data", "get", "mnist", "--to", str(EXAMPLE), *(["--mirror", mirror] if mirror else [])])


def owlkit(folder: Path, arguments: list[str]) -> str:
    """Run the command in `folder`, showing and returning what it says. Raises where it fails."""
    said = []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "owlkit", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        said.append(line)
    if process.wait():
        raise SystemExit(f"owlkit {' '.join(arguments)} failed with status {process.returncode}")
    return "".join(said)


def draw(losses: list[tuple[str, str]], tests: list[tuple[str, str, str]]) -> None:
    """Loss of single batches and of the whole test set on the left, error of the test set on the right."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    train, test = np.array(losses, float), np.array(tests, float)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    left.semilogy(train[:, 0], train[:, 1], color="0.75", linewidth=0.8, label="one batch of 64")
    left.semilogy(test[:, 0], test[:, 2], color="tab:blue", label="all 10,000 test images")
    left.set(xlabel="iteration", ylabel="loss")
    left.legend(frameon=False)
    right.plot(test[1:, 0], 100 * test[1:, 1], color="tab:blue", marker=".")
    right.axhline(100 * ENOUGH, color="0.75", linewidth=0.8)
    right.set(xlabel="iteration", ylabel="test accuracy, %")
    figure.suptitle("LeNet on MNIST, Caffe's lenet_solver.prototxt", fontsize=10)
    figure.savefig(PAGE.with_suffix(".png"), dpi=90)


def page(log: str, tests: list[tuple[str, str, str]], seconds: float, load: float) -> str:
    """The page in docs/. load : of the machine (last minute) when training started."""
    about, lines = machine(), log.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("Iteration 0, test"))
    last = next(i for i, line in enumerate(lines) if line.startswith("Iteration 9900,"))
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items() if name != "torch")
    system = about["system"].split("-")[0]
    return f"""# LeNet on MNIST, with Caffe's own solver file

Accuracy on the 10,000 test images after 10,000 iterations: **{float(tests[-1][1]):.2%}**; wall time:
**{seconds:.0f} s**, start and {len(tests)} tests included. The machine's load was {load:.1f} when it started;
on idle cores it takes less. Caffe's own LeNet of 2014 (its snapshot of iteration 10,000) reads 99.05 %.

In a folder with Caffe's `examples/mnist/lenet_solver.prototxt` and `lenet_train_test.prototxt`, unchanged:

```sh
owlkit data get mnist --to {EXAMPLE}
owlkit {" ".join(TRAIN)}
```
The seed is there only so that a second run gives the same numbers. `python benchmarks/lenet_mnist.py` does
both in a temporary folder and writes this page, the [log](lenet_mnist.log) and the plot.

![loss and test accuracy](lenet_mnist.png)

```
{chr(10).join(lines[first : first + 4])}
...
{chr(10).join(lines[last:])}
```
Machine: {about["processor"]}, {about["cores"]} cores, no GPU; {system};
Python {about["python"]}, {versions}; {about["date"][:10]}.
"""


if __name__ == "__main__":
    sys.exit(main())
