"""Folders of folders, and files that are no images."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from owlkit import L, Net, NetSpec, show_embedding, show_filters, show_top_patches
from owlkit.core.errors import DataError
from owlkit.inspection.answers import find_answers
from owlkit.inspection.image_source import ImageSource

matplotlib.use("Agg")
SIDE = 8


def net() -> Net:
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[4, 3, SIDE, SIDE]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=dict(type="xavier"))
    n.ip = L.InnerProduct(n.conv1, num_output=5, weight_filler=dict(type="xavier"))
    return Net(n, phase="test", seed=1)


def photograph(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.fixture
def some_broken(tmp_path: Path) -> Path:
    """Twelve images; the first is cut short, the third is a web page."""
    for k in range(12):
        photograph(tmp_path / f"{k:02}.png", k)
    cut_short(tmp_path / "00.png")
    (tmp_path / "02.png").write_text("<html>404</html>")
    return tmp_path


REMARK = "2 of 12 images could not be read: 00.png, 02.png"


@pytest.fixture
def synsets(tmp_path: Path) -> Path:
    for synset in ("n02", "n01"):
        for k in range(4):
            photograph(tmp_path / synset / f"{k}.JPEG", k)
    photograph(tmp_path / "n01" / "more" / "x.png", 9)
    photograph(tmp_path / ".ipynb_checkpoints" / "y.png", 9)
    return tmp_path


def test_a_folder_of_synsets_is_its_images(synsets: Path) -> None:
    source = ImageSource(synsets)
    names = [source.name(k) for k in range(len(source))]
    assert names == [
        *(f"n01/{k}.JPEG" for k in range(4)),
        "n01/more/x.png",
        *(f"n02/{k}.JPEG" for k in range(4)),
    ]
    assert source.labels(range(9)) == ["n01"] * 5 + ["n02"] * 4
    some = ImageSource(synsets, limit=4)
    assert some.labels(range(4)) == ["n01", "n01", "n01", "n02"], "evenly from all"
    assert show_embedding(net(), synsets, "ip", method="pca", progress=False).labels == source.labels(
        range(9)
    )


def test_a_folder_with_images_of_its_own_is_those(synsets: Path) -> None:
    photograph(synsets / "own.png", 1)
    source = ImageSource(synsets)
    assert ([source.name(0)], source.label(0)) == (["own.png"], None)
    assert len(source) == 1


def test_a_link_back_to_the_folder_is_not_followed_for_ever(synsets: Path) -> None:
    (synsets / "n03").symlink_to(synsets)
    assert len(ImageSource(synsets)) == 9


def test_folders_without_images_say_where_was_looked(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no subfolder of it has any"):
        ImageSource(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        ImageSource(tmp_path / "nowhere")


def test_top_patches_leave_broken_images_out_and_say_so(some_broken: Path) -> None:
    seen = show_top_patches(net(), some_broken, "conv1", [0], count=12, progress=False)
    assert seen.images == 10
    assert "of 10 images" in repr(seen)
    assert REMARK in repr(seen)
    assert REMARK in [text.get_text() for text in seen.figure().texts]
    seen.save(some_broken / "figure.pdf")
    names = sorted(patch.name for patch in seen.patches[0])
    assert names == [f"{k:02}.png" for k in range(12) if k not in (0, 2)]
    best = seen.patches[0][0]
    whole = [np.asarray(Image.open(some_broken / best.name))]
    alone = find_answers(net(), ImageSource(whole), "conv1")
    assert alone.values[0, 0] == pytest.approx(best.value), "the name is that of the image that was seen"


def test_embeddings_leave_broken_images_out_with_their_labels(some_broken: Path) -> None:
    seen = show_embedding(net(), some_broken, "ip", method="pca", labels=list("abcdefghijkl"), progress=False)
    assert seen.labels == list("bdefghijkl")
    assert REMARK in repr(seen)
    assert seen.figure().axes[0].get_xlabel() == REMARK
    again = show_embedding(
        net(), [some_broken / f"{k:02}.png" for k in (1, *range(3, 12))], "ip", method="pca", progress=False
    )
    np.testing.assert_array_equal(seen.features, again.features)


def test_where_none_can_be_read_that_is_an_error_with_the_reason(tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"{k}.jpg").write_bytes(b"no image")
    for show in (show_top_patches, show_embedding):
        with pytest.raises(DataError, match=r"none of 3 images can be read.*0\.jpg"):
            show(net(), tmp_path, "ip", progress=False)


def test_too_few_that_can_be_read_are_too_few_to_arrange(tmp_path: Path) -> None:
    for k in range(4):
        cut_short(photograph(tmp_path / f"{k}.png", k)) if k > 1 else photograph(tmp_path / f"{k}.png", k)
    with pytest.raises(DataError, match=r"2 images are too few.*2 of 4 images could not be read: 2\.png, 3"):
        show_embedding(net(), tmp_path, "ip", progress=False)


def test_a_remark_names_five_at_most(tmp_path: Path) -> None:
    for k in range(9):
        (tmp_path / f"{k}.jpg").write_bytes(b"")
    source = ImageSource(tmp_path)
    assert list(source) == []
    assert source.remark.endswith("0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 4 more")


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_files_cut_anywhere_are_unreadable_or_read_but_never_another_error(
    suffix: str, tmp_path: Path
) -> None:
    written = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(pixels).save(written, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    whole = written.getvalue()
    for cut in range(0, len(whole), 7):
        (tmp_path / f"{cut:04}.{suffix}").write_bytes(whole[:cut])
    source = ImageSource(tmp_path)
    good = list(source)
    assert len(good) == source.readable < len(source)


def test_filters_with_such_a_folder(some_broken: Path) -> None:
    seen = show_filters(net(), "conv1", images=some_broken)
    assert seen.images is not None
    assert find_answers(net(), seen.images, "conv1").seen == 10
    assert seen.images.remark == REMARK
