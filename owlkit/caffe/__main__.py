"""`python -m owlkit.caffe script.py ...`: run a pycaffe script as it is."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from owlkit.caffe.alias import install
from owlkit.caffe.logs import init_log

EXAMPLES = """examples:
  python -m owlkit.caffe classify.py --gpu cat.jpg out.npy
  python -m owlkit.caffe --cpu train_lenet.py
  python -m owlkit.caffe -m tools.train --iters 100
"""


def main(arguments: list[str] | None = None) -> None:
    """Install the alias `caffe`, then run the script as `python` would."""
    parser = argparse.ArgumentParser(
        prog="python -m owlkit.caffe",
        description="Run a pycaffe script as it is: `import caffe` finds owlkit.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="where set_mode_gpu() or set_device() find no GPU, run on the CPU with a warning (otherwise an "
        "error)",
    )
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    parser.add_argument("script", metavar="SCRIPT", help="file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")
    args = parser.parse_args(arguments)
    install(gpu="cpu" if args.cpu else "error")
    init_log()
    sys.argv = [args.script, *args.arguments]
    if args.module:
        sys.path.insert(0, "")
        runpy.run_module(args.script, run_name="__main__", alter_sys=True)
        return
    if not Path(args.script).is_file():
        parser.error(f"there is no script {args.script}")
    sys.path.insert(0, str(Path(args.script).resolve().parent))
    runpy.run_path(args.script, run_name="__main__")


if __name__ == "__main__":
    main()
