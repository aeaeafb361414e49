"""owlkit classify, compared with OpenCV's own reader of Caffe's models; and Caffe's example of that kind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from owlkit.cli import compat
from owlkit.cli.main import main
from owlkit.io.mean import read_mean
from tests.support.shared import shared

MEANS = (104.0, 117.0, 123.0)


@pytest.fixture(scope="module")
def squeezenet() -> list[str]:
    folder = shared("models/squeezenet_v1.1")
    return [str(folder / name) for name in ("deploy.prototxt", "squeezenet_v1.1.caffemodel")]


@pytest.fixture(scope="module")
def photographs() -> list[str]:
    return [str(path) for path in sorted(shared("data/imagenet-sample").glob("*.JPEG"))[:3]]


def by_opencv(model: list[str], path: str, means: tuple[float, ...]) -> np.ndarray:
    """Probabilities (1000,), all computed by OpenCV: decoded, resized and sent through its own net."""
    image = cv2.resize(cv2.imread(path), (227, 227)).astype(np.float32) - np.array(means, np.float32)
    net = cv2.dnn.readNetFromCaffe(*model)
    net.setInput(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    found: np.ndarray = net.forward().reshape(-1)
    return found


def test_photographs(
    squeezenet: list[str], photographs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", *squeezenet, *photographs, "--mean_value=104,117,123", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == photographs
    for path, classes in found.items():
        expected = by_opencv(squeezenet, path, MEANS)
        assert classes[0]["class"] == int(expected.argmax())
        assert len(classes) == 5
        for row in classes:
            # Decoders of JPEG differ by rounding; without means, or with R and B changed, this fails by far.
            assert row["probability"] == pytest.approx(expected[row["class"]], abs=0.02)


def test_caffes_example(
    squeezenet: list[str], photographs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its words, in its order, and what it prints; of the mean image only the channels' means count."""
    mean, labels = (
        str(shared(f"data/imagenet-sample/{name}"))
        for name in ("imagenet_mean.binaryproto", "synset_words.txt")
    )
    assert compat.run("classification", [*squeezenet, mean, labels, photographs[0]]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == f"---------- Prediction for {photographs[0]} ----------"
    names = Path(labels).read_text().splitlines()
    expected = by_opencv(squeezenet, photographs[0], tuple(read_mean(mean).mean((1, 2))))
    assert len(rows) == 5
    for row, number in zip(rows[:1], np.argsort(-expected)[:1], strict=True):
        match = re.fullmatch(r'(\d\.\d{4}) - "(.+)"', row)
        assert match
        assert match[2] == names[number]
        assert float(match[1]) == pytest.approx(expected[number], abs=0.02)


def test_a_gray_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LeNet was trained on pixels from 0 to 1; a coloured file of another size is brought to its input."""
    digit = np.zeros((28, 28), np.uint8)
    cv2.line(digit, (14, 4), (14, 24), 255, 2)  # a one
    cv2.imwrite(str(tmp_path / "one.png"), cv2.cvtColor(cv2.resize(digit, (56, 56)), cv2.COLOR_GRAY2BGR))
    folder = shared("models/lenet")
    words = [
        str(folder / "deploy.prototxt"),
        str(folder / "lenet_iter_10000.caffemodel"),
        str(tmp_path / "one.png"),
    ]
    assert main(["classify", *words, "--scale", "0.00390625", "--top", "1"]) == 0
    assert re.search(r'^0\.\d{4} - "class 1"$|^1\.0000 - "class 1"$', capsys.readouterr().out, re.MULTILINE)


INPUT = 'layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 4 dim: 3 dim: 2 dim: 2 } } }'
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "in" top: "ip" inner_product_param { num_output: 3 } }'
SOFTMAX = 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }'


@pytest.mark.parametrize(
    ("definition", "options", "message"),
    [
        (INPUT + IP, [], "the net has no Softmax"),
        (INPUT + IP + SOFTMAX, ["--mean_value", "1,2"], "takes 3 channels, but there are means of 2; give 3"),
        (INPUT + IP + SOFTMAX, ["--labels", "labels.txt"], "the net has 3 classes, but there are 2 labels"),
        (INPUT + IP + SOFTMAX, ["--labels", "a.png"], "a.png is no text file"),
        (INPUT + IP + SOFTMAX, ["--labels", "none.txt"], "there is no file of labels none.txt"),
        (
            INPUT.replace("dim: 3 ", "dim: 5 ") + IP + SOFTMAX,
            [],
            "input 'in' has shape (4, 5, 2, 2), which takes no",
        ),
        (
            INPUT.replace("Input", "DummyData").replace("input_", "dummy_data_") + IP + SOFTMAX,
            [],
            "has 0 inputs",
        ),
    ],
)
def test_what_cannot_be_classified(
    definition: str,
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from owlkit.net import Net

    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(definition)
    Path("labels.txt").write_text("one\ntwo\n\n")
    cv2.imwrite("a.png", np.full((4, 4, 3), 200, np.uint8))
    Net("net.prototxt").save("a.caffemodel")
    words = ["classify", "net.prototxt", "a.caffemodel", "a.png"]
    assert main([*words, *options]) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from owlkit.net import Net

    (tmp_path / "net.prototxt").write_text(INPUT + IP + SOFTMAX)
    Net(tmp_path / "net.prototxt").save(tmp_path / "a.caffemodel")
    words = ["classify", str(tmp_path / "net.prototxt"), str(tmp_path / "a.caffemodel")]
    assert main([*words, str(tmp_path / "net.prototxt")]) == 1
    assert "cannot be decoded" in capsys.readouterr().err
    assert main([*words, "none.png"]) == 1
    assert "there is no image file none.png" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, "none.png", "--mean_value", "a,b"])
    assert "give numbers with commas between" in capsys.readouterr().err
