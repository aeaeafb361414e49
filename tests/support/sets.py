"""Small LMDB sets for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter


def write_set(path: Path, images: Sequence[np.ndarray], labels: Sequence[int]) -> Path:
    """An LMDB set with keys 00000000, 00000001, ... ; images (C, H, W)."""
    with RecordWriter(path) as writer:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            writer.put(f"{i:08d}", array_to_datum(image, label).SerializeToString())
    return path


def random_images(count: int, shape: tuple[int, ...] = (3, 8, 9), seed: int = 0) -> list[np.ndarray]:
    """uint8 images (C, H, W)."""
    return list(np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8))
