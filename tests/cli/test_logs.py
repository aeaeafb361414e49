"""parse-log and plot-log on Caffe's format, old and new, and on our own."""

from __future__ import annotations

import csv
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest

from owlkit.cli.main import main
from owlkit.training.log_files import read_log
from tests.training.small import NET

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "I{day} {time} 25210 {place}] "
CAFFE = """Log file created at: 2015/12/31 23:58:40
I1231 23:58:40.022381 25210 caffe.cpp:217] Using GPUs 0
I1231 23:58:41.000000 25210 solver.cpp:272] Solving LeNet
I1231 23:58:41.382000 25210 solver.cpp:330] Iteration 0, Testing net (#0)
I1231 23:58:42.500000 25210 solver.cpp:397]     Test net output #0: accuracy = 0.1038
I1231 23:58:42.500030 25210 solver.cpp:397]     Test net output #1: loss = 2.36 (* 1 = 2.36 loss)
I1231 23:58:43.000000 25210 solver.cpp:218] Iteration 0 (-1.4013e-45 iter/s, 1.6s/100 iters), loss = 2.31
I1231 23:58:43.000000 25210 solver.cpp:237]     Train net output #0: loss = 2.3 (* 1 = 2.3 loss)
I1231 23:58:43.000040 25210 sgd_solver.cpp:105] Iteration 0, lr = 0.01
I1231 23:59:53.000000 25210 solver.cpp:218] Iteration 100 (1.4 iter/s, 70s/100 iters), loss = 0.21
I1231 23:59:53.000000 25210 solver.cpp:237]     Train net output #0: loss = 0.2 (* 1 = 0.2 loss)
I1231 23:59:53.000040 25210 sgd_solver.cpp:105] Iteration 100, lr = 0.00992565
I0101 00:01:03.000000 25210 solver.cpp:218] Iteration 200 (1.4 iter/s, 70s/100 iters), loss = nan
I0101 00:01:03.000000 25210 solver.cpp:237]     Train net output #0: loss = -nan (* 1 = -nan loss)
I0101 00:01:03.000040 25210 sgd_solver.cpp:105] Iteration 200, lr = 9.85258e-03
I0101 00:01:03.381027 25210 solver.cpp:447] Snapshotting to binary proto file lenet_iter_300.caffemodel
I0101 00:01:03.481027 25210 solver.cpp:310] Iteration 300, loss = 0.19
I0101 00:01:03.482000 25210 solver.cpp:330] Iteration 300, Testing net (#0)
I0101 00:01:04.000000 25210 solver.cpp:397]     Test net output #0: accuracy = 0.97
I0101 00:01:04.000030 25210 solver.cpp:397]     Test net output #1: loss = 0.08 (* 1 = 0.08 loss)
I0101 00:01:04.482000 25210 solver.cpp:315] Optimization Done.
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "caffe.INFO"
    path.write_text(CAFFE)
    return path


def approx(rows: list[dict[str, float]]) -> list[Any]:
    return [pytest.approx(row, nan_ok=True) for row in rows]


def test_the_tables_of_a_log_of_caffes(log: Path) -> None:
    """Over New Year, with a loss that is no number; the rate is that of the row's own iteration."""
    tables = read_log(log).tables()
    columns = ("NumIters", "Seconds", "LearningRate")
    train = [(0, 2.0, 0.01, 2.3, 2.31), (100, 72.0, 0.00992565, 0.2, 0.21)]
    train.append((200, 142.0, 0.00985258, math.nan, math.nan))
    test = [(0, 1.5, 0.01, 0.1038, 2.36), (300, 143.0, 0.00985258, 0.97, 0.08)]
    rows = [dict(zip((*columns, "loss", "SmoothedLoss"), row, strict=True)) for row in train]
    assert tables["train"] == approx(rows)
    assert tables["test"] == approx(
        [dict(zip((*columns, "accuracy", "loss"), row, strict=True)) for row in test]
    )


def test_csv_files_as_those_of_parse_log_py(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (log.parent / "tables").mkdir()
    assert main(["parse_log", "caffe.INFO", "tables", "--verbose", "--delimiter=;"]) == 0
    assert "wrote tables/caffe.INFO.test" in capsys.readouterr().err
    with open("tables/caffe.INFO.test") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert list(rows[0]) == ["NumIters", "Seconds", "LearningRate", "accuracy", "loss"]
    assert [row["accuracy"] for row in rows] == ["0.1038", "0.97"]
    assert main(["parse-log", "caffe.INFO", "nowhere"]) == 1
    assert "nowhere; create it" in capsys.readouterr().err


@pytest.mark.usefixtures("log")
def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse-log", "caffe.INFO"]) == 0
    out = capsys.readouterr().out
    assert "train: 3 rows\nNumIters  Seconds  LearningRate  loss  SmoothedLoss\n" in out
    assert "\n     100       72    0.00992565   0.2          0.21\n" in out
    assert main(["parse-log", "caffe.INFO", "--csv", "test"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "0,1.5,0.01,0.1038,2.36"
    assert main(["parse-log", "caffe.INFO", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["train"][2]["loss"] is None
    assert found["test"][1]["accuracy"] == 0.97


OLD = """I0210 13:39:22.381027 25210 solver.cpp:160] Solving net
I0210 13:39:22.481027 25210 solver.cpp:247] Iteration 0, Testing net (#0)
I0210 13:39:23.381027 25210 solver.cpp:298]     Test net output #0: top-1 = 0.5
I0210 13:39:23.381027 25210 solver.cpp:247] Iteration 0, Testing net (#1)
I0210 13:39:24.381027 25210 solver.cpp:298]     Test net output #0: per_class = 0.25
I0210 13:39:24.381028 25210 solver.cpp:298]     Test net output #1: per_class = 0.75
I0210 13:39:25.381027 25210 solver.cpp:209] Iteration 0, loss = 2.3
I0210 13:39:25.381027 25210 solver.cpp:464] Iteration 0, lr = 0.01
"""


def test_an_old_log_with_two_test_nets_and_a_vector(tmp_path: Path) -> None:
    (tmp_path / "old.log").write_text(OLD)
    tables = read_log(tmp_path / "old.log").tables()
    assert tables["test"] == approx([{"NumIters": 0, "Seconds": 1.0, "LearningRate": 0.01, "top-1": 0.5}])
    (second,) = tables["test1"]
    assert (second["per_class"], second["per_class[1]"]) == (0.25, 0.75)
    assert tables["train"] == approx(
        [{"NumIters": 0, "Seconds": 3.0, "LearningRate": 0.01, "SmoothedLoss": 2.3}]
    )


def test_glogs_of_today_have_the_year_and_leap_days_pass(tmp_path: Path) -> None:
    lines = [
        "I20240228 23:59:59.000000 1 solver.cpp:272] Solving a",
        "I20240229 00:00:01.000000 1 solver.cpp:218] Iteration 0, loss = 2",
        "I20240301 00:00:01.000000 1 solver.cpp:218] Iteration 1, loss = 1",
    ]
    (tmp_path / "new.log").write_text("\n".join(lines))
    assert [row.seconds for row in read_log(tmp_path / "new.log").train] == [2.0, 2.0 + 86400]
    (tmp_path / "old.log").write_text("\n".join(line.replace("I2024", "I") for line in lines))
    assert [row.seconds for row in read_log(tmp_path / "old.log").train] == [2.0, 2.0 + 86400]


def test_our_own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.01 lr_policy: "step" gamma: 0.5 stepsize: 10 '
        "random_seed: 5 max_iter: 20 test_iter: 2 test_interval: 10 display: 5"
    )
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    written = capsys.readouterr().out
    Path("train.log").write_text(written)
    tables = read_log("train.log").tables()
    assert [row["NumIters"] for row in tables["train"]] == [0, 5, 10, 15]
    assert [row["LearningRate"] for row in tables["train"]] == [0.01, 0.01, 0.005, 0.005]
    for row in tables["train"]:
        assert f"Iteration {row['NumIters']}, loss = {row['SmoothedLoss']:g}" in written
    assert [row["NumIters"] for row in tables["test"]] == [0, 10, 20]
    assert set(tables["test"][0]) == {"NumIters", "Seconds", "LearningRate", "accuracy", "loss"}
    assert main(["plot-log", "train.log", "--x", "seconds"]) == 1
    assert "its lines carry no time" in capsys.readouterr().err


def test_a_file_that_is_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("nothing of the kind")
    for command in ("parse-log", "plot-log"):
        assert main([command, str(tmp_path / "a.txt")]) == 1
        assert "has no line of a training" in capsys.readouterr().err
        assert main([command, str(tmp_path / "none.txt")]) == 1
        assert "cannot read the log" in capsys.readouterr().err


def test_a_picture(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot-log", "caffe.INFO"]) == 0
    assert capsys.readouterr().out == "caffe.INFO.png\n"
    width, height = struct.unpack(">II", Path("caffe.INFO.png").read_bytes()[16:24])
    assert (width, height) == (1152, round(144 * 2.6 * 3))  # three panels: loss, accuracy, learning rate
    (log.parent / "our.log").write_text((ROOT / "docs" / "lenet_mnist.log").read_text())
    options = ["--output", "both.svg", "--title", "LeNet, twice"]
    assert main(["plot-log", "caffe.INFO", "our.log", *options]) == 0
    text = Path("both.svg").read_text()
    assert text.count("<svg") == 1
    assert main(["plot-log", "caffe.INFO", "-o", "a.xyz"]) == 1
    assert "a.xyz: a picture ends with one of ." in capsys.readouterr().err


def test_what_is_in_a_picture(log: Path) -> None:
    from owlkit.training.log_plot import plot_logs

    figure = plot_logs({"a": read_log(log), "b": read_log(ROOT / "docs" / "lenet_mnist.log")})
    loss, accuracy, rate = figure.axes
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "accuracy", "learning rate"]
    labels = loss.get_legend_handles_labels()[1]
    assert labels == ["a train loss", "a test loss", "b train loss", "b test loss"]
    assert len({line.get_color() for line in loss.lines}) == 2  # one per log
    assert list(accuracy.lines[0].get_ydata()) == [0.1038, 0.97]
    assert len(rate.lines) == 2
