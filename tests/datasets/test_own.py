"""Sets of one's own: arrays, image files, folders of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import owlkit
from owlkit import L, NetSpec
from owlkit.core.errors import DataError
from owlkit.datasets import from_arrays, from_files, from_folder, store
from owlkit.datasets.convert import write_images
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.images import read_image
from owlkit.io.records import Records


def stored(path: str) -> tuple[np.ndarray, list[int]]:
    """(N, C, H, W) and labels of a set, in its order."""
    datums = [parse_datum(value, key) for key, value in Records(path)]
    return np.stack([datum_to_array(datum) for datum in datums]), [datum.label for datum in datums]


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (pixels(5, 3, 8, 9), lambda x: x),
        (pixels(5, 8, 9), lambda x: x[:, None]),
        (pixels(5, 8, 9, 3), lambda x: x[..., ::-1].transpose(0, 3, 1, 2)),  # RGB, stored as BGR
        (pixels(5, 8, 9, 1), lambda x: x.transpose(0, 3, 1, 2)),
        (pixels(5, 3, 8, 3), lambda x: x),  # three channels come first, whatever the width
        (pixels(5, 8, 9).astype(np.int64), lambda x: x[:, None]),
        (pixels(5, 8, 9) / 255, lambda x: x[:, None].astype(np.float32)),
    ],
    ids=["NCHW", "gray", "RGB", "NHW1", "narrow", "int64", "floats"],
)
def test_arrays_are_stored_in_caffes_order(tmp_path: Path, images: np.ndarray, expected: Any) -> None:
    path = from_arrays(tmp_path / "set", images, [3, 1, 4, 1, 5])
    found, labels = stored(path)
    np.testing.assert_array_equal(found, expected(images))
    assert labels == [3, 1, 4, 1, 5]


def test_a_net_trains_on_arrays(tmp_path: Path) -> None:
    """Classes that a mean tells apart are learned, shuffled as they should be."""
    labels = np.repeat(np.arange(4), 16)
    images = (labels[:, None, None] * 60 + pixels(64, 6, 6) // 20).astype(np.uint8)
    n = NetSpec("means")
    source = from_arrays(tmp_path / "means", images, labels, shuffle=1)
    n.data, n.label = L.Data(source=source, batch_size=16, transform_param=dict(scale=1 / 255), ntop=2)
    n.score = L.InnerProduct(n.data, num_output=4, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    solver = owlkit.Solver(n, base_lr=0.5, momentum=0.9, max_iter=200, seed=1, snapshot_after_train=False)
    solver.step(200)
    assert solver.smoothed_loss < 0.3
    order = stored(source)[1]
    assert order != labels.tolist()
    assert sorted(order) == labels.tolist()


def test_a_cell_that_is_run_again_writes_nothing_and_another_set_takes_its_place(tmp_path: Path) -> None:
    images = pixels(4, 8, 8)
    path = from_arrays(tmp_path / "set", images, [0, 1, 0, 1])
    written = (tmp_path / "set" / "data.mdb").stat().st_mtime_ns
    from_arrays(tmp_path / "set", images, [0, 1, 0, 1])
    assert (tmp_path / "set" / "data.mdb").stat().st_mtime_ns == written
    old = Records(path)  # as a net of the cell before has it
    from_arrays(tmp_path / "set", images, [1, 1, 1, 1])
    assert stored(path)[1] == [1, 1, 1, 1]
    assert [parse_datum(value, key).label for key, value in old] == [0, 1, 0, 1]


def test_what_it_did_not_make_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holidays.jpg").write_bytes(b"dear")
    with pytest.raises(DataError, match="left alone"):
        from_arrays(tmp_path / "photos", pixels(2, 8, 8))
    write_images(tmp_path / "set", pixels(2, 1, 8, 8), [0, 1])
    with pytest.raises(DataError, match="left alone"):
        from_arrays(tmp_path / "set", pixels(2, 8, 8))
    assert (tmp_path / "photos" / "holidays.jpg").read_bytes() == b"dear"
    made = Path(from_arrays(tmp_path / "made", pixels(2, 8, 8)))
    (made / "data.mdb").unlink()
    (made / "holidays.jpg").write_bytes(b"dear")
    with pytest.raises(DataError, match="left alone"):
        from_arrays(made, pixels(3, 8, 8))
    assert (made / "holidays.jpg").read_bytes() == b"dear"


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (pixels(4, 8), None, r"found uint8 of shape \(4, 8\)"),
        (pixels(4, 8, 8).astype(np.int64) * 300, None, "0 to 255, found 0 to"),
        (["a.jpg", "b.jpg"], None, "from_files"),
        (pixels(4, 8, 8), [0, 1], "4 images need labels"),
        (pixels(4, 8, 8), ["cat", "dog", "cat", "owl"], r"text such as 'cat': .*numpy\.unique"),
        (pixels(4, 8, 8), [[0], [1], [2, 3], [4]], "one label per image"),
        (pixels(4, 8, 8, 4), None, r"fourth channel.*\[\.\.\., :3\]"),
        (pixels(8, 8, 3), None, r"a single photograph.*array\[None\]"),
        ([pixels(8, 8, 3), pixels(9, 8, 3)], [0, 1], "one size"),
    ],
)
def test_arrays_that_are_no_images_are_told(tmp_path: Path, images: Any, labels: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        from_arrays(tmp_path / "set", images, labels)
    assert not (tmp_path / "set").exists()


def test_photographs_are_not_written_as_32_channels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"32 channels, 3 pixels wide.*transpose\(0, 3, 1, 2\)"):
        write_images(tmp_path / "set", pixels(2, 32, 32, 3), [0, 1])


def album(root: Path, counts: dict[str, int]) -> Path:
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for k in range(count):
            colour = (40 * number, 10 * k, 200)
            Image.new("RGB", (30 + k, 20), colour).save(root / name / f"{k}.png")
    return root


def test_files_are_cut_to_a_size_and_stored_blue_first(tmp_path: Path) -> None:
    album(tmp_path / "album", {"a": 2})
    files = sorted((tmp_path / "album" / "a").iterdir())
    path = from_files(tmp_path / "set", files, [7, 8], size=(10, 12))
    found, labels = stored(path)
    assert found.shape == (2, 3, 10, 12)
    assert found[1, :, 5, 5].tolist() == [200, 10, 0]
    assert labels == [7, 8]
    assert [key for key, _ in Records(path)] == [b"00000000_0.png", b"00000001_1.png"]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    files = [tmp_path / "one.png"]
    Image.new("RGB", (8, 8), (1, 2, 3)).save(files[0])
    from_files(tmp_path / "set", files, size=8)
    Image.new("RGB", (9, 9), (4, 5, 6)).save(files[0])
    assert stored(from_files(tmp_path / "set", files, size=8))[0][0, :, 0, 0].tolist() == [6, 5, 4]


def test_a_folder_of_classes_becomes_two_sets(tmp_path: Path) -> None:
    root = album(tmp_path / "pets", {"cat": 10, "dog": 5, "emu": 1})
    sets = from_folder(root, tmp_path, size=8, test=0.2)
    assert sets.classes == ["cat", "dog", "emu"]
    assert (sets.count, sets.test_count) == (13, 3)
    assert sorted(stored(sets.train)[1]) == [0] * 8 + [1] * 4 + [2]
    assert sorted(stored(sets.test)[1]) == [0, 0, 1]
    keys = [key.decode().partition("_")[2] for key, _ in Records(sets.test)]
    assert [Path(file).name for file in sets.test_files] == keys
    assert "0 cat, 1 dog, 2 emu" in repr(sets)
    again = from_folder(root, tmp_path, size=8, test=0.2)
    assert again == sets


def test_a_folder_that_is_divided_already_stays_so(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    album(root / "train", {"cat": 3, "dog": 2})
    album(root / "val", {"dog": 1})
    sets = from_folder(root, tmp_path, size=8)
    assert (sets.count, sets.test_count) == (5, 1)
    assert stored(sets.test)[1] == [1]


def test_folders_without_classes_are_told(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "flat" / "a.png")
    with pytest.raises(DataError, match=r"no subfolders.*from_files"):
        from_folder(tmp_path / "flat", tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        from_folder(tmp_path / "missing", tmp_path)
    (tmp_path / "flat" / "a.png").unlink()
    with pytest.raises(DataError, match="hold no images"):
        from_folder(tmp_path, tmp_path / "sets", size=8)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        from_files(tmp_path / "set", [broken])
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("seed", [-1, 1.5, "1", 2**32])
def test_seeds_that_are_none_are_told(tmp_path: Path, seed: Any) -> None:
    with pytest.raises(DataError, match="give the seed of the order"):
        from_arrays(tmp_path / "set", pixels(2, 8, 8), shuffle=seed)
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), shuffle=np.int64(3))
    assert from_arrays(path, pixels(3, 8, 8), shuffle=3) == path  # what it made it may replace


@pytest.mark.parametrize(
    ("files", "options", "told"),
    [
        (lambda file: str(file), {}, "a list of paths, found str"),
        (lambda file: [Image.new("L", (4, 4))], {}, "found Image"),
        (lambda file: [file], {"labels": ["cat"]}, r"numpy\.unique"),
        (lambda file: [file], {"labels": [1.7]}, "labels are integers, found float64"),
        (lambda file: [file], {"labels": [2**40]}, "beyond int32"),
        (lambda file: [file], {"size": 0}, "size is 0"),
        (lambda file: [file], {"size": (3, 4, 5)}, r"\(height, width\), in pixels"),
    ],
)
def test_what_is_no_list_of_files_is_told(
    tmp_path: Path, files: Any, options: dict[str, Any], told: str
) -> None:
    file = tmp_path / "a.png"
    Image.new("L", (4, 4)).save(file)
    with pytest.raises(DataError, match=told):
        from_files(tmp_path / "set", files(file), **options)
    assert os.listdir(tmp_path) == ["a.png"]


def test_pixels_of_16_bits_are_not_cut_off(tmp_path: Path) -> None:
    """Pillow makes all above 255 white; OpenCV, with which Caffe reads, takes the high byte."""
    deep = np.array([[0, 256, 32768, 65535]] * 4, np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(deep).save(tmp_path / name)
        (image,), _ = stored(from_files(tmp_path / f"{name}_set", [tmp_path / name], size=4))
        np.testing.assert_array_equal(image, np.broadcast_to([0, 1, 128, 255], (3, 4, 4)))
        np.testing.assert_array_equal(read_image(str(tmp_path / name), color=True), image)
    Image.fromarray(deep.astype(np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(DataError, match="32 bits"):
        from_files(tmp_path / "set", [tmp_path / "f.tif"], size=4)


def test_names_of_files_that_are_no_text_are_kept(tmp_path: Path) -> None:
    name = b"caf\xe9.png"  # Latin-1, as of an old archive
    with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
        Image.new("L", (4, 4)).save(file, "PNG")
    (found,) = tmp_path.iterdir()
    ((key, _),) = Records(from_files(tmp_path / "set", [found], size=4))
    assert key == b"00000000_" + name


def test_an_image_that_is_too_large_to_open_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"a\.png.*exceeds limit"):
        from_files(tmp_path / "set", [tmp_path / "a.png"])


def test_a_set_that_another_process_puts_there_just_now_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies at its place a moment before its manifest does."""
    lock = store.locked

    @contextmanager
    def after_the_other(folder: Path, name: str) -> Iterator[None]:
        monkeypatch.setattr(store, "locked", lock)
        os.rename(hidden, manifest)
        with lock(folder, name):
            yield

    path = from_arrays(tmp_path / "set", pixels(2, 8, 8))
    manifest, hidden = store.manifest_path(tmp_path, "set"), tmp_path / "hidden"
    os.rename(manifest, hidden)
    monkeypatch.setattr(store, "locked", after_the_other)
    assert from_arrays(tmp_path / "set", pixels(2, 8, 8)) == path


def test_a_disk_that_is_full_at_the_last_leaves_the_old_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_bytes", full)
        with pytest.raises(DataError, match="no room"):
            from_arrays(path, pixels(3, 8, 8))
    assert stored(path)[1] == [1, 2]
    from_arrays(path, pixels(3, 8, 8))
    assert stored(path)[1] == [0, 0, 0]


def test_sets_beside_the_classes_and_empty_folders_are_no_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = album(tmp_path / "photos", {"cat": 2, "dog": 2, "empty": 0, "dog/.thumbnails": 3, "cat/x.jpg": 0})
    monkeypatch.chdir(root)
    for _ in range(2):
        sets = from_folder(".", size=8)
        assert (sets.classes, sets.count, sets.test_count) == (["cat", "dog"], 2, 2)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    sets = from_folder(album(tmp_path / "vehicles", {"car": 2, "train": 3}), tmp_path, size=8)
    assert (sets.classes, sets.count, sets.test_count) == (["car", "train"], 3, 2)


def test_a_class_that_is_tested_but_not_trained_is_told(tmp_path: Path) -> None:
    root = album(tmp_path / "photos", {"train/a": 1, "train/b": 1, "test/b": 1, "test/c": 1})
    with pytest.raises(DataError, match=r"test/c is no class to train on.* a, b"):
        from_folder(root, tmp_path, size=8)


@pytest.mark.parametrize(
    ("value", "dtype", "told"),
    [(np.nan, np.float32, "nan"), (-np.inf, np.float32, "-inf"), (1e300, np.float64, r"1e\+300")],
)
def test_floats_that_are_no_numbers_are_told(tmp_path: Path, value: float, dtype: Any, told: str) -> None:
    images = np.ones((4, 8, 9, 3), dtype)
    images[2, 5, 7, 1] = value
    with pytest.raises(DataError, match=rf"images\[2, 5, 7, 1\] is {told}, .*leave that image out"):
        from_arrays(tmp_path / "set", images)
    assert not os.listdir(tmp_path)


def test_a_third_part_of_a_folder_is_a_set_of_its_own(tmp_path: Path) -> None:
    """It was passed over."""
    root = album(tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/cat": 1, "val/dog": 2})
    sets = from_folder(root, tmp_path, size=8)
    assert (sets.count, sets.test_count, sets.val_count) == (5, 1, 2)
    assert (stored(sets.test)[1], stored(sets.val)[1]) == ([0], [1, 1])
    assert sets.val == str(tmp_path / "pets_val_lmdb")
    assert f"2 to validate with ({sets.val})" in repr(sets)


def test_a_third_part_without_images_is_none(tmp_path: Path) -> None:
    root = album(tmp_path / "pets", {"train/cat": 3, "test/cat": 1})
    for folder in ("val", "val/cat"):
        (root / folder).mkdir()
        assert from_folder(root, tmp_path, size=8).val == ""
