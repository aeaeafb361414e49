"""ImageData: lists, sizes, colours, order, and exact resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit.core.errors import DataError, NetError
from owlkit.io.images import resize
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.support.sets import random_images

COUNT = 7
IMAGES = random_images(COUNT, (3, 6, 8))  # blue, green, red


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path, IMAGES)


def write(folder: Path, images: list[np.ndarray]) -> Path:
    for number, image in enumerate(images):
        Image.fromarray(image[::-1].transpose(1, 2, 0)).save(folder / f"image {number}.png")
    (folder / "list.txt").write_text("".join(f"image {n}.png {n}\n" for n in range(len(images))) + "\n")
    return folder / "list.txt"


def image_net(
    source: Path, fields: str = "batch_size: 3", more: str = "", after: str = "", **options: Any
) -> Net:
    param = f'image_data_param {{ source: "{source}" root_folder: "{source.parent}/" {fields} }}'
    definition = f'layer {{ name: "d" type: "ImageData" top: "data" top: "label" {param} {more} }} {after}'
    return Net(text.parse(definition, caffe_pb2.NetParameter), **{"phase": "train", "seed": 1} | options)


def labels(net: Net, batches: int) -> list[int]:
    return [int(label) for _ in range(batches) for label in net.forward()["label"]]


def test_batches_wrap_round_the_list(source: Path) -> None:
    net = image_net(source, more="transform_param { scale: 0.5 }")
    assert net.blobs["data"].shape == (3, 3, 6, 8)
    for batch in range(5):
        found = net.forward()
        indices = [(3 * batch + i) % COUNT for i in range(3)]
        assert found["label"].tolist() == indices
        assert np.array_equal(found["data"], np.stack([IMAGES[i] for i in indices]) * np.float32(0.5))
        assert net.layer_dict["d"].keys == [f"{source.parent}/image {i}.png".encode() for i in indices]  # type: ignore[attr-defined]


def test_gray_and_without_labels(source: Path) -> None:
    param = f'source: "{source}" root_folder: "{source.parent}/" is_color: false'
    definition = f'layer {{ name: "d" type: "ImageData" top: "data" image_data_param {{ {param} }} }}'
    found = Net(text.parse(definition, caffe_pb2.NetParameter)).forward()
    expected = np.asarray(Image.open(source.parent / "image 0.png").convert("L"))
    assert np.array_equal(found["data"], expected[None, None])


def test_resized_as_opencv_does(source: Path) -> None:
    net = image_net(source, "batch_size: 2 new_height: 3 new_width: 4")
    expected = np.stack(IMAGES[:2]).reshape(2, 3, 3, 2, 4, 2).astype(float).mean((3, 5))
    assert np.abs(net.forward()["data"] - expected).max() <= 0.5  # halved: the mean of 2x2 pixels, rounded


def test_resizing_samples_at_pixel_centres_and_repeats_the_border() -> None:
    ramp = np.array([[[0, 100, 200]]], np.uint8)
    assert resize(ramp, 1, 6).tolist() == [[[0, 25, 75, 125, 175, 200]]]
    assert resize(ramp, 2, 3).tolist() == [[[0, 100, 200]] * 2]
    image = random_images(1, (3, 9, 7))[0]
    assert resize(image, 9, 7) is image
    assert np.array_equal(resize(image.transpose(0, 2, 1), 5, 8), resize(image, 8, 5).transpose(0, 2, 1))


def test_shuffled_passes_show_every_image_once(source: Path) -> None:
    net = image_net(source, "batch_size: 1 shuffle: true")
    passes = [labels(net, COUNT) for _ in range(5)]
    assert all(sorted(found) == list(range(COUNT)) for found in passes)
    assert len({tuple(found) for found in passes}) == 5
    wide = image_net(source, f"batch_size: {5 * COUNT} shuffle: true")
    assert labels(wide, 1) == [label for found in passes for label in found]


@pytest.mark.parametrize("size", [1, 3])
def test_resuming_is_bit_identical(source: Path, size: int) -> None:
    fields = f"batch_size: {size} shuffle: true rand_skip: 4"
    more = "transform_param { crop_size: 4 mirror: true } data_param { prefetch: 2 }"
    net = image_net(source, fields, more)
    for _ in range(3):
        net.forward()
    state = net.state()
    expected = [{name: array.copy() for name, array in net.forward().items()} for _ in range(6)]
    other = image_net(source, fields, more, seed=9)
    other.forward()
    other.restore_state(state)
    for batch in expected:
        found = other.forward()
        assert all(np.array_equal(found[name], array) for name, array in batch.items())


def test_rand_skip_is_below_its_bound(source: Path) -> None:
    skips = {labels(image_net(source, "rand_skip: 3", seed=s), 1)[0] for s in range(20)}
    assert skips == {0, 1, 2}
    with pytest.raises(NetError, match=r"rand_skip left out \d+ images, but there are 7"):
        image_net(source, "rand_skip: 1000000")


def test_single_images_may_differ_in_size_and_the_net_follows(tmp_path: Path) -> None:
    sizes = [(6, 8), (5, 9), (5, 9), (10, 6)]
    images = [random_images(1, (3, *size), seed=i)[0] for i, size in enumerate(sizes)]
    source = write(tmp_path, images)
    pool = 'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 2 } }'
    net = image_net(source, "batch_size: 1", after=pool)
    for number in range(9):
        found = net.forward()["p"]
        image = images[number % 4].astype(np.float32)
        height, width = image.shape[1:]
        corners = [image[:, y : height - 1 + y, x : width - 1 + x] for y in (0, 1) for x in (0, 1)]
        assert np.array_equal(found[0], np.max(corners, 0))
    with pytest.raises(DataError, match=r"d \(ImageData\): record .*image 1.png.* has shape \(3, 5, 9\)"):
        image_net(source, "batch_size: 2").forward()


def test_a_folder_without_its_slash_is_told(source: Path, tmp_path: Path) -> None:
    """Caffe puts root_folder before a name as it is."""
    list_ = f'image_data_param {{ source: "{source}" root_folder: "{tmp_path}%s" batch_size: 3 }}'
    net = f'layer {{ name: "d" type: "ImageData" top: "data" top: "label" {list_} }}'
    with pytest.raises(DataError, match=rf"before names as it is: write {tmp_path}/$"):
        Net(text.parse(net % "", caffe_pb2.NetParameter))
    with pytest.raises(DataError, match="no image file") as caught:
        Net(text.parse(net % "/elsewhere", caffe_pb2.NetParameter))
    assert "as it is" not in str(caught.value)


def test_images_of_several_sizes_are_told_what_makes_them_equal(tmp_path: Path) -> None:
    source = write(tmp_path, [*random_images(1, (3, 6, 8)), *random_images(1, (3, 5, 8))])
    with pytest.raises(DataError, match=r"expected \(3, 6, 8\).* by new_height and new_width of ImageData"):
        image_net(source, "batch_size: 2").forward()


def test_bad_lists_and_images_are_named(source: Path) -> None:
    (source.parent / "no.png").write_bytes(b"no image")
    for content, message in (
        ("a.png 1\nb.png\n", r"list.txt, line 2: expected `name label`, found 'b.png'"),
        ("a.png x\n", r"line 1: expected `name label`, found 'a.png x'"),
        ("\n", "lists no images"),
        ("nowhere.png 0\n", "there is no image file .*nowhere.png"),
        ("no.png 0\n", "no.png.* cannot be decoded"),
    ):
        source.write_text(content)
        with pytest.raises(DataError, match=rf"d \(ImageData\): .*{message}"):
            image_net(source)
    source.write_text("image 0.png 0\nno.png 1")
    net = image_net(source, "batch_size: 2")
    with pytest.raises(DataError, match=r"no.png.* cannot be decoded"):
        net.forward()


@pytest.mark.parametrize(
    ("fields", "more", "message"),
    [
        ("batch_size: 0", "", "batch_size is 0"),
        ("new_height: 3", "", "new_height is 3 and new_width is 0; give both"),
        ("", "transform_param { force_gray: true }", "contradicts image_data_param.is_color"),
        ("", "data_param { prefetch: 0 }", "prefetch is 0"),
        ("", "transform_param { crop_size: 9 }", "image .*image 0.png: crop_size 9 exceeds the size 6x8"),
    ],
)
def test_wrong_parameters(source: Path, fields: str, more: str, message: str) -> None:
    with pytest.raises((NetError, DataError), match=rf"d \(ImageData\): .*{message}"):
        image_net(source, fields, more)


def test_no_source() -> None:
    definition = text.parse('layer { name: "d" type: "ImageData" top: "x" }', caffe_pb2.NetParameter)
    with pytest.raises(NetError, match="no source"):
        Net(definition)


def test_a_wrong_label_names_its_image(source: Path) -> None:
    after = """
        layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
                inner_product_param { num_output: 2 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }"""
    with pytest.raises(DataError, match=r"it is record '.*image 2.png' of .*list.txt \(layer 'd'"):
        image_net(source, after=after).forward()
