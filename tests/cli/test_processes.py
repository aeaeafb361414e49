"""The `owlkit` command as a process of its own, which signals end, or tell something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from owlkit.cli.main import main
from owlkit.net import Net

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds after which a process that hangs fails the test


def command(*arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-m", "owlkit", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the process's output up to a line with `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the process ended without {text!r}: {process.communicate()[1]}")


def last_state(folder: Path) -> Path:
    states = (folder / "out").glob("a_iter_*.solverstate")
    return max(states, key=lambda path: int(path.stem.rpartition("_")[2]))


def test_as_a_module() -> None:
    code, out, _ = finish(command("--version"))
    assert code == 0
    assert out.startswith("owlkit ")


def test_ctrl_c_stops_with_a_snapshot_and_resuming_gives_the_same_bits(folder: Path) -> None:
    process = command("train", "--solver", "solver.prototxt", "--set", "max_iter=100000000")
    wait_for(process, "Iteration 30, loss")
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert "Stopped at iteration " in out
    state = last_state(folder)
    stopped_at = int(state.stem.rpartition("_")[2])
    more = [*("--set", f"max_iter={stopped_at + 7}"), *("--set", "snapshot_prefix=b"), "--json"]
    assert main(["train", "-solver", "solver.prototxt", "-snapshot", str(state), *more]) == 0
    more = [*("--set", f"max_iter={stopped_at + 7}"), *("--set", "snapshot_prefix=c"), "--json"]
    assert main(["train", "-solver", "solver.prototxt", *more, "--set", "snapshot=0"]) == 0
    resumed, whole = (folder / f"{name}_iter_{stopped_at + 7}.caffemodel" for name in "bc")
    assert resumed.read_bytes() == whole.read_bytes()


def test_sigterm_stops_with_a_snapshot(folder: Path) -> None:
    """As batch systems and containers end a training."""
    process = command("train", "--solver", "solver.prototxt", "--set", "max_iter=100000000")
    wait_for(process, "Iteration 30, loss")
    process.terminate()
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert f"to go on: owlkit train --solver solver.prototxt --snapshot out/{last_state(folder).name}" in out


def an_extraction(folder: Path, *before: str) -> subprocess.Popen[str]:
    """extract-features, writing its set without end. before : words in front of the command."""
    Net("net.prototxt").save("a.caffemodel")
    words = ["extract-features", "a.caffemodel", "net.prototxt", "ip1", "features", "100000000"]
    process = command(*words, before=before)
    while not (folder / "features.partial" / "data.mdb").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def test_sigterm_ends_other_commands_without_leftovers(folder: Path) -> None:
    process = an_extraction(folder)
    process.terminate()
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err.endswith("interrupted\n")
    assert {path.name for path in folder.iterdir()} == {"net.prototxt", "solver.prototxt", "a.caffemodel"}


def test_sigterm_ends_a_process_that_a_script_put_into_the_background(folder: Path) -> None:
    """The shell has it ignore Ctrl-C."""
    process = an_extraction(folder, "sh", "-c", 'trap "" INT; exec "$@"', "sh")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_sigterm_ends_at_once_what_must_not_stop_by_ctrl_c(folder: Path) -> None:
    options = ["--sigint_effect", "none", "--set", "max_iter=100000000"]
    process = command("train", "--solver", "solver.prototxt", *options)
    wait_for(process, "Iteration 30, loss")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_killed_at_any_time_the_last_snapshot_is_whole(folder: Path) -> None:
    process = command(
        "train", "--solver", "solver.prototxt", "--set", "max_iter=100000000", "--set", "snapshot=1"
    )
    wait_for(process, "Iteration 20, loss")
    process.kill()
    finish(process)
    state = last_state(folder)
    last = int(state.stem.rpartition("_")[2]) + 3
    for name, start in (("b", ["-snapshot", str(state)]), ("c", [])):
        options = [
            f"--set={field}" for field in (f"max_iter={last}", f"snapshot_prefix={name}", "snapshot=0")
        ]
        assert main(["train", "-solver", "solver.prototxt", *start, *options, "--json"]) == 0
    assert (folder / f"b_iter_{last}.caffemodel").read_bytes() == (
        folder / f"c_iter_{last}.caffemodel"
    ).read_bytes()


def test_sighup_takes_a_snapshot_and_goes_on(folder: Path) -> None:
    process = command(
        "train", "--solver", "solver.prototxt", "--set", "max_iter=100000000", "--set", "snapshot=0"
    )
    wait_for(process, "Iteration 10, loss")
    process.send_signal(signal.SIGHUP)
    wait_for(process, "snapshot out/a_iter_")
    wait_for(process, ", loss = ")
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
