"""owl.features: a blob of every image, as one array."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import owlkit as owl
from owlkit import ImageInput, L, Net, NetSpec
from owlkit.core.errors import DataError, NetError
from owlkit.inspection import twin

SIDE = 8
SCALE, MEAN = 0.5, 20.0


def net(batch: int = 3, phase: str = "test") -> Net:
    """With a data layer of its own, so that images are prepared as it prepares them."""
    n = NetSpec("small")
    n.data, n.label = L.MemoryData(
        ntop=2,
        memory_data_param=dict(batch_size=batch, channels=3, height=SIDE, width=SIDE),
        transform_param=dict(scale=SCALE, mean_value=MEAN),
    )
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=dict(type="gaussian", std=0.1))
    n.relu = L.ReLU(n.conv, in_place=True)
    n.drop = L.Dropout(n.relu, in_place=True)
    n.ip = L.InnerProduct(n.drop, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    n.silence = L.Silence(n.ip, ntop=0)
    return Net(n, phase=phase, seed=1)


def pixels(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8) for _ in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k, image in enumerate(pixels(20)):
        Image.fromarray(image).save(tmp_path / f"{k:02}.png")
    return tmp_path


def expected(made: Net, images: list[np.ndarray]) -> dict[str, np.ndarray]:
    """By a deploy net with a batch of exactly so many."""
    n = NetSpec("deploy")
    n.data = L.Input(shape=dict(dim=[len(images), 3, SIDE, SIDE]))
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.ip = L.InnerProduct(n.relu, num_output=5)
    deploy = Net(n, phase="test")
    for name in ("conv", "ip"):
        for ours, theirs in zip(deploy.params[name], made.params[name], strict=True):
            ours.data[...] = theirs.data
    bgr = np.stack([image[..., ::-1].transpose(2, 0, 1) for image in images]).astype(np.float32)
    deploy.blobs["data"].data[...] = (bgr - MEAN) * SCALE
    deploy.forward()
    return {name: np.array(blob.data) for name, blob in deploy.blobs.items()}


@pytest.mark.parametrize("batch", [1, 3, 16, 64])
@pytest.mark.parametrize("phase", ["train", "test"])
def test_values_are_those_of_one_large_batch_whatever_the_nets_own(
    batch: int, phase: str, folder: Path
) -> None:
    made = net(batch, phase)
    right = expected(made, pixels(20))
    for blob in ("conv", "ip", "data"):
        values, names = owl.features(made, folder, blob)
        np.testing.assert_allclose(values, right[blob], 1e-4, 1e-4, err_msg=blob)
        assert values.dtype == np.float32
        assert names == [f"{k:02}.png" for k in range(20)]
    np.testing.assert_allclose(owl.features(made, folder, "relu").values, right["conv"], 1e-4, 1e-4)
    assert (right["conv"] == 0).any(), "so this is after the ReLU in place"


def test_files_go_by_the_names_they_were_given_under(folder: Path) -> None:
    files = [folder / "03.png", str(folder / "01.png")]
    values, names = owl.features(net(), files, "ip")
    assert names == [str(file) for file in files]
    whole = owl.features(net(), folder, "ip").values
    np.testing.assert_allclose(values, whole[[3, 1]], 1e-4, 1e-5)
    assert owl.features(net(), pixels(2), "ip").names == ["0", "1"]
    assert owl.features(net(), folder, "ip", limit=5).values.shape == (5, 5)


def test_how_they_are_prepared_can_be_said(folder: Path) -> None:
    made = net()
    plain = owl.features(made, folder, "data", prepare=ImageInput(), limit=1).values
    np.testing.assert_array_equal(plain[0], pixels(1)[0][..., ::-1].transpose(2, 0, 1))


def test_images_that_cannot_be_read_are_left_out_with_a_warning(folder: Path) -> None:
    whole = owl.features(net(), folder, "ip").values
    (folder / "00.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"1 of 20 images could not be read: 00\.png"):
        values, names = owl.features(net(), folder, "ip")
    assert (len(values), names[0]) == (19, "01.png")
    np.testing.assert_allclose(values, whole[1:], 1e-4, 1e-5)


def test_errors_say_what_is_missing(folder: Path) -> None:
    with pytest.raises(NetError, match=r"'ipp'.*did you mean 'ip'"):
        owl.features(net(), folder, "ipp")
    with pytest.raises(NetError, match=r"loss: its shape is \(\), expected \(16, \.\.\.\)"):
        owl.features(net(), folder, "loss")
    with pytest.raises(NetError, match="silence: this layer has no top"):
        owl.features(net(), folder, "silence")
    with pytest.raises(DataError, match="no images to run"):
        owl.features(net(), [], "ip")


def test_ctrl_c_ends_it_and_leaves_the_net_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = net()
    before = {name: np.array(blob.data) for name, blob in made.blobs.items()}
    run, runs = twin.Twin.run, []

    def stopped(self: twin.Twin, *args: object) -> np.ndarray:
        runs.append(args)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return run(self, *args)

    monkeypatch.setattr("owlkit.core.progress.QUIET_SECONDS", -1.0)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(twin.Twin, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        owl.features(made, folder, "ip")
    written = capsys.readouterr().out
    assert "running 20 images, 16 done" in written
    assert written.endswith("\r"), "the line is taken away"
    for name, values in before.items():
        np.testing.assert_array_equal(made.blobs[name].data, values)
