"""Run a module as a program that ends with the process that started it, however that one ended.

    python tied.py PARENT module [arguments]

A fixture that stops a server is not run where pytest is killed, as pytest-xdist's workers are at Ctrl-C; and
to a SIGINT of its own a Jupyter server answers with a question.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

PERIOD = 0.5  # seconds between two looks


def end_with(parent: int) -> None:
    """End this process in order when another one has become its parent; for a thread of its own."""
    while os.getppid() == parent:
        time.sleep(PERIOD)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    parent, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
