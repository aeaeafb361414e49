"""Processes forked from one that has computed: they waited for ever for OpenMP's threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from owlkit.kernels import onednn_available

pytestmark = pytest.mark.skipif(not onednn_available(), reason="the threads are those of oneDNN's OpenMP")
CODE = """
import os, signal
import numpy as np
from owlkit import L, Net, NetSpec

def made():
    n = NetSpec()
    n.data = L.Input(shape=[8, 3, 32, 32])
    n.conv = L.Convolution(n.data, num_output=8, kernel_size=3, weight_filler="xavier")
    return Net(n, seed=1)

x = np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
before = made()
expected = before.forward(data=x)["conv"].copy()
if os.fork() == 0:
    signal.alarm(30)
    for name, net in {"new": made(), "old": before}.items():
        try:
            print(name, abs(net.forward(data=x)["conv"] - expected).max() < 1e-5, flush=True)
        except Exception as error:
            print(name, type(error).__name__, error, flush=True)
    os._exit(0)
os.wait()
"""


def _run(threads: int) -> tuple[str, str]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, env=environment, check=True
    )
    return done.stdout, done.stderr


def test_a_forked_child_computes_with_one_thread_and_says_so() -> None:
    out, err = _run(2)
    assert "new True" in out
    assert "old DeviceError this net was made before the process was forked" in out
    assert err.count("it computes with one thread") == 1


def test_one_thread_is_left_as_it_is() -> None:
    """No thread is lost there: nets of before run on in the child."""
    out, err = _run(1)
    assert out.split("\n")[:2] == ["new True", "old True"]
    assert "forked" not in err
