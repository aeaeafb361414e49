"""caffe.io: images, the Transformer and the conversions, with numbers that were worked out by hand."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit import caffe
from owlkit.caffe.io import Transformer, load_image, oversample, resize, resize_image
from owlkit.caffe.proto import caffe_pb2
from owlkit.core.errors import DataError, FileFormatError
from tests.support.shared import shared


# -- reading images
def _save(array: np.ndarray, path: Path, **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_colours_are_read_as_rgb_from_0_to_1(tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    read = load_image(_save(pixels, tmp_path / "a.png"))
    assert (read.shape, read.dtype) == ((2, 3, 3), np.float32)
    np.testing.assert_array_equal(read, (pixels / 255).astype(np.float32))
    np.testing.assert_array_equal(load_image(str(tmp_path / "a.png")), read)


def test_colours_become_luminance(tmp_path: Path) -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    read = load_image(_save(pixels, tmp_path / "a.png"), color=False)
    assert read.shape == (1, 4, 1)
    np.testing.assert_allclose(read[0, :, 0], [0.2125, 0.7154, 0.0721, 1.0], rtol=1e-6)


def test_gray_images_get_three_equal_channels_or_keep_one(tmp_path: Path) -> None:
    path = _save(np.array([[0, 51, 255]], np.uint8), tmp_path / "gray.png")
    gray = np.array([[[0.0], [0.2], [1.0]]], np.float32)
    np.testing.assert_array_equal(load_image(path, color=False), gray)
    np.testing.assert_array_equal(load_image(path), np.tile(gray, (1, 1, 3)))


def test_alpha_is_dropped_and_16_bit_reach_1(tmp_path: Path) -> None:
    with_alpha = np.array([[[255, 51, 0, 7]]], np.uint8)
    np.testing.assert_allclose(load_image(_save(with_alpha, tmp_path / "a.png")), [[[1, 0.2, 0]]], rtol=1e-6)
    deep = np.array([[0, 13107, 65535]], np.uint16)
    read = load_image(_save(deep, tmp_path / "deep.png"), color=False)
    np.testing.assert_allclose(read[0, :, 0], [0, 0.2, 1], rtol=1e-6)


def test_palettes_and_other_colour_spaces(tmp_path: Path) -> None:
    pixels = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    image = Image.fromarray(pixels)
    image.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    np.testing.assert_array_equal(load_image(tmp_path / "p.png"), pixels / 255)
    image.convert("CMYK").save(tmp_path / "c.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "c.tif"), pixels / 255)
    Image.fromarray(np.array([[0.25, 0.5]], np.float32)).save(tmp_path / "f.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "f.tif", color=False)[0, :, 0], [0.25, 0.5])
    image.convert("1").save(tmp_path / "1.png")
    assert set(load_image(tmp_path / "1.png").ravel()) <= {0.0, 1.0}


def test_an_open_file_is_read_too(tmp_path: Path) -> None:
    path = _save(np.full((4, 4, 3), 51, np.uint8), tmp_path / "a.png")
    np.testing.assert_allclose(load_image(io.BytesIO(path.read_bytes())), 0.2)


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no image file .*missing\.png"):
        load_image(tmp_path / "missing.png")
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(DataError, match=r"text\.jpg cannot be decoded: it begins with b'hello'"):
        load_image(tmp_path / "text.jpg")
    Image.fromarray(np.zeros((2, 2), np.int32)).save(tmp_path / "i.tif")
    with pytest.raises(DataError, match="mode I"):
        load_image(tmp_path / "i.tif")


# -- resizing
def test_shrinking_samples_at_pixel_centres_and_smooths_nothing() -> None:
    """8 to 2: new pixels are centred at 1.5 and 5.5; a smoothing resize would mix four."""
    row = np.array([0, 1, 7, 0, 9, 2, 4, 5], np.float32).reshape(1, 8, 1)
    np.testing.assert_array_equal(resize_image(row, (1, 2))[0, :, 0], [4.0, 3.0])


def test_the_border_of_a_grown_image_is_mixed_with_the_smallest_value() -> None:
    """2 to 4: centres at -0.25, 0.25, 0.75, 1.25; a quarter of the outer ones lies outside."""
    row = np.array([3, 5, 1, 1], np.float32).reshape(2, 2, 1)
    low = 1.0
    outer, inner, inner2, outer2 = 0.75 * 3 + 0.25 * low, 3.5, 4.5, 0.75 * 5 + 0.25 * low
    top = np.array([outer, inner, inner2, outer2])
    grown = resize_image(row, (4, 4))[..., 0]
    np.testing.assert_allclose(grown[0], 0.75 * top + 0.25 * low, rtol=1e-6)
    np.testing.assert_allclose(grown[1], 0.75 * top + 0.25 * np.ones(4), rtol=1e-6)
    np.testing.assert_array_equal(grown[3], 1)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_values_keep_their_range(order: int) -> None:
    image = np.random.default_rng(order).uniform(-300, 500, (13, 17, 3)).astype(np.float32)
    out = resize_image(image, (29, 11), order)
    assert (out.shape, out.dtype) == ((29, 11, 3), np.float32)
    assert image.min() <= out.min()
    assert out.max() <= image.max()
    assert out.std() > 50


def test_order_0_repeats_pixels() -> None:
    image = np.random.default_rng(0).random((3, 4, 3), np.float32)
    np.testing.assert_array_equal(resize_image(image, (6, 8), 0), image.repeat(2, 0).repeat(2, 1))


def test_a_constant_image_stays_constant() -> None:
    out = resize_image(np.full((5, 5, 3), 7, np.uint8), (9, 3))
    np.testing.assert_array_equal(out, np.full((9, 3, 3), 7, np.float32))


def test_other_numbers_of_channels_keep_their_corners() -> None:
    """4 channels take SciPy's zoom: corner on corner, so the middle one of three lies between two."""
    image = np.stack([np.array([[0.0, 2.0], [4.0, 6.0]])] * 4, axis=-1).astype(np.float32)
    expected = [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    for channel in range(4):
        np.testing.assert_allclose(resize_image(image, (3, 3))[..., channel], expected)


def test_zoomed_images_have_no_zeros_at_their_end() -> None:
    """8 to 26 is one of the sizes where SciPy's zoom rounds beyond the last pixel and finds nothing there."""
    assert resize_image(np.ones((8, 8, 2), np.float32), (26, 26)).min() == 1


def test_resize_refuses_what_is_no_image() -> None:
    for shape in [(4, 4), (0, 4, 3), (1, 4, 4, 3)]:
        with pytest.raises(DataError, match="takes an image"):
            resize_image(np.zeros(shape), (2, 2))


def test_the_resize_that_scripts_took_from_io() -> None:
    pixels = np.array([[0, 255]], np.uint8).reshape(1, 2, 1)
    out = resize(pixels, (1, 4))
    assert (out.shape, out.dtype) == ((1, 4, 1), np.float64)
    np.testing.assert_allclose(out[0, :, 0], [0, 0.25, 0.75, 0.75])
    np.testing.assert_allclose(resize(pixels, (1, 4), mode="edge")[0, :, 0], [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(resize(pixels, (1, 4), preserve_range=True, cval=255)[0, 0], 63.75)
    assert resize(np.zeros((6, 4, 3)), (3, 2, 3)).shape == (3, 2, 3)
    assert resize(np.zeros((6, 4)), (3, 2, 1)).shape == (3, 2, 1)
    np.testing.assert_allclose(resize(np.full((2, 2), 5.0), (4, 4), cval=9.0).max(), 5.0)
    with pytest.raises(DataError, match="mode must be one of"):
        resize(pixels, (1, 4), mode="mirrored")
    with pytest.raises(DataError, match="int64 have no known range"):
        resize(np.zeros((2, 2), np.int64), (4, 4))


def test_scikit_image_is_told_of_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.io", None)
    with pytest.raises(AttributeError, match="pip install scikit-image"):
        caffe.io.skimage
    with pytest.raises(AttributeError, match="no attribute 'imread'"):
        caffe.io.imread


# -- ten crops
def test_ten_crops_of_a_known_array() -> None:
    image = np.arange(5 * 6, dtype=np.float32).reshape(5, 6, 1)
    crops = oversample([image, image + 100], (2, 3))
    assert (crops.shape, crops.dtype) == ((20, 2, 3, 1), np.float32)
    # Corners by rows; the centre lies at row (5 - 2) / 2 and column (6 - 3) / 2, both cut to 1.
    first = [crop[0, 0, 0] for crop in crops[:5]]
    assert first == [0, 3, 18, 21, 7]
    np.testing.assert_array_equal(crops[4, :, :, 0], [[7, 8, 9], [13, 14, 15]])
    np.testing.assert_array_equal(crops[5:10], crops[:5, :, ::-1])
    np.testing.assert_array_equal(crops[10:], crops[:10] + 100)


def test_crops_are_refused_where_they_cannot_be_cut() -> None:
    with pytest.raises(DataError, match="larger than images of 4x4"):
        oversample([np.zeros((4, 4, 3))], (5, 4))
    with pytest.raises(DataError, match="one shape"):
        oversample([np.zeros((4, 4, 3)), np.zeros((5, 5, 3))], (2, 2))
    with pytest.raises(DataError, match="none"):
        oversample([], (2, 2))


# -- Transformer
def _imagenet(size: int = 4) -> Transformer:
    transformer = Transformer({"data": (10, 3, size, size)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", np.array([104.0, 117.0, 123.0]))
    transformer.set_input_scale("data", 0.5)
    return transformer


def test_every_step_in_its_order() -> None:
    image = np.zeros((4, 4, 3), np.float32)
    image[1, 2] = [0.2, 0.4, 0.6]
    out = _imagenet().preprocess("data", image)
    assert (out.shape, out.dtype) == ((3, 4, 4), np.float32)
    # red 51, green 102, blue 153; blue first
    np.testing.assert_allclose(out[:, 1, 2], [(153 - 104) / 2, (102 - 117) / 2, (51 - 123) / 2], rtol=1e-5)
    np.testing.assert_allclose(out[:, 0, 0], [-52, -58.5, -61.5])


def test_the_way_back() -> None:
    transformer = _imagenet()
    image = np.random.default_rng(0).random((4, 4, 3), np.float32)
    ready = transformer.preprocess("data", image)
    kept = ready.copy()
    np.testing.assert_allclose(transformer.deprocess("data", ready), image, atol=1e-6)
    np.testing.assert_allclose(transformer.deprocess("data", ready[None]), image, atol=1e-6)
    np.testing.assert_array_equal(ready, kept)
    assert transformer.deprocess("data", np.zeros((3, 4, 4), np.int64)).dtype.kind == "f"


def test_a_swap_that_is_not_its_own_inverse_is_undone() -> None:
    transformer = Transformer({"data": (1, 3, 2, 2)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (1, 2, 0))
    image = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    ready = transformer.preprocess("data", image)
    assert [ready[k, 0, 0] for k in range(3)] == [1, 2, 0]
    np.testing.assert_array_equal(transformer.deprocess("data", ready), image)


def test_gray_inputs_go_both_ways() -> None:
    """pycaffe's deprocess fails here: it drops the channel axis, then transposes three."""
    transformer = Transformer({"data": (64, 1, 3, 2)})
    image = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    transformer.set_raw_scale("data", 2)
    assert transformer.deprocess("data", np.zeros((1, 3, 2))).shape == (3, 2)
    transformer.set_transpose("data", (2, 0, 1))
    ready = transformer.preprocess("data", image)
    assert ready.shape == (1, 3, 2)
    np.testing.assert_array_equal(transformer.deprocess("data", ready[None]), image)


def test_the_users_image_is_not_written_to() -> None:
    """pycaffe scales a float32 image of the right size in place."""
    image = np.ones((4, 4, 3), np.float32)
    _imagenet().preprocess("data", image)
    transformer = Transformer({"data": [1, 4, 4, 3]})
    transformer.set_raw_scale("data", 3)
    assert transformer.preprocess("data", image[..., :3]).shape == (4, 3, 3)
    assert (image == 1).all()


def test_images_are_resized_to_the_input() -> None:
    transformer = Transformer({"data": (1, 3, 2, 2)})
    image = np.random.default_rng(1).random((6, 5, 3), np.float32)
    np.testing.assert_array_equal(transformer.preprocess("data", image), resize_image(image, (2, 2)))
    assert transformer.preprocess("data", (image * 255).astype(np.uint8)).max() > 1


def test_means_of_every_shape() -> None:
    transformer = Transformer({"data": (1, 3, 4, 4)})
    transformer.set_transpose("data", (2, 0, 1))
    rng = np.random.default_rng(2)
    for mean in [rng.random(3), rng.random((3, 4, 4)), rng.random((1, 4, 4)), rng.random((4, 4))]:
        transformer.set_mean("data", mean)
        full = (mean[:, None, None] if mean.ndim == 1 else mean) * np.ones((3, 4, 4))
        out = transformer.preprocess("data", np.zeros((4, 4, 3)))
        np.testing.assert_allclose(out, -full, rtol=1e-6)
    transformer.set_mean("data", np.full((3, 8, 8), 5.0))
    np.testing.assert_array_equal(transformer.mean["data"], np.full((3, 4, 4), 5, np.float32))
    for wrong in [np.zeros(2), np.zeros((2, 4, 4)), np.zeros(())]:
        with pytest.raises(ValueError, match="mean of"):
            transformer.set_mean("data", wrong)
    with pytest.raises(ValueError, match=r"mean\[0\]"):
        transformer.set_mean("data", np.zeros((1, 3, 4, 4)))


def test_orders_must_name_all_axes_and_channels() -> None:
    transformer = Transformer({"data": (1, 3, 4, 4)})
    with pytest.raises(Exception, match="must name the 3 axes"):
        transformer.set_transpose("data", (1, 0))
    with pytest.raises(Exception, match="must name the 3 channels"):
        transformer.set_channel_swap("data", (1, 0))


def test_an_image_without_channels_is_told_of() -> None:
    for size in (4, 9):
        with pytest.raises(DataError, match=r"height, width, channels"):
            _imagenet().preprocess("data", np.zeros((size, size)))


def test_an_image_of_other_channels_is_told_of() -> None:
    """Such as of load_image(color=False), for a net of three; NumPy's words named neither image nor input."""
    gray = np.zeros((4, 4, 1))
    with pytest.raises(DataError, match=r"images for 'data' have 3 channels, found 1 .*color=False"):
        _imagenet().preprocess("data", gray)
    transformer = Transformer({"data": (1, 3, 4, 4)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", np.ones(3))
    with pytest.raises(DataError, match="have 3 channels, found 1"):
        transformer.preprocess("data", gray)
    transformer.set_mean("data", np.ones((4, 4)))
    assert transformer.preprocess("data", gray).shape == (1, 4, 4)  # one mean goes for any number
    transformer = Transformer({"data": (1, 3, 4, 4)})
    transformer.set_mean("data", np.ones(3))
    with pytest.raises(DataError, match=r"3 channels, found 4 .*; set_transpose\('data', \(2, 0, 1\)\)"):
        transformer.preprocess("data", np.zeros((4, 4, 3)))


def test_a_channel_swap_takes_of_four_channels_those_that_it_names() -> None:
    """Caffe's does: an image that has its opacity lost it there."""
    image = np.random.default_rng(0).random((4, 4, 4), np.float32)
    alone = _imagenet().preprocess("data", image[..., :3])
    np.testing.assert_array_equal(_imagenet().preprocess("data", image), alone)


def test_an_input_that_is_not_there_is_refused_everywhere() -> None:
    transformer = Transformer({"data": (1, 3, 4, 4)})
    calls = [
        ("set_transpose", (2, 0, 1)),
        ("set_channel_swap", (2, 1, 0)),
        ("set_raw_scale", 1),
        ("set_mean", np.zeros(3)),
        ("set_input_scale", 1),
        ("preprocess", np.zeros((4, 4, 3))),
        ("deprocess", np.zeros((3, 4, 4))),
    ]
    for method, argument in calls:
        with pytest.raises(Exception, match=r"'date' is no input .*did you mean 'data'"):
            getattr(transformer, method)("date", argument)


# -- files of ImageNet
def test_the_published_means() -> None:
    """Both files hold the mean of ILSVRC 2012; subtracting one with the Transformer leaves what it should."""
    blob = caffe_pb2.BlobProto()
    blob.ParseFromString(shared("data/imagenet-sample/imagenet_mean.binaryproto").read_bytes())
    mean = caffe.io.blobproto_to_array(blob)
    assert (mean.shape, mean.dtype) == ((1, 3, 256, 256), np.float64)
    array = np.load(shared("data/imagenet-sample/ilsvrc_2012_mean.npy"))
    np.testing.assert_allclose(array, mean[0], rtol=1e-4)
    channels = array.mean(1).mean(1)
    np.testing.assert_allclose(channels, [104.0069, 116.6687, 122.6789], atol=1e-3)

    transformer = Transformer({"data": (10, 3, 227, 227)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", array)
    assert transformer.mean["data"].shape == (3, 227, 227)
    np.testing.assert_allclose(transformer.mean["data"].mean((1, 2)), channels, atol=0.1)
    image = np.broadcast_to(channels, (227, 227, 3))
    assert abs(transformer.preprocess("data", image).mean()) < 0.1
    assert transformer.preprocess("data", image).std() > 1


# -- messages
def test_blobs_go_both_ways_as_float32() -> None:
    array = np.random.default_rng(3).standard_normal((2, 3, 4))
    blob = caffe.io.array_to_blobproto(array, diff=2 * array)
    assert len(blob.data) == 24
    assert not blob.double_data
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), array.astype(np.float32))
    np.testing.assert_array_equal(
        caffe.io.blobproto_to_array(blob, return_diff=True), (2 * array).astype(np.float32)
    )
    assert not caffe.io.array_to_blobproto(array).diff


def test_old_shapes_scalars_and_shapes_that_are_missing() -> None:
    old = caffe_pb2.BlobProto(num=1, channels=1, height=2, width=3, data=range(6))
    assert caffe.io.blobproto_to_array(old).shape == (1, 1, 2, 3)
    assert caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=[123])) == 123
    with pytest.raises(ValueError, match="found 6"):
        caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=range(6)))
    with pytest.raises(FileFormatError, match="needs 4"):
        caffe.io.blobproto_to_array(caffe_pb2.BlobProto(shape=dict(dim=[2, 2]), data=range(6)))


def test_vectors_of_blobs_go_both_ways() -> None:
    arrays = [np.arange(6.0).reshape(2, 3), np.array([1.5]), np.zeros((1, 2, 3, 4))]
    content = caffe.io.arraylist_to_blobprotovector_str(arrays)
    assert isinstance(content, bytes)
    back = caffe.io.blobprotovector_str_to_arraylist(content)
    for array, found in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(found, array)


def test_datums_go_both_ways() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    datum = caffe.io.array_to_datum(pixels, 7)
    assert (datum.label, datum.channels, datum.height, datum.width) == (7, 2, 3, 4)
    assert datum.data == pixels.tobytes()
    back = caffe.io.datum_to_array(datum)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, pixels)
    back[0, 0, 0] = 1  # a copy of its own
    floats = caffe.io.array_to_datum(pixels / 8)
    assert not floats.data
    assert caffe.io.datum_to_array(floats).dtype == np.float64
    np.testing.assert_array_equal(caffe.io.datum_to_array(floats), pixels / 8)
    with pytest.raises(ValueError, match="axes"):
        caffe.io.array_to_datum(np.zeros((2, 2)))


def test_a_datum_without_label_has_none() -> None:
    image = np.ones((3, 2, 2))
    assert not caffe.io.array_to_datum(image).HasField("label")
    without, labelled = (caffe.io.array_to_datum(image, label).SerializeToString() for label in (None, 0))
    assert len(without) < len(labelled)


def test_an_encoded_datum_is_decoded_to_bgr() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[[10, 20, 30]]], np.uint8)).save(stream, "PNG")
    datum = caffe_pb2.Datum(data=stream.getvalue(), encoded=True)
    np.testing.assert_array_equal(caffe.io.datum_to_array(datum).ravel(), [30, 20, 10])
