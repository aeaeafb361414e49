"""Phases, the device in use and the random seed: what pycaffe keeps for the whole process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.device import resolve_device
from owlkit.core.errors import DeviceError, NetError
from owlkit.proto import caffe_pb2

TRAIN: int = caffe_pb2.TRAIN
TEST: int = caffe_pb2.TEST

log = logging.getLogger("owlkit.caffe")


class _Process:
    """gpu : wanted by set_mode_gpu. device_id : of set_device. cpu_instead : a GPU's work runs on the CPU.
    seeds : where the seeds of nets come from; None draws each anew.
    """

    gpu = False
    device_id = 0
    cpu_instead = False
    seeds: np.random.SeedSequence | None = None


def set_mode_cpu() -> None:
    """Run nets that are made from now on on the CPU; so it is from the start, as in Caffe."""
    _Process.gpu = False


def set_mode_gpu() -> None:
    """Run nets that are made from now on on the GPU that `set_device` chose, number 0 otherwise.

    Raises DeviceError where there is none, and says what to do, unless the CPU was allowed to take its place:
    `owlkit.caffe.install(gpu="cpu")`, or `python -m owlkit.caffe --cpu script.py`.
    """
    _Process.gpu = _usable(f"gpu:{_Process.device_id}", "caffe.set_mode_gpu()")


def set_device(device_id: int) -> None:
    """Choose the GPU for `set_mode_gpu`; DeviceError, and the exception to it, as there."""
    if _usable(f"gpu:{int(device_id)}", f"caffe.set_device({device_id})"):
        _Process.device_id = int(device_id)


def allow_cpu_instead(allowed: bool = True) -> None:
    """Whether set_mode_gpu and set_device go on on the CPU, with a warning, where there is no GPU."""
    _Process.cpu_instead = allowed


def _usable(device: str, call: str) -> bool:
    try:
        resolve_device(device)
    except DeviceError as error:
        if _Process.cpu_instead:
            log.warning("%s: no such GPU; running on the CPU, as was allowed", call)
            return False
        raise DeviceError(
            f"{call}: {error}. In the script, call caffe.set_mode_cpu() instead; or leave it as it is and "
            "allow the CPU: owlkit.caffe.install(gpu='cpu'), python -m owlkit.caffe --cpu script.py"
        ) from error
    return True


def device() -> str:
    """Name of the device in use."""
    return f"gpu:{_Process.device_id}" if _Process.gpu else "cpu"


def set_random_seed(seed: int) -> None:
    """Let weights, dropout and data of nets that are made from now on follow from `seed`."""
    _Process.seeds = np.random.SeedSequence(int(seed))


def next_seed() -> int | None:
    """The seed for another net: different for each, the same in each run after set_random_seed."""
    if _Process.seeds is None:
        return None
    return int(_Process.seeds.spawn(1)[0].generate_state(1)[0])


def phase_name(phase: Any) -> str:
    """ "train" or "test" for caffe.TRAIN or caffe.TEST; NetError for anything else."""
    names = {TRAIN: "train", TEST: "test", "train": "train", "test": "test"}
    try:
        return names[phase]
    except (KeyError, TypeError):
        raise NetError(f"phase {phase!r}: give caffe.TRAIN or caffe.TEST") from None


def layer_type_list() -> Sequence[str]:
    """The layer types that there are, sorted."""
    import owlkit.layers  # noqa: F401  (importing it registers them)
    from owlkit.layers.base import LAYERS

    return sorted(LAYERS)
