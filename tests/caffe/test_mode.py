"""Modes, seeds, timers and the names for several GPUs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from owlkit.caffe import mode
from owlkit.core.errors import DeviceError
from tests.caffe.nets import DEPLOY, write, write_solver


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    mode._Process.seeds, mode._Process.cpu_instead = None, False
    caffe.set_mode_cpu()


def weights(tmp_path: Path) -> np.ndarray:
    return caffe.Net(write(tmp_path, DEPLOY), caffe.TEST).params["conv1"][0].data


def test_the_same_seed_gives_the_same_nets_in_the_same_order(tmp_path: Path) -> None:
    caffe.set_random_seed(5)
    first, second = weights(tmp_path), weights(tmp_path)
    caffe.set_random_seed(5)
    np.testing.assert_array_equal(weights(tmp_path), first)
    np.testing.assert_array_equal(weights(tmp_path), second)
    assert (first != second).any()
    caffe.set_random_seed(6)
    assert (weights(tmp_path) != first).any()


def test_a_solver_files_own_seed_wins(tmp_path: Path) -> None:
    def trained(*lines: str) -> np.ndarray:
        return caffe.SGDSolver(write_solver(tmp_path, *lines)).net.params["conv"][0].data

    caffe.set_random_seed(1)
    one = trained()
    caffe.set_random_seed(2)
    np.testing.assert_array_equal(trained(), one)
    two = trained("random_seed: -1")
    caffe.set_random_seed(2)
    np.testing.assert_array_equal(trained("random_seed: -1"), two)
    assert (one != two).any()


def test_a_gpu_is_refused_unless_the_cpu_may_take_its_place(caplog: pytest.LogCaptureFixture) -> None:
    for call in (caffe.set_mode_gpu, lambda: caffe.set_device(0)):
        with pytest.raises(DeviceError, match=r"call caffe\.set_mode_cpu\(\) instead"):
            call()
    assert mode.device() == "cpu"
    mode.allow_cpu_instead()
    caffe.set_device(0)
    caffe.set_mode_gpu()
    assert mode.device() == "cpu"
    assert caplog.text.count("running on the CPU") == 2


def test_phases_and_layer_types() -> None:
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)
    types = caffe.layer_type_list()
    assert {"Convolution", "Python", "SoftmaxWithLoss"} <= set(types)
    assert list(types) == sorted(types)


def test_several_gpus_are_refused_by_name() -> None:
    assert not caffe.has_nccl()
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    caffe.set_solver_count(1)
    caffe.set_solver_rank(0)
    caffe.set_multiprocess(False)
    refused = [
        lambda: caffe.NCCL(None, b""),
        caffe.NCCL.new_uid,
        lambda: caffe.set_solver_count(2),
        lambda: caffe.set_solver_rank(1),
        lambda: caffe.set_multiprocess(True),
    ]
    for call in refused:
        with pytest.raises(DeviceError, match="one process"):
            call()


def test_a_timer_counts_milliseconds() -> None:
    timer = caffe.Timer()
    assert timer.ms == 0
    timer.start()
    time.sleep(0.02)
    timer.stop()
    measured = timer.ms
    assert 20 <= measured < 2000
    time.sleep(0.01)
    timer.stop()
    assert timer.ms == measured


def test_init_log_shows_the_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger("owlkit")
    before = root.level
    try:
        caffe.init_log()
        caffe.init_log()
        caffe.log("shown once")
        caffe.init_log(1)
        caffe.log("not shown")
        monkeypatch.setenv("GLOG_minloglevel", "2")
        caffe.init_log()
        logging.getLogger("owlkit.caffe").warning("nor this")
        caffe.init_log(0, False)
        caffe.log("nor that")
    finally:
        caffe.init_log(3, False)
        root.setLevel(before)
    assert capsys.readouterr().err.count("shown") == 1
