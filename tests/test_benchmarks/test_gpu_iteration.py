"""The comparison on a GPU, without one: what is asked of each side, what is told, what is stored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from owlkit.core import machine


@pytest.fixture
def iteration(benchmark: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, which stores in a folder of its own."""
    found = benchmark("gpu_iteration")
    monkeypatch.setattr(benchmark("report"), "RESULTS", tmp_path)
    return found


def side(milliseconds: float, gigabytes: float = 1, microseconds: float = 50) -> dict[str, Any]:
    seconds = [1e-3 * milliseconds * factor for factor in (1.1, 1, 0.9)]
    return {"seconds": seconds, "host_seconds": 1e-6 * microseconds, "peak_bytes": int(1e9 * gigabytes)}


def all_sides(iteration: Any, ours: dict[str, Any], theirs: dict[str, Any] | None = None) -> Any:
    """theirs : what is not the usual, by way."""
    found = {f"torch {way}": side(3) for way in iteration.WAYS}
    return {"owlkit": ours} | found | {f"torch {way}": one for way, one in (theirs or {}).items()}


def missed(iteration: Any, found: Any, net: str = "vgg16") -> list[str]:
    return iteration.verdict(net, iteration.summarise(found, 10**9, None), found)


def test_ratios_are_to_the_best_way_and_to_the_better_layout(iteration: Any) -> None:
    theirs = {"graph channels_last": side(1.5), "compile": {"refused": "no compiler"}}
    found = all_sides(iteration, side(2), theirs | {"eager channels_last": side(2.8)})
    told = iteration.summarise(found, 10**9, 2e12)
    assert told["best"] == "torch graph channels_last"
    assert told["ratio_to_best"] == pytest.approx(0.75)
    assert told["ratio_to_eager"] == pytest.approx(1.4)
    assert told["refused"] == ["torch compile"]
    assert told["share_of_peak"]["owlkit"] == pytest.approx(0.25)
    assert "torch compile" not in told["medians_ms"]


def test_what_is_reached(iteration: Any) -> None:
    assert missed(iteration, all_sides(iteration, side(2))) == []
    assert missed(iteration, all_sides(iteration, side(0.5)), "lenet") == []


@pytest.mark.parametrize(
    ("ours", "net", "text"),
    [
        (side(4), "vgg16", "best: 0.75 < 1.0"),
        (side(2.9), "vgg16", "eager: 1.03 < 1.2"),
        (side(1), "lenet", "eager: 3.00 < 5.0"),
        (side(2, microseconds=130), "vgg16", "host: 130 µs > 100"),
        (side(2, gigabytes=1.5), "vgg16", "memory: 1.50 > 1.00 GB of the best"),
        ({"refused": "no GPU"}, "vgg16", "best: not measured"),
    ],
)
def test_what_is_not_reached_is_said(iteration: Any, ours: dict[str, Any], net: str, text: str) -> None:
    assert text in missed(iteration, all_sides(iteration, ours), net)


def test_a_way_that_could_not_run_leaves_the_best_open(iteration: Any) -> None:
    found = all_sides(iteration, side(2), {"graph channels_last": {"refused": "out of memory"}})
    assert missed(iteration, found) == ["the best of all: not measured torch graph channels_last"]


def test_multiply_adds_of_a_training_are_three_times_those_of_a_pass(iteration: Any) -> None:
    forward = 288_000 + 1_600_000 + 400_000 + 5_000  # LeNet's conv1, conv2, ip1, ip2
    assert iteration.multiply_adds("lenet", 1, False) == forward
    assert iteration.multiply_adds("lenet", 2, True) == 2 * 3 * forward


# -- processes
def answers(monkeypatch: pytest.MonkeyPatch, iteration: Any, answer: Callable[..., Any]) -> None:
    monkeypatch.setattr(iteration.subprocess, "run", answer)


def test_a_side_has_a_process_and_is_told_everything(iteration: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], **options: Any) -> Any:
        commands.append((command, options["timeout"]))
        return SimpleNamespace(returncode=0, stdout='a library greets\n{"seconds": [1]}\n', stderr="")

    answers(monkeypatch, iteration, run)
    options = iteration.parsed(["lenet", "--rounds", "2", "--seconds", "0.5", "--limit", "60"])
    what = {"net": "lenet", "batch": 64, "training": True, "precision": "bf16"}
    answer = iteration.run_side(options, side="torch compile", **what)
    assert answer["seconds"] == [1]
    assert answer["measured"].startswith("20")
    (python, script, asked), limit = commands[0]
    assert (python, Path(script).name, limit) == (sys.executable, "gpu_sides.py", 60)
    given = {"side": "torch compile", "device": "cuda", "rounds": 2, "seconds": 0.5}
    assert json.loads(asked) == what | given


def test_a_side_that_ends_or_hangs_is_refused(iteration: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], **options: Any) -> Any:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    options = iteration.parsed([])
    for text, code, told in (("Killed: 9", -9, "Killed: 9"), ("", -11, "ended with status -11")):
        ended = SimpleNamespace(returncode=code, stdout="", stderr=text)
        answers(monkeypatch, iteration, lambda *words, ended=ended, **options: ended)
        assert iteration.run_side(options, side="owlkit") == {"refused": told}
    answers(monkeypatch, iteration, hangs)
    assert iteration.run_side(options, side="owlkit") == {"refused": "took more than 240 s"}


def test_a_real_process_answers(iteration: Any) -> None:
    """owlkit's side on a CPU; PyTorch's says that it is missing, or answers too."""
    options = iteration.parsed(["--device", "cpu", "--rounds", "2", "--seconds", "0.001"])
    what = dict(net="lenet", batch=2, training=True, precision="tf32")
    found = iteration.run_side(options, side="owlkit", **what)
    assert len(found["seconds"]) == 2
    assert found["host_seconds"] > 0
    refused = iteration.run_side(options, side="owlkit", **(what | {"net": "no such net"}))
    assert refused == {"refused": "KeyError: 'no such net'"}


# -- all of it
@pytest.fixture
def asked(iteration: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the sides are asked on a machine with a GPU; each answers."""
    seen: list[dict[str, Any]] = []

    def run_side(options: Any, **what: Any) -> dict[str, Any]:
        seen.append(what)
        if what["side"] == "product":
            return {"multiply_adds": 4e14}
        if "compile" in what["side"] and what["precision"] == "bf16":
            return {"refused": ""}
        return side(2 if what["side"] == "owlkit" else 3) | {"measured": "2026-01-01"}

    gpus = machine.Gpus((machine.Gpu(0, "a GPU", 80 << 30, (9, 0), 132),))
    monkeypatch.setattr(machine, "gpus", lambda: gpus)
    monkeypatch.setattr(iteration, "run_side", run_side)
    return seen


def test_everything_is_compared_in_every_precision(
    iteration: Any, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    iteration.main(iteration.parsed(["lenet,vgg16"]))
    assert [what["precision"] for what in asked[:2]] == ["tf32", "bf16"]
    assert {what["side"] for what in asked[:2]} == {"product"}
    rows = [
        (net, training, precision, side if side == "owlkit" else f"torch {side}")
        for stage in iteration.STAGES
        for training in (True, False)
        for net in ("lenet", "vgg16")
        for precision in ("tf32", "bf16")
        for side in stage
    ]
    assert [(w["net"], w["training"], w["precision"], w["side"]) for w in asked[2:]] == rows
    assert sorted(side for stage in iteration.STAGES for side in stage) == sorted(["owlkit", *iteration.WAYS])
    printed = capsys.readouterr().out
    assert "vgg16 b64 training bf16" in printed
    assert "2.000 ms   host      50 µs     1.00 GB" in printed
    assert "% of peak" in printed
    assert "refused: ?" in printed
    assert printed.count(": reached\n") == 2, "VGG in TF32: LeNet is asked for more, and bf16 lacks ways"


def test_results_are_stored_one_by_one_and_kept(
    iteration: Any, asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> dict[str, Any]:
        return json.loads((tmp_path / "gpu_iteration.json").read_text())

    def nets() -> list[tuple[str, str]]:
        return [(row["net"], row["precision"]) for row in stored()["results"]]

    iteration.main(iteration.parsed(["lenet", "--only", "training", "--precision", "tf32", "--store"]))
    iteration.main(iteration.parsed(["vgg16", "--only", "training", "--precision", "bf16", "--store"]))
    iteration.main(iteration.parsed(["lenet", "--only", "training", "--precision", "tf32", "--store"]))
    assert nets() == [("lenet", "tf32"), ("vgg16", "bf16")]
    assert stored()["rates"] == {"tf32": 4e14, "bf16": 4e14}
    assert stored()["gpus"] == ["a GPU"]
    assert "versions" in stored()["machine"]
    monkeypatch.setattr(machine, "gpus", lambda: machine.Gpus())
    iteration.main(iteration.parsed(["vgg16", "--only", "inference", "--precision", "tf32", "--store"]))
    assert nets() == [("vgg16", "tf32")], "rows of another GPU are not mixed with these"


def test_without_a_gpu_no_share_is_told(iteration: Any, asked: list[dict[str, Any]]) -> None:
    assert iteration.product_rates(iteration.parsed(["--device", "cpu"]), ["tf32"]) == {"tf32": None}
    assert asked == []


# -- in parts
def run(iteration: Any, *words: str) -> None:
    iteration.main(
        iteration.parsed(["lenet", "--only", "training", "--precision", "tf32", "--store", *words])
    )


def test_what_is_stored_is_not_measured_again(
    iteration: Any, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run(iteration, "--side", "eager", "--side", "owlkit")
    assert [what["side"] for what in asked] == [
        "product",
        "owlkit",
        "torch eager channels_last",
        "torch eager",
    ]
    asked.clear()
    run(iteration)
    rest = [f"torch {way}" for way in iteration.WAYS if not way.startswith("eager")]
    assert [what["side"] for what in asked] == rest
    assert "(2026-01-01)" in capsys.readouterr().out, "when the others were"
    asked.clear()
    run(iteration, "--again", "owlkit")
    assert [what["side"] for what in asked] == ["owlkit"]


def test_when_the_time_is_over_the_rest_is_left_for_the_next_call(
    iteration: Any, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clock = iter(range(0, 1000, 100))
    monkeypatch.setattr(iteration, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    run(iteration, "--time", "250")
    assert [what["side"] for what in asked] == ["product", "owlkit", "torch eager channels_last"]
    assert (
        "the time is over; the same call again goes on from here, lenet b64 training tf32"
        in capsys.readouterr().out
    )
    rows = json.loads((tmp_path / "gpu_iteration.json").read_text())["results"]
    assert set(rows[0]["sides"]) == {"owlkit", "torch eager channels_last"}


def test_a_side_that_the_end_of_the_time_cuts_off_is_not_refused(
    iteration: Any, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = iteration.run_side

    def run_side(options: Any, **what: Any) -> dict[str, Any]:
        return usual(options, **what) if what["side"] != "torch eager" else {"refused": "100 s", "cut": True}

    monkeypatch.setattr(iteration, "run_side", run_side)
    run(iteration)
    rows = json.loads((tmp_path / "gpu_iteration.json").read_text())["results"]
    assert "torch eager" not in rows[0]["sides"]
    assert asked[-1]["side"] == "torch graph channels_last"


def test_quick(iteration: Any) -> None:
    options = iteration.parsed(["--quick"])
    assert (options.rounds, options.seconds) == (2, 0.2)


def test_everything_has_the_first_sides_before_anything_has_the_next(
    iteration: Any, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """So that a time that is too short leaves no net out."""
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(iteration, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    iteration.main(iteration.parsed(["lenet,vgg16", "--precision", "tf32", "--store", "--time", "1250"]))
    rows = json.loads((tmp_path / "gpu_iteration.json").read_text())["results"]
    assert [(row["net"], row["training"]) for row in rows] == [
        (net, training) for training in (True, False) for net in ("lenet", "vgg16")
    ]
    assert all({"owlkit", "torch graph channels_last"} < set(row["sides"]) for row in rows)
    told = capsys.readouterr().out
    assert "vgg16 b64 inference tf32: NOT reached: the best of all: not measured torch eager, torch" in told
    assert asked[-1]["side"] == "torch graph channels_last"
