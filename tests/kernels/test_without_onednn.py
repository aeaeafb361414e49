"""Where oneDNN is not found, NumPy computes, and one line says so."""

from __future__ import annotations

import os
import subprocess
import sys

TRAINS = """
import owlkit
from owlkit import zoo
solver = owlkit.Solver(zoo.lenet(form="train", batch_size=2), base_lr=0.01, max_iter=2, seed=1)
solver.net.blobs["data"].data[...] = 0.5
solver.step(2)
kernels = {step.layer.implementation for step in solver.net.plan.steps}
assert not any("onednn" in kernel for kernel in kernels), kernels
assert "onednn: the oneDNN library was not found" in repr(solver.net.plan)
print(solver.net.loss)
"""


def test_a_net_trains_on_numpy_and_says_so_once() -> None:
    env = os.environ | {"OWLKIT_DNNL": "none"}
    done = subprocess.run(
        [sys.executable, "-c", TRAINS], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < 3
    notices = [line for line in done.stderr.splitlines() if "oneDNN is not available" in line]
    assert len(notices) == 1
    assert "NumPy computes instead" in notices[0]


def test_both_give_the_same_loss() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", TRAINS.split("kernels =")[0] + "print(solver.net.loss)"],
            env=os.environ | extra,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for extra in ({"OWLKIT_DNNL": "none"}, {})
    ]
    assert abs(float(found[0]) - float(found[1])) < 1e-4
