"""A net whose filters are known: stripes of all directions, with dead, double and noisy ones put in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from owlkit import L, Net, NetSpec

COUNT, SIDE = 48, 11
DEAD, TWINS, NOISE = 13, (20, 33), 40
IMAGE_SIDE = 131


def stripes(rng: np.random.Generator, index: int) -> NDArray[np.float32]:
    """(3, SIDE, SIDE): a Gabor wave, grey in the first half, coloured in the second."""
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE // 2) / (SIDE / 2)
    angle, waves = index * np.pi * 5 / 24, 1.2 + 1.6 * ((index * 7) % 11) / 10
    along = x * np.cos(angle) + y * np.sin(angle)
    wave = np.exp(-(x**2 + y**2) / 0.45) * np.cos(np.pi * waves * along + index)
    colour = rng.normal(size=3) if index >= COUNT // 2 else np.ones(3) + rng.normal(0, 0.08, 3)
    scale = 0.12 * (0.5 + rng.random())
    return np.asarray(scale * colour[:, None, None] * wave + rng.normal(0, 0.003, (3, 1, 1)), np.float32)


def planted() -> Net:
    """conv1 (48 filters of 3x11x11, stride 2) with ReLU in place, conv2 (8 of 48x3x3)."""
    n = NetSpec("stripes")
    n.data = L.Input(shape=dict(dim=[1, 3, IMAGE_SIDE, IMAGE_SIDE]))
    n.conv1 = L.Convolution(n.data, num_output=COUNT, kernel_size=SIDE, stride=2)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.conv2 = L.Convolution(n.relu1, num_output=8, kernel_size=3, weight_filler=dict(type="xavier"))
    net, rng = Net(n, seed=1), np.random.default_rng(4)
    bank = np.stack([stripes(rng, i) for i in range(COUNT)])
    bank[DEAD] = rng.normal(0, 0.0008, bank[0].shape)
    bank[TWINS[1]] = 1.1 * bank[TWINS[0]]
    bank[NOISE] = rng.normal(0, 0.03, bank[0].shape)
    net.params["conv1"][0].data[...] = bank
    return net


def pictures(count: int = 12) -> list[NDArray[np.uint8]]:
    """Discs and bars of bright colours on a graded ground, (H, W, 3) uint8."""
    y, x = np.mgrid[:IMAGE_SIDE, :IMAGE_SIDE] / IMAGE_SIDE
    images = []
    for index in range(count):
        rng = np.random.default_rng(index)
        image = np.stack([0.35 + 0.4 * y, 0.45 + 0.3 * x, 0.6 - 0.3 * y], 2)
        for _ in range(5):
            (cx, cy, radius, angle), colour = rng.random(4), rng.random(3)
            distance = np.hypot(x - cx, y - cy)
            bars = np.cos(np.pi * 12 * ((x - cx) * np.cos(6 * angle) + (y - cy) * np.sin(6 * angle))) > 0
            image[(distance < 0.1 + 0.15 * radius) & (bars | (angle > 0.6))] = colour
        images.append((255 * np.clip(image, 0, 1)).astype(np.uint8))
    return images
