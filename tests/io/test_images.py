"""Image files that claim more than they hold, and lists with labels that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from owlkit.core.errors import DataError
from owlkit.io.datum import decode
from owlkit.io.images import read_image, read_image_list


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG of this size, and no pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return (
        b"\x89PNG\r\n\x1a\n"
        + packed
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


@pytest.mark.parametrize("size", [(9000, 9000), (2**31 - 1, 2**31 - 1), (2**20, 40)])
def test_an_image_that_claims_more_than_its_file_can_hold(size: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=r"record 'a': the encoded image cannot be decoded"):
        decode(png_of(*size), b"a")


def test_formats_that_run_programs_are_not_opened() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "EPS")
    with pytest.raises(DataError, match="cannot be decoded"):
        decode(stream.getvalue(), b"a")


def _photograph(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"hello", "it begins with b'hello', as none of BMP, GIF, JPEG, "),
        (b"\x00\xff" * 90, r"it begins with b'\\x00\\xff\\x00"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "it is a web page, so a download went wrong"),
        (_photograph("JPEG")[:12], "Truncated"),
        (_photograph("PNG")[:30], "it begins as a PNG image, but is cut short or damaged"),
        (_photograph("JPEG")[:900], "truncated"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^the image file {path} cannot be decoded: .*{reason}") as caught:
        read_image(str(path), color=True)
    assert "BytesIO" not in str(caught.value)
    with pytest.raises(DataError, match=f"^record 'k': the encoded image cannot be decoded: .*{reason}"):
        decode(content, b"k")


def test_an_image_of_16_bits_is_named() -> None:
    stream = io.BytesIO()
    Image.new("I;16", (4, 4)).save(stream, "PNG")
    with pytest.raises(DataError, match=r"^record 'k': the encoded image is of mode I;16, not 8 bit"):
        decode(stream.getvalue(), b"k")


@pytest.mark.parametrize("label", ["--1", "²", "1e3", "1_0", "٣"])
def test_labels_that_are_no_numbers(tmp_path: Path, label: str) -> None:
    (tmp_path / "list.txt").write_text(f"a.png 1\nb.png {label}\n")
    with pytest.raises(DataError, match="line 2: expected `name label`"):
        read_image_list(tmp_path / "list.txt")


@pytest.mark.parametrize("label", ["2147483648", "-2147483649", "99999999999", "9" * 30, "9" * 10_000])
def test_labels_beyond_what_a_record_holds(tmp_path: Path, label: str) -> None:
    (tmp_path / "list.txt").write_text(f"a.png 2147483647\nb.png -2147483648\nc.png {label}\n")
    with pytest.raises(DataError, match="line 3: expected a label within int32"):
        read_image_list(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("a.png +2147483647\nb.png -2147483648\n")
    assert read_image_list(tmp_path / "list.txt")[1].tolist() == [2**31 - 1, -(2**31)]


def test_any_white_space_parts_names_and_labels(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png\t1\r\nwith space.png \t 2\n  b.png   3  \n")
    names, labels = read_image_list(tmp_path / "list.txt")
    assert names == ["a.png", "with space.png", "b.png"]
    assert labels.tolist() == [1, 2, 3]


def test_all_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png 1\nb.png\n\nc.png one\nd.png 9999999999\n")
    with pytest.raises(DataError) as caught:
        read_image_list(tmp_path / "list.txt")
    assert str(caught.value).split("\n") == [
        f"{tmp_path / 'list.txt'} has 3 wrong lines; correct them:",
        "  line 2: expected `name label`, found 'b.png'",
        "  line 4: expected `name label`, found 'c.png one'",
        "  line 5: expected a label within int32, which Caffe's records hold, found 'd.png 9999999999'",
    ]
    (tmp_path / "list.txt").write_text("x\n" * 1234)
    with pytest.raises(DataError) as caught:
        read_image_list(tmp_path / "list.txt")
    lines = str(caught.value).split("\n")
    assert len(lines) == 12
    assert lines[-2:] == ["  line 10: expected `name label`, found 'x'", "  and 1,224 more"]
