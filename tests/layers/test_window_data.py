"""WindowData: which windows are drawn, where they go in the crop, and exact resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit.core.errors import DataError, NetError
from owlkit.io.images import resize
from owlkit.io.mean import write_mean
from owlkit.io.window_files import read_windows
from owlkit.io.windows import Crop, place
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.support.sets import random_images

IMAGES = [random_images(1, (3, 20, 30), 0)[0], random_images(1, (3, 24, 16), 1)[0]]
# class, overlap, x1, y1, x2, y2
WINDOWS = [
    [(1, 1.0, 2, 3, 11, 12), (2, 0.7, 5, 5, 20, 15), (1, 0.3, 0, 0, 9, 9), (0, 0.0, 20, 10, 29, 19)],
    [(3, 0.9, 4, 4, 13, 20), (3, 0.55, 1, 1, 14, 22), (0, 0.1, 0, 0, 7, 23)],
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    lines = []
    for number, (image, windows) in enumerate(zip(IMAGES, WINDOWS, strict=True)):
        Image.fromarray(image[::-1].transpose(1, 2, 0)).save(tmp_path / f"{number} .png")
        lines += [f"# {number}", f"{number} .png", "3", str(image.shape[1]), str(image.shape[2])]
        lines += [str(len(windows)), *(" ".join(map(str, window)) for window in windows)]
    (tmp_path / "windows.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "windows.txt"


def net(source: Path, fields: str = "batch_size: 8", transform: str = "crop_size: 10", **options: Any) -> Net:
    param = f'source: "{source}" root_folder: "{source.parent}/" {fields}'
    definition = f"""layer {{ name: "d" type: "WindowData" top: "data" top: "label"
        window_data_param {{ {param} }} transform_param {{ {transform} }} }}"""
    return Net(text.parse(definition, caffe_pb2.NetParameter), **{"phase": "train", "seed": 1} | options)


def drawn(made: Net) -> list[tuple[int, tuple[int, ...]]]:
    """(image, box) of each item of the present batch, from its key."""
    found = []
    for key in made.layer_dict["d"].keys:  # type: ignore[attr-defined]
        path, _, box = key.decode().rpartition(" [")
        found.append((int(Path(path).name.split()[0]), tuple(map(int, box[:-1].split(",")))))
    return found


def test_background_first_then_foreground_by_their_overlap(source: Path) -> None:
    made = net(source, "batch_size: 8 fg_threshold: 0.6 bg_threshold: 0.5 fg_fraction: 0.4")
    seen: dict[tuple[int, tuple[int, ...]], int] = {}
    for _ in range(30):
        labels = made.forward()["label"].tolist()
        assert labels[:5] == [0] * 5  # int(8 * 0.4) = 3 are foreground
        assert min(labels[5:]) > 0
        seen.update(zip(drawn(made), map(int, labels), strict=True))
    known = {(i, w[2:]): w for i, windows in enumerate(WINDOWS) for w in windows}
    expected = {k: w[0] if w[1] >= 0.6 else 0 for k, w in known.items() if w[1] >= 0.6 or w[1] < 0.5}
    assert seen == expected  # the window of overlap 0.55 is neither


def test_windows_are_stretched_to_the_crop(source: Path) -> None:
    made = net(source, transform="crop_size: 10 scale: 0.5 mean_value: 1 mean_value: 2 mean_value: 3")
    data = made.forward()["data"]
    assert data.shape == (8, 3, 10, 10)
    for item, (image, (x1, y1, x2, y2)) in zip(data, drawn(made), strict=True):
        window = resize(IMAGES[image][:, y1 : y2 + 1, x1 : x2 + 1], 10, 10).astype(np.float32)
        np.testing.assert_array_equal(item, (window - np.array([1, 2, 3])[:, None, None]) * 0.5)


def test_a_border_outside_the_image_is_zero_after_the_mean(source: Path, tmp_path: Path) -> None:
    """The window 0..9 with 2 pixels of context of a crop of 10 begins outside its image."""
    mean = np.arange(3 * 12 * 12, dtype=np.float32).reshape(3, 12, 12)
    write_mean(tmp_path / "mean.binaryproto", mean)
    transform = f'crop_size: 10 mean_file: "{tmp_path}/mean.binaryproto"'
    made = net(source, "batch_size: 40 context_pad: 2", transform)
    data = made.forward()["data"]
    item = data[drawn(made).index((0, (0, 0, 9, 9)))]
    # half = 5, scale = 10 / 6: from round(5 - 8.33) = -3 to 13, 17 pixels; 3 of them outside become 2.
    expected = np.zeros((3, 10, 10), np.float32)
    expected[:, 2:, 2:] = resize(IMAGES[0][:, :14, :14], 8, 8) - mean[:, 3:11, 3:11]
    np.testing.assert_array_equal(item, expected)


def test_square_windows_keep_the_shape_of_objects() -> None:
    assert place((5, 5, 20, 15), (20, 30), 10, 0, True, False) == Crop((5, 3, 21, 19), 10, 10)
    assert place((5, 5, 20, 15), (20, 30), 10, 0, False, False) == Crop((5, 5, 20, 15), 10, 10)


def test_mirroring_mirrors_the_border_too() -> None:
    plain = place((0, 4, 9, 13), (20, 30), 10, 2, False, False)
    mirrored = place((0, 4, 9, 13), (20, 30), 10, 2, False, True)
    assert (plain.left, plain.width) == (2, 8)
    assert (mirrored.left, mirrored.width) == (0, 8)
    assert plain.box == mirrored.box


def test_halves_are_rounded_away_from_zero_as_in_c() -> None:
    crop = place((0, 0, 4, 4), (9, 9), 10, 0, True, False)  # centre 2.5, half 2.5: 0 to 5
    assert crop.box == (0, 0, 5, 5)
    assert place((0, 0, 0, 0), (9, 9), 10, 0, True, False).box == (0, 0, 1, 1)


def test_mirrored_items(source: Path) -> None:
    plain, flipped = net(source), net(source, transform="crop_size: 10 mirror: true")
    flips = 0
    for _ in range(3):
        one, two = plain.forward()["data"], flipped.forward()["data"]
        for a, b in zip(one, two, strict=True):
            assert np.array_equal(a, b) or np.array_equal(a[:, :, ::-1], b)
            flips += not np.array_equal(a, b)
    assert 4 < flips < 20


@pytest.mark.parametrize("cache", ["", "cache_images: true"])
def test_resuming_is_bit_identical(source: Path, cache: str) -> None:
    fields, transform = f"batch_size: 5 context_pad: 1 {cache}", "crop_size: 8 mirror: true"
    made = net(source, fields, transform)
    made.forward()
    state = made.state()
    expected = [{name: array.copy() for name, array in made.forward().items()} for _ in range(4)]
    other = net(source, fields, transform, seed=5)
    assert not np.array_equal(other.forward()["data"], expected[0]["data"])
    other.restore_state(state)
    for batch in expected:
        found = other.forward()
        assert all(np.array_equal(found[name], array) for name, array in batch.items())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# 1", "1", "line 11: expected `# number of the image`, or the image before has more windows than"),
        ("\n3\n24", "\n1\n24", r"images have \[1, 3\] channels; they must agree"),
        ("\n3\n24", "\nthree\n24", "line 13: expected the number of channels, a whole number; found 'three'"),
        ("\n4\n", "\n-4\n", "line 6: expected the number of windows, a whole number; found '-4'"),
        ("\n4\n", "\n5\n", "line 11: .* y2`.*: window 5 of the 5 that line 6 announces; found '# 1'"),
        ("\n4\n", "\n3\n", "line 10: expected `# number of the image`.*; found '0 0.0 20 10 29 19'"),
        ("\n3\n3 0.9", "\n4\n3 0.9", "line 20: .*window 4 of the 4 that line 16 announces; found nothing"),
        ("3 0.9 4", "3 x 4", "line 17: .*window 1 of the 3 that line 16 announces; found '3 x 4 4 13 20'"),
        ("4 4 13 20", "4 4 13", "line 17: .*found '3 0.9 4 4 13'"),
        ("4 4 13 20", "4 4 13 2147483648", "line 17: .*numbers below 2147483648"),
        ("4 4 13 20", "4 4 13 nan", "line 17: expected"),
        ("# 1\n1 .png", "# 1\n", "line 12: expected the path of an image; found nothing"),
        (
            " 4 4 13 20",
            " 14 4 13 20",
            r"window \[14, 4, 13, 20\] of 1 .png ends before it begins \(1 in all\)",
        ),
        (" 4 4 13 20", " 4 21 13 20", r"window \[4, 21, 13, 20\] of 1 .png ends before it begins"),
    ],
)
def test_bad_files_are_named(source: Path, old: str, new: str, message: str) -> None:
    content = source.read_text()
    assert content.count(old) == 1
    source.write_text(content.replace(old, new))
    with pytest.raises(DataError, match=rf"d \(WindowData\): .*{message}"):
        net(source)


def test_files_without_images_and_images_without_windows(source: Path) -> None:
    good = source.read_text()
    with pytest.raises(DataError, match="has no images"):
        read_windows(_written(source, "\n"))
    found = read_windows(_written(source, good + "# 2\n2.png\n3\n5\n5\n0\n"))
    assert found.paths == ["0 .png", "1 .png", "2.png"]
    assert len(found.boxes) == 7


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_windows_outside_their_image_and_missing_images_are_named(source: Path) -> None:
    source.write_text(source.read_text().replace("20 10 29 19", "20 10 30 19"))
    made = net(source, "batch_size: 40")
    with pytest.raises(DataError, match=r"\[20, 10, 30, 19\] reaches outside its image of 30x20"):
        made.forward()
    (source.parent / "0 .png").unlink()
    with pytest.raises(DataError, match=r"d \(WindowData\): there is no image file .*0 .png"):
        net(source, "batch_size: 40").forward()


@pytest.mark.parametrize(
    ("fields", "transform", "message"),
    [
        ("", "crop_size: 8", "batch_size is 0"),
        ("batch_size: 2", "", "has no crop_size"),
        ("batch_size: 2 context_pad: 4", "crop_size: 8", "context_pad 4 on both sides leaves nothing"),
        ('batch_size: 2 crop_mode: "squre"', "crop_size: 8", "crop_mode 'squre'; use 'warp' or 'square'"),
        ("batch_size: 2 fg_fraction: 2", "crop_size: 8", "fg_fraction is 2"),
        ("batch_size: 4 fg_threshold: 2", "crop_size: 8", "has no foreground windows"),
        ("batch_size: 4 bg_threshold: 0", "crop_size: 8", "has no background windows"),
        ("batch_size: 4 fg_threshold: 0 fg_fraction: 1", "crop_size: 8", "foreground windows of class 0"),
        ("batch_size: 4", "crop_size: 8 force_gray: true", "have no effect on windows"),
        ("batch_size: 4", "crop_size: 8 mean_value: 1 mean_value: 2", "2 mean_value for 3 channels"),
        ("batch_size: 4", 'crop_size: 8 mean_file: "x" mean_value: 2', "cannot both be set"),
        ("batch_size: 4", 'crop_size: 8 mean_file: "x"', "there is no mean file"),
    ],
)
def test_wrong_parameters(source: Path, fields: str, transform: str, message: str) -> None:
    with pytest.raises((NetError, DataError), match=rf"d \(WindowData\): .*{message}"):
        net(source, fields, transform)
