"""The server of the browser tests ends with the tests, however these end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIED = Path(__file__).with_name("tied.py")

# Starts a server as `running_lab` does.
STARTS = f"""import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
command = [sys.executable, {str(TIED)!r}, str(os.getpid()), "http.server", "--bind", "127.0.0.1", "0"]
quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(subprocess.Popen(command, start_new_session=True, **quiet).pid, flush=True)
time.sleep(600)"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not fetched does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_server_ends_with_who_started_it(end: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert starter.stdout is not None
    server = int(starter.stdout.readline())
    time.sleep(1.2)  # two looks
    assert alive(server), "it lives as long as who started it"
    starter.send_signal(end)
    starter.wait(20)
    starter.stdout.close()
    patience = time.monotonic() + 20
    while alive(server) and time.monotonic() < patience:
        time.sleep(0.05)
    gone = not alive(server)
    if not gone:
        os.kill(server, signal.SIGKILL)
    assert gone
