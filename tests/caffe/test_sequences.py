"""Random uses of a net, against one that runs layer by layer on arrays as they lie in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import owlkit
import owlkit.caffe as caffe
from tests.caffe.nets import DEPLOY, TRAINABLE, write

# BatchNorm and Scale in place, and a sum, whose gradient passes unchanged.
RESIDUAL = (
    TRAINABLE.replace(
        'layer { name: "relu"',
        """layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu\"""",
    )
    .replace(
        'layer { name: "ip"',
        """layer { name: "res" type: "Convolution" bottom: "pool" top: "res"
  convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "add" type: "Eltwise" bottom: "pool" bottom: "res" top: "add" }
layer { name: "relu2" type: "ReLU" bottom: "add" top: "add" }
layer { name: "ip\"""",
    )
    .replace('bottom: "pool" top: "ip"', 'bottom: "add" top: "ip"')
)
NETS = {
    "train": (TRAINABLE, caffe.TRAIN),
    "residual-train": (RESIDUAL, caffe.TRAIN),
    "residual-test": (RESIDUAL, caffe.TEST),
    "deploy": (DEPLOY, caffe.TEST),
    "deploy-backward": ("force_backward: true\n" + DEPLOY, caffe.TEST),
}


class Pair:
    """A net of the drop-in and the one it is compared with, in the same state."""

    def __init__(self, model: str, phase: int, rng: np.random.Generator) -> None:
        self.rng, self.held = rng, {}  # type: ignore[var-annotated]
        self.net = caffe.Net(model, phase)
        self.plain = owlkit.Net(model, phase="train" if phase == caffe.TRAIN else "test", seed=1)
        self.plain.plan_as(stepping=True)
        self.plain.plan  # its sources show their first values
        for name, blobs in self.net.params.items():
            for mine, theirs in zip(blobs, self.plain.params[name], strict=True):
                theirs.data[...] = mine.data
        for name, blob in self.net.blobs.items():
            self.plain.blobs[name].data[...] = blob.data
        self.names = list(self.net._layer_names)
        self.whole = (self.names[1], self.names[-1])  # from behind the data
        self.backward_is_defined = False

    def some_range(self) -> tuple[str, str]:
        if self.rng.random() < 0.4:
            return self.whole
        first, last = np.sort(self.rng.integers(1, len(self.names), 2))
        return self.names[first], self.names[last]

    def write(self) -> None:
        name = str(self.rng.choice([name for name in self.net.blobs if name not in ("label", "loss")]))
        role = str(self.rng.choice(["data", "diff"]))
        array = getattr(self.net.blobs[name], role)
        values = self.rng.normal(size=array.shape).astype(np.float32)
        array.reshape(-1)[...] = values.ravel()
        getattr(self.plain.blobs[name], role)[...] = values
        if self.rng.random() < 0.8:
            self.held[name, role] = array

    def forward(self) -> None:
        start, end = self.some_range()
        self.backward_is_defined |= (start, end) == self.whole
        self.net.forward(start=start, end=end)
        self.plain.forward(start=start, end=end)

    def backward(self) -> None:
        if self.backward_is_defined:
            end, start = self.some_range()
            self.net.backward(start=start, end=end)
            self.plain.backward(start=start, end=end)

    def clear(self) -> None:
        self.net.clear_param_diffs()
        self.plain.clear_param_diffs()

    def compare(self) -> None:
        pairs = [(blob, self.plain.blobs[name]) for name, blob in self.net.blobs.items()]
        for name, blobs in self.net.params.items():
            pairs += zip(blobs, self.plain.params[name], strict=True)
        for mine, theirs in pairs:
            np.testing.assert_allclose(mine.data, theirs.data, rtol=1e-3, atol=1e-4, err_msg=repr(mine))
            np.testing.assert_allclose(mine.diff, theirs.diff, rtol=1e-3, atol=1e-4, err_msg=repr(mine))
        for (name, role), array in self.held.items():
            np.testing.assert_array_equal(array, getattr(self.net.blobs[name], role))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", NETS)
def test_any_sequence_of_uses(tmp_path: Path, name: str, seed: int) -> None:
    text, phase = NETS[name]
    pair = Pair(write(tmp_path, text), phase, np.random.default_rng(seed))
    steps = [pair.write, pair.forward, pair.backward] * 2 + [pair.clear]
    for _ in range(40):
        pair.rng.choice(steps)()
        pair.compare()
    assert pair.held
    assert pair.backward_is_defined
