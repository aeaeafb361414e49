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
from owlkit.io.images import read_image_list


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


@pytest.mark.parametrize("label", ["--1", "²", "1e3", "9" * 30, "1_0", "٣"])
def test_labels_that_are_no_numbers(tmp_path: Path, label: str) -> None:
    (tmp_path / "list.txt").write_text(f"a.png 1\nb.png {label}\n")
    with pytest.raises(DataError, match="line 2: expected `name label`"):
        read_image_list(tmp_path / "list.txt")
