"""Pictures of what nets do, on nets whose answers are known."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit import L, Net, NetSpec
from owlkit.core.errors import DataError, NetError
from owlkit.inspection.activations import show_activations
from owlkit.inspection.answers import find_answers
from owlkit.inspection.embedding import show_embedding
from owlkit.inspection.heatmaps import show_heatmap
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.patches import show_top_patches
from owlkit.inspection.saliency import show_saliency
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter

pytest.importorskip("matplotlib", reason="figures need the notebook extra")


def linear_net() -> Net:
    """One unit that sums the left half of a (1, 8, 8) image, one that sums the right half."""
    n = NetSpec("linear")
    n.data = L.Input(shape=dict(dim=[4, 1, 8, 8]))
    n.score = L.InnerProduct(n.data, num_output=2, bias_term=False)
    net = Net(n, seed=1)
    weights = np.zeros((2, 8, 8), np.float32)
    weights[0, :, :4], weights[1, :, 4:] = 1, 2
    net.params["score"][0].data[...] = weights.reshape(2, 64)
    return net


def corner_net() -> Net:
    """Channel 0 answers to a bright 2x2 square, channel 1 to a dark one."""
    n = NetSpec("corners")
    n.data = L.Input(shape=dict(dim=[1, 1, 9, 9]))
    n.conv = L.Convolution(n.data, num_output=2, kernel_size=2, bias_term=False)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.out = L.Convolution(n.relu, num_output=1, kernel_size=1, bias_term=False)
    net = Net(n, seed=1)
    net.params["conv"][0].data[...] = np.array([1, -1], np.float32).reshape(2, 1, 1, 1)
    net.params["out"][0].data[...] = np.array([1, -1], np.float32).reshape(1, 2, 1, 1)
    return net


def squares() -> list[np.ndarray]:
    """Images that are 0 but for a 2x2 square, of another brightness and at another place in each."""
    images = []
    for index in range(5):
        image = np.zeros((1, 9, 9), np.float32)
        image[0, index : index + 2, 2 * (index % 4) : 2 * (index % 4) + 2] = index + 1
        images.append(image)
    return images


def test_activations_are_those_of_the_net(tmp_path: Path) -> None:
    net, image = corner_net(), squares()[2]
    seen = show_activations(net, image, "conv")
    net.forward(data=image[None])
    np.testing.assert_array_equal(seen.values, net.forward(end="conv", data=image[None])["conv"][0])
    seen.save(tmp_path / "conv.png")
    with Image.open(tmp_path / "conv.png") as picture:
        assert picture.size[0] > 500
    assert "2x8x8" in repr(seen)
    assert "image/png" in seen._repr_mimebundle_()
    with pytest.raises(NetError, match="did you mean 'conv'"):
        show_activations(net, image, "cnov")


def test_looking_leaves_the_net_alone() -> None:
    net, image = corner_net(), squares()[2]
    before = {name: blob.data.copy() for name, blob in net.blobs.items()}
    show_saliency(net, image, "out", method="guided")
    for name, blob in net.blobs.items():
        np.testing.assert_array_equal(blob.data, before[name])
    assert not net.params["conv"][0].diff.any()


def test_the_gradient_of_a_linear_unit_is_its_weights() -> None:
    seen = show_saliency(linear_net(), np.ones((1, 8, 8), np.float32), "score", 1)
    assert seen.value == 64.0
    np.testing.assert_array_equal(seen.gradient[0, :, :4], 0)
    np.testing.assert_array_equal(seen.gradient[0, :, 4:], 2)
    # without a choice, the unit that answers most
    assert show_saliency(linear_net(), np.ones((1, 8, 8), np.float32), "score").unit.channel == 1


@pytest.mark.parametrize(
    ("method", "bright", "dark"),
    # d out / d conv0 = 1 and d out / d conv1 = -1. A bright square opens ReLU 0, a dark one ReLU 1. The slope
    # of conv1 along the image is -1. Deconvnet lets through what is positive (conv0), whatever is open.
    [("gradient", 1.0, 1.0), ("guided", 1.0, 0.0), ("deconvnet", 1.0, 1.0)],
)
def test_what_each_method_lets_through_a_relu(method: str, bright: float, dark: float) -> None:
    for sign, expected in ((1, bright), (-1, dark)):
        image = sign * np.ones((1, 9, 9), np.float32)
        seen = show_saliency(corner_net(), image, "out", 0, at=(3, 3), method=method)
        np.testing.assert_array_equal(seen.gradient[0, 3:5, 3:5], expected)
        assert seen.gradient.sum() == pytest.approx(4 * expected)


def test_a_covered_part_that_matters_not_leaves_the_value(tmp_path: Path) -> None:
    image = np.ones((1, 8, 8), np.float32)
    seen = show_heatmap(linear_net(), image, "score", 0, patch=2, stride=2)
    np.testing.assert_allclose(seen.map[:, :4], 4)  # four pixels of weight 1 go with each patch
    np.testing.assert_allclose(seen.map[:, 4:], 0)
    gradient = show_heatmap(linear_net(), image, "score", 0, method="gradient")
    assert gradient.map[:, :3].min() > gradient.map[:, 5:].max()
    for each in (seen, gradient):
        each.save(tmp_path / f"{each.method}.svg")
    with pytest.raises(ValueError, match=r"occlusion, gradient; show_saliency\(\.\.\., method='guided'\)"):
        show_heatmap(linear_net(), image, "score", 0, method="guided")
    with pytest.raises(ValueError, match="stride is 3"):
        show_heatmap(linear_net(), image, "score", 0, patch=2, stride=3)


def test_top_patches_are_the_squares_that_were_put_there() -> None:
    found = show_top_patches(corner_net(), squares(), "conv", [0], count=3)
    patches = found.patches[0]
    assert [patch.index for patch in patches] == [4, 3, 2]
    assert [patch.value for patch in patches] == [20.0, 16.0, 12.0]
    assert patches[0].box == (4, 0, 6, 2)
    assert patches[1].box == (3, 6, 5, 8)
    assert found.figure().axes
    with pytest.raises(NetError, match="expected some of 0 to 1"):
        show_top_patches(corner_net(), squares(), "conv", [2])


def test_top_patches_over_batches_are_those_of_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = show_top_patches(corner_net(), squares(), "conv", [0, 1])
    monkeypatch.setattr("owlkit.inspection.twin.BATCH", 2)
    parts = show_top_patches(corner_net(), squares(), "conv", [0, 1])
    for unit in (0, 1):
        assert [(p.value, p.box) for p in parts.patches[unit]] == [
            (p.value, p.box) for p in whole.patches[unit]
        ]


def test_how_often_a_unit_fires() -> None:
    found = find_answers(corner_net(), ImageSource(squares()), "relu")
    # A 2x2 square touches 9 of the 64 windows of 2x2; at an edge (image 4) 6, in a corner (image 0) 4
    touched = np.array([4, 9, 9, 9, 6]) / 64
    assert found.fired[0] == pytest.approx(touched.mean())
    assert found.fired[1] == 0
    assert (found.seen, found.plane, found.units) == (5, (8, 8), 2)
    assert found.box(0, 0) == (4, 0, 6, 2)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_two_kinds_of_images_lie_apart(method: str) -> None:
    rng = np.random.default_rng(0)
    images = [
        np.zeros((1, 8, 8), np.float32) + rng.normal(0, 0.05, (1, 8, 8)).astype("f4") for _ in range(20)
    ]
    for image in images[10:]:
        image[:, :, :4] += 3
    kinds = ["none"] * 10 + ["left"] * 10
    found = show_embedding(linear_net(), images, "score", method=method, labels=kinds)
    first, second = found.points[:10], found.points[10:]
    spread = max(np.ptp(first, axis=0).max(), np.ptp(second, axis=0).max())
    assert np.linalg.norm(first.mean(0) - second.mean(0)) > spread
    again = show_embedding(linear_net(), images, "score", method=method, labels=kinds)
    np.testing.assert_array_equal(found.points, again.points)
    assert found.figure().axes
    with pytest.raises(DataError, match="one per image"):
        show_embedding(linear_net(), images, "score", labels=kinds[:3])


def test_photographs_become_input_and_come_back(tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 200, 10
    prepare = ImageInput(mean=(1, 2, 3), scale=0.5)
    prepared = prepare(pixels, (1, 3, 10, 10))
    # blue, green, red; minus the mean; times the scale
    np.testing.assert_allclose(prepared[:, 0, 0], [4.5, -1, 98.5])
    np.testing.assert_array_equal(prepare.restore(prepared)[0, 0], [200, 0, 10])
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    np.testing.assert_array_equal(prepare(tmp_path / "photo.png", (1, 3, 10, 10)), prepared)
    with pytest.raises(DataError, match="mean has 2 numbers"):
        ImageInput(mean=(1, 2))(pixels, (1, 3, 10, 10))
    with pytest.raises(DataError, match="cannot be read"):
        prepare(tmp_path / "none.png", (1, 3, 10, 10))
    with pytest.raises(DataError, match="1 or 3 channels"):
        prepare(pixels, (1, 4, 10, 10))


def test_sources_are_folders_and_sets(tmp_path: Path) -> None:
    red = np.zeros((3, 4, 4), np.uint8)
    red[2] = 255  # blue, green, red in a Datum
    with RecordWriter(tmp_path / "lmdb") as writer:
        for key in range(3):
            writer.put(f"{key}".encode(), array_to_datum(red).SerializeToString())
    seen = list(ImageSource(tmp_path / "lmdb", limit=2))
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[0][0, 0], [255, 0, 0])
    picked = list(ImageSource(tmp_path / "lmdb").pick([2, 0, 2]))
    assert [index for index, _ in picked] == [0, 2]
    np.testing.assert_array_equal(picked[1][1][0, 0], [255, 0, 0])
    assert list(ImageSource(["a", "b", "c"]).pick([2, 1])) == [(1, "b"), (2, "c")]
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(DataError, match="no image files"):
        ImageSource(folder)
    for name in ("b.png", "a.png", "notes.txt"):
        (folder / name).write_bytes(b"")
    files = ImageSource(folder)
    assert [files.name(index) for index in range(len(files))] == ["a.png", "b.png"]
    with pytest.raises(DataError, match="goes into a list"):
        ImageSource(folder / "a.png")


def test_records_are_found_by_number_with_key_and_label(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "set") as writer:
        for value in range(5):
            datum = array_to_datum(np.full((1, 4, 4), value, np.uint8), label=value % 2)
            writer.put(f"key {value}".encode(), datum.SerializeToString())
    source = ImageSource(tmp_path / "set", 4)
    assert [index for index, _ in source.pick([3, 0, 3])] == [0, 3]
    assert source[3].mean() == 3
    assert (source.name(3), source.label(3), source.labels()) == ("key 3", 1, [0, 1, 0, 1])
    files = ImageSource([Path("a/owl.png"), np.zeros((2, 2), np.uint8)])
    assert (files.name(0), files.name(1), files.label(0), files.labels()) == ("owl.png", "1", None, None)
    with pytest.raises(DataError, match="no record 'none'"):
        source._items.value(b"none")  # type: ignore[union-attr]


def test_no_images_are_told_of() -> None:
    with pytest.raises(DataError, match="no images to look at"):
        show_top_patches(corner_net(), [], "conv")


def test_a_figure_of_another_thread_is_none_of_pyplots(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that draws meanwhile would have drawn into it: pyplot has one present figure for all threads."""
    import matplotlib.pyplot as plt

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pyplot is the main thread's")

    shown = show_saliency(linear_net(), np.ones((1, 8, 8), np.float32), "score", 0)
    assert shown.figure().number not in plt.get_fignums(), "and in that thread it is closed"
    drawn: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(plt, "figure", refuse)
        patched.setattr(plt, "subplots", refuse)
        thread = threading.Thread(target=lambda: drawn.append(shown.figure()))
        thread.start()
        thread.join(20)
    written = io.BytesIO()
    drawn[0].savefig(written, format="png")
    assert written.getvalue().startswith(b"\x89PNG")
    assert len(drawn[0].axes) == 3


def test_a_closed_figure_asks_nothing_of_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyplot in Python's own prompt, after `plt.ion()`, has each stroke drawn; Tk's window is gone."""
    import matplotlib.pyplot as plt

    def gone(*_: object) -> None:
        raise RuntimeError("application has been destroyed")

    def as_a_prompt_makes_it(*given: Any, **options: Any) -> Any:
        figure, axes = subplots(*given, **options)
        figure.stale_callback = gone
        return figure, axes

    subplots = plt.subplots
    monkeypatch.setattr(plt, "subplots", as_a_prompt_makes_it)
    shown = show_saliency(linear_net(), np.ones((1, 8, 8), np.float32), "score", 0)
    assert len(shown.figure().axes) == 3
