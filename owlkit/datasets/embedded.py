"""digits: 1,797 handwritten digits that come with scikit-learn, so nothing is downloaded.

UCI's "Optical Recognition of Handwritten Digits" test set: 8x8 images of values 0 to 16. They are enlarged to
28x28, MNIST's size, by bilinear interpolation and stretched to 0-255, all in integers, so that every machine
makes the same set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from owlkit.datasets.convert import write_images

RECIPE = {"version": 1, "seed": 1797, "test_count": 360}
_FROM, _TO, _LEVELS = 8, 28, 16


def make_digits(folder: Path) -> dict[str, Any]:
    """Write digits_train_lmdb (1,437 images) and digits_test_lmdb (360) into `folder`."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = enlarge(bunch.images.astype(np.int64))[:, None]
    labels = bunch.target.astype(np.int64)
    train, test = split(labels, RECIPE["test_count"], RECIPE["seed"])
    return {
        "train": write_images(folder / "digits_train_lmdb", images[train], labels[train]),
        "test": write_images(folder / "digits_test_lmdb", images[test], labels[test]),
    }


def enlarge(images: np.ndarray) -> np.ndarray:
    """(N, 8, 8) of 0 to 16 to (N, 28, 28) uint8 of 0 to 255, bilinear, exact.

    Pixel i of 28 lies at (i + 1/2) 8/28 - 1/2 = (4 i - 5) / 14 of 8, held within 0 and 7: its weights are
    multiples of 1/14, so the sums below are integers over 14 * 14.
    """
    position = np.clip(4 * np.arange(_TO) - 5, 0, 14 * (_FROM - 1))
    low, part = np.minimum(position // 14, _FROM - 2), position - 14 * np.minimum(position // 14, _FROM - 2)
    weights = np.zeros((_TO, _FROM), np.int64)
    weights[np.arange(_TO), low] = 14 - part
    weights[np.arange(_TO), low + 1] += part
    sums = np.einsum("ij,njk,lk->nil", weights, images, weights)
    scale = 14 * 14 * _LEVELS
    return ((sums * 255 + scale // 2) // scale).astype(np.uint8)


def split(labels: np.ndarray, test_count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled indices of a train and a test part with the classes in proportion (largest remainders)."""
    random = np.random.RandomState(seed)  # its stream never changes between versions of NumPy
    exact = np.bincount(labels) * test_count / len(labels)
    counts = exact.astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: test_count - counts.sum()]] += 1
    members = [random.permutation(np.flatnonzero(labels == label)) for label in range(len(counts))]
    test = np.concatenate([m[:n] for m, n in zip(members, counts, strict=True)])
    train = np.concatenate([m[n:] for m, n in zip(members, counts, strict=True)])
    return random.permutation(train), random.permutation(test)
