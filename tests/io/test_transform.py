"""The transform against a pixel-by-pixel reading of Caffe's rules."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError
from owlkit.io.mean import write_mean
from owlkit.io.transform import Transformer
from owlkit.proto.caffe_pb2 import TransformationParameter
from tests.support.sets import random_images

N, C, H, W = 7, 3, 8, 9


def channels_last(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    n, c, h, w = shape
    return np.full((n, h, w, c), np.nan, dtype).transpose(0, 3, 1, 2)


def by_pixel(
    image: np.ndarray, y: int, x: int, size: tuple[int, int], flip: bool, mean: Any, scale: Any
) -> Any:
    """One output image (C, h, w): top[c, h, w or mirrored] = (x - mean) * scale."""
    out = np.empty((len(image), *size), np.float32)
    for c, h, w in np.ndindex(*out.shape):
        value = np.float32(image[c, y + h, x + w]) - np.float32(mean[c, y + h, x + w])
        out[c, h, size[1] - 1 - w if flip else w] = value * np.float32(scale)
    return out


def mean_of(kind: str, folder: Path, param: Any, rng: np.random.Generator) -> np.ndarray:
    mean = np.zeros((C, H, W), np.float32)
    if kind == "file":
        mean = (rng.random((C, H, W)) * 255).astype(np.float32)
        write_mean(folder / "mean.binaryproto", mean)
        param.mean_file = str(folder / "mean.binaryproto")
    elif kind == "one":
        mean += np.float32(33.3)
        param.mean_value.append(33.3)
    elif kind == "each":
        param.mean_value.extend([10.1, 20.2, 30.3])
        mean += np.array([10.1, 20.2, 30.3], np.float32)[:, None, None]
    return mean


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize("crop", [0, 5])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("kind", ["none", "file", "one", "each"])
@pytest.mark.parametrize("plain", [False, True])
def test_against_pixels(tmp_path: Path, phase: str, crop: int, mirror: bool, kind: str, plain: bool) -> None:
    rng = np.random.default_rng(5)
    param = TransformationParameter(crop_size=crop, mirror=mirror, scale=0.25)
    mean = mean_of(kind, tmp_path, param, rng)
    images = random_images(N, (C, H, W))
    transformer = Transformer(param, phase, np.random.default_rng(1))
    shape = (N, *transformer.output_shape((C, H, W)))
    size = (crop or H, crop or W)
    assert shape[2:] == size
    out = np.empty(shape, np.float32) if plain else channels_last(*shape)
    transformer(images, out)
    ys = range(H - size[0] + 1) if phase == "train" else [(H - size[0]) // 2]
    xs = range(W - size[1] + 1) if phase == "train" else [(W - size[1]) // 2]
    chosen = set()
    for image, found in zip(images, out, strict=True):
        outcomes = {
            (y, x, flip): by_pixel(image, y, x, size, flip, mean, 0.25)
            for y in ys
            for x in xs
            for flip in ([False, True] if mirror else [False])
        }
        match = [place for place, expected in outcomes.items() if np.array_equal(found, expected)]
        assert len(match) == 1
        chosen.update(match)
    possible = len(ys) * len(xs) * (2 if mirror else 1)
    assert len(chosen) >= min(possible, 2)  # mirrored in the test phase too: Caffe's rule


def test_random_numbers_come_from_the_given_generator() -> None:
    transformer = Transformer(TransformationParameter(crop_size=4, mirror=True), "train")
    images = random_images(20, (C, H, W))
    outs = [channels_last(20, C, 4, 4) for _ in range(3)]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        transformer(images, out, np.random.default_rng(seed))
    assert np.array_equal(outs[0], outs[1])
    assert not np.array_equal(outs[0], outs[2])


def test_all_crops_and_both_flips_occur() -> None:
    transformer = Transformer(TransformationParameter(crop_size=1), "train", np.random.default_rng(0))
    image = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    out = channels_last(300, 1, 1, 1)
    transformer([image] * 300, out)
    counts = np.bincount(out.ravel().astype(int), minlength=6)
    assert counts.min() > 25


def test_images_of_several_sizes_can_be_cropped() -> None:
    images = [random_images(1, shape)[0] for shape in ((3, 8, 9), (3, 5, 20), (3, 5, 5))]
    out = channels_last(3, 3, 5, 5)
    Transformer(TransformationParameter(crop_size=5), "test")(images, out)
    assert np.array_equal(out[1], images[1][:, :, 7:12])
    assert np.array_equal(out[2], images[2])


def test_float64_output_is_not_rounded_to_float32() -> None:
    out = channels_last(1, 1, 1, 1, dtype=np.float64)
    Transformer(TransformationParameter(scale=1 / 255), "test")([np.full((1, 1, 1), 7, np.uint8)], out)
    assert out[0, 0, 0, 0] == 7 * np.float64(np.float32(1 / 255))


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="force_color and force_gray"):
        Transformer(TransformationParameter(force_color=True, force_gray=True), "test")
    with pytest.raises(DataError, match="mean_file and mean_value"):
        Transformer(TransformationParameter(mean_file="m", mean_value=[1]), "test")
    with pytest.raises(DataError, match="crop_size 10 exceeds the size 8x9"):
        Transformer(TransformationParameter(crop_size=10), "test").output_shape((3, 8, 9))
    with pytest.raises(DataError, match="1 channels, but 3 mean_value are given"):
        Transformer(TransformationParameter(mean_value=[1, 2, 3]), "test").output_shape((1, 8, 9))
    write_mean(tmp_path / "m", np.zeros((3, 5, 5), np.float32))
    transformer = Transformer(TransformationParameter(mean_file=str(tmp_path / "m"), crop_size=5), "test")
    with pytest.raises(DataError, match=r"mean in .* has \(3, 5, 5\).*before cropping"):
        transformer.output_shape((3, 8, 9))
    out = channels_last(2, 3, 8, 9)
    with pytest.raises(DataError, match=r"record 'b' has shape \(3, 8, 8\).*expected \(3, 8, 9\)"):
        Transformer(TransformationParameter(), "test")(
            [*random_images(1), random_images(1, (3, 8, 8))[0]], out, keys=[b"a", b"b"]
        )
