"""The imagined CUDA, on which tests/gpu run without a GPU, sees the mistakes that it is there for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.gpu.detection import cupy_installed
from tests.support import emulated_gpu, imagined_cuda

ROOT = Path(__file__).resolve().parents[2]
REFUSED = ["cudaErrorStreamCaptureUnsupported", "cudaErrorStreamCaptureInvalidated"]
#: What a program sees, in any order.
SEEN: dict[str, Any] = {
    "two_streams_in_order": 2,
    "a_pinned_buffer_in_time": 1,
    "memory_during_a_capture": REFUSED,
    "waiting_during_a_capture": REFUSED,
    "a_stream_of_another_gpu": "cudaErrorInvalidResourceHandle",
    "a_copy_from_the_wrong_place": ["", "cudaErrorInvalidValue"],
    "a_kernel": [5.0, 5.0, 5.0],
    "a_kernel_on_the_hosts_memory": "cudaErrorIllegalAddress",
    "a_graph_over_memory_that_was_given_back": "cudaErrorIllegalAddress",
    "what_nobody_has_written": "cudaError801",
}
#: What nothing orders: as the order has it.
UNORDERED = {"two_streams_without_a_wait": (1, 2), "a_pinned_buffer_too_early": (2, 1)}


SEEDS = [f"random:{seed}" for seed in range(1, 9)]
ASKED = [
    *(("lazy", name) for name in SEEN),
    *((order, name) for name in UNORDERED for order in ("lazy", "eager")),
    *((order, name) for name in ("two_streams_in_order", "two_streams_without_a_wait") for order in SEEDS),
]


@pytest.fixture(scope="module")
def run() -> Callable[..., str]:
    """What a Python program prints above the imagined CUDA; its arguments are given."""
    if not (cupy_installed() and emulated_gpu.available()):
        pytest.skip("CuPy or g++ is not installed")
    paths = os.pathsep.join([str(imagined_cuda.SITE), str(ROOT)])
    environment = {**os.environ, imagined_cuda.VARIABLE: "lazy", "PYTHONPATH": paths}
    environment.pop("CUDA_VISIBLE_DEVICES", None)

    def printed(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return printed


@pytest.fixture(scope="module")
def seen(run: Callable[..., str]) -> dict[tuple[str, str], Any]:
    """By order and name."""
    lines = run("-m", "tests.test_house.on_imagined_cuda", *map(" ".join, ASKED)).splitlines()
    return dict(zip(ASKED, map(json.loads, lines), strict=True))


@pytest.mark.parametrize("name", SEEN)
def test_what_a_program_sees(name: str, seen: dict[tuple[str, str], Any]) -> None:
    assert seen["lazy", name] == SEEN[name]


@pytest.mark.parametrize("name", UNORDERED)
def test_what_nothing_orders_is_wrong_in_an_order(name: str, seen: dict[tuple[str, str], Any]) -> None:
    assert (seen["lazy", name], seen["eager", name]) == UNORDERED[name]


def test_chance_finds_a_wait_that_is_missing(seen: dict[tuple[str, str], Any]) -> None:
    assert {seen[seed, "two_streams_without_a_wait"] for seed in SEEDS} == {1, 2}
    assert {seen[seed, "two_streams_in_order"] for seed in SEEDS} == {2}


def test_to_tests_of_other_things_there_is_no_gpu(run: Callable[..., str]) -> None:
    """Also where a machine has one: here a command is to fail for want of it."""
    name = "tests/cli/test_statuses.py::test_scripts_can_tell_failures_apart"
    options = ["-q", "-n", "0", "-W", "default", "-p", "no:cacheprovider", "-k", "arguments1 or arguments4"]
    assert "2 passed" in run("-m", "pytest", name, *options)


def test_orders_and_their_seeds() -> None:
    given = ["lazy", "eager", "random", "random:7"]
    expected = [("lazy", 1), ("eager", 1), ("random", 1), ("random", 7)]
    assert [imagined_cuda.order(text) for text in given] == expected
    for wrong in ("1", "lazy:2", "random:", "late"):
        with pytest.raises(ValueError, match="write lazy, eager, random, or random:3"):
            imagined_cuda.order(wrong)


def test_owlkit_knows_nothing_of_it() -> None:
    """Whoever sets the variable outside of tests has as many GPUs as before."""
    sources = (ROOT / "owlkit").rglob("*.py")
    assert not [path for path in sources if imagined_cuda.VARIABLE in path.read_text(encoding="utf-8")]
