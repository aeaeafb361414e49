"""Two nets that most tests of the drop-in use."""

from __future__ import annotations

from pathlib import Path

import pytest

import owlkit.caffe as caffe
from tests.caffe.nets import DEPLOY, TRAINABLE, write


@pytest.fixture
def deploy(tmp_path: Path) -> caffe.Net:
    return caffe.Net(write(tmp_path, DEPLOY), caffe.TEST)


@pytest.fixture
def trainable(tmp_path: Path) -> caffe.Net:
    net = caffe.Net(write(tmp_path, TRAINABLE), caffe.TRAIN)
    net.blobs["label"].data[...] = [0, 1, 2, 0, 1]
    return net
