"""A net and a solver as far as the panels look at them: made-up weights that learn, freeze or run hot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

LENET = ("conv1", "conv2", "ip1", "ip2")
CAFFENET = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def resnet152() -> tuple[str, ...]:
    """Names of the 156 layers with weights of ResNet-152."""
    names = ["conv1"]
    for stage, blocks in ((2, 3), (3, 8), (4, 36), (5, 3)):
        for block in range(blocks):
            names += [f"res{stage}.{block}.proj"] if block == 0 else []
            names += [f"res{stage}.{block}.{k}" for k in (1, 2, 3)]
    return (*names, "fc")


def resnet50() -> tuple[str, ...]:
    """Names of the 54 layers with weights of ResNet-50 as it was published for Caffe."""
    names = ["conv1"]
    for stage, blocks in (("2", "abc"), ("3", "abcd"), ("4", "abcdef"), ("5", "abc")):
        for block in blocks:
            names += [f"res{stage}{block}_branch1"] if block == "a" else []
            names += [f"res{stage}{block}_branch2{k}" for k in "abc"]
    return (*names, "fc1000")


def squeezenet() -> tuple[str, ...]:
    """Names of the 26 layers with weights of SqueezeNet."""
    parts = ("squeeze1x1", "expand1x1", "expand3x3")
    return ("conv1", *(f"fire{k}/{part}" for k in range(2, 10) for part in parts), "conv10")


def googlenet() -> tuple[str, ...]:
    """Names of the 58 layers with weights of GoogLeNet without its auxiliary classifiers."""
    parts = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
    blocks = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    begin = ("conv1/7x7_s2", "conv2/3x3_reduce", "conv2/3x3")
    return (*begin, *(f"inception_{block}/{part}" for block in blocks for part in parts), "loss3/classifier")


def blob(values: np.ndarray) -> Any:
    made = SimpleNamespace(data=values, diff=np.zeros_like(values), shape=values.shape, count=values.size)
    made.peek = lambda role="data": getattr(made, role)
    return made


def gabors(count: int, inputs: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Stripes and blobs (count, inputs, size, size), as a first layer learns them."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    out = np.zeros((count, inputs, size, size), np.float32)
    for i in range(count):
        angle, frequency = i * 0.618 * np.pi, rng.uniform(0.08, 0.3)
        along = x * np.cos(angle) + y * np.sin(angle)
        window = np.exp(-(x**2 + y**2) / (0.32 * size**2))
        wave = np.cos(2 * np.pi * frequency * along + rng.uniform(0, 6)) * window
        colour = rng.normal(size=inputs) if inputs == 3 and i % 96 >= 48 else np.ones(inputs)
        out[i] = 0.3 * wave * colour[:, None, None] + 0.008 * rng.normal(size=(inputs, size, size))
    return out


class FakeSolver:
    """SGD on made-up weights. course : (layer number, iteration) -> log10 of update : weight.

    first : shape of the first layer's weights. nan_at : iteration from which the third layer is not finite.
    fixed : layers with lr_mult 0, which stay as they are.
    """

    def __init__(
        self,
        names: Sequence[str] = LENET,
        first: tuple[int, int, int, int] = (20, 1, 5, 5),
        course: Callable[[int, int], float] = lambda layer, iteration: -3.0,
        nan_at: int | None = None,
        fixed: Sequence[str] = (),
    ) -> None:
        self.iter = 0
        self.rng = np.random.default_rng(5)
        self.course, self.nan_at = course, nan_at
        self.goal = gabors(first[0], first[1], first[2], self.rng)
        self.noise = (0.1 * self.rng.normal(size=first)).astype(np.float32)
        parameters, layers = [], {}
        for number, name in enumerate(names):
            weights = self.noise.copy() if number == 0 else self._weights(number)
            rate = 0.0 if name in fixed else 1.0
            kind = "Convolution" if name.startswith(("conv", "res")) else "InnerProduct"
            layers[name] = SimpleNamespace(type=kind)
            for index, values in enumerate((weights, np.full(8, 0.1, np.float32))):
                parameters.append(SimpleNamespace(blob=blob(values), layer=name, index=index, lr_mult=rate))
        tops = {name: blob(np.zeros((4, 4, 6, 6), np.float32)) for name in names}
        self.net = SimpleNamespace(
            learnable=parameters, layer_dict=layers, params={}, blobs=tops, top_names={n: [n] for n in names}
        )
        history = [np.zeros_like(p.blob.data) for p in parameters]
        self.rule = SimpleNamespace(name="SGD", history=history, leaves_update=False, norms=self._norms)
        self.listeners: list[Callable[[Any], None]] = []

    def _norms(self, role: str) -> np.ndarray:
        blobs = [parameter.blob for parameter in self.net.learnable]
        arrays = self.rule.history if role == "history" else [getattr(blob, role) for blob in blobs]
        return np.array([np.linalg.norm(array) for array in arrays])

    def _weights(self, number: int) -> np.ndarray:
        scale = (5.4, 7.4, 7.0, 6.3, 14.0, 38.0, 29.0, 12.5)[number % 8]
        values = self.rng.normal(size=(8, 8)).astype(np.float32)
        return np.asarray(values * scale / np.linalg.norm(values), np.float32)

    def add_listener(
        self, listener: Callable[[Any], None], at_rest: Callable[[], bool] = lambda: True
    ) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def update(self, iteration: int) -> None:
        """Give weights and steps the sizes of an iteration."""
        learned = 1 - np.exp(-iteration / 700)
        self.net.learnable[0].blob.data[...] = self.noise + learned * (self.goal - self.noise)
        for i, (parameter, step) in enumerate(zip(self.net.learnable, self.rule.history, strict=True)):
            ratio = 10 ** (self.course(i // 2, iteration) + self.rng.normal(0, 0.08))
            step[...] = self.rng.normal(size=step.shape)
            step *= parameter.lr_mult * ratio * np.linalg.norm(parameter.blob.data) / np.linalg.norm(step)
        for number, top in enumerate(list(self.net.blobs.values())[:8]):
            spread = 0.5 + learned + 0.2 * number
            top.data[...] = np.maximum(self.rng.normal(0.3 * learned, spread, size=top.shape), 0)
            top.diff[...] = self.rng.normal(0, 1e-3 * (1.5 - learned), size=top.shape)
        if self.nan_at is not None and iteration >= self.nan_at:
            self.net.learnable[4].blob.data[...] = np.nan
