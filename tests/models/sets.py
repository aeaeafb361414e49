"""Records, labels and mean files of the right shape where published definitions expect them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.io.mean import write_mean
from owlkit.proto import caffe_pb2
from owlkit.proto.rules import filter_net
from tests.support.sets import random_images, write_set

# First word of a set's folder -> (C, H, W) of its records, as Caffe's examples make them.
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "ilsvrc12": (3, 256, 256)}
RECORDS = 4


def layer_types(definition: Any, phase: str) -> set[str]:
    return {layer.type for layer in filter_net(proto.net_param(definition), phase).layer}


def lay_out(definition: Any, folder: Path) -> None:
    """Write what the Data layers of a definition read, relative to `folder`; RECORDS images each."""
    for layer in proto.net_param(definition).layer:
        source = layer.data_param.source
        if layer.type != "Data" or layer.data_param.backend != caffe_pb2.DataParameter.LMDB:
            continue
        shape = SHAPES[Path(source).name.partition("_")[0]]
        if not (folder / source).exists():
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            write_set(folder / source, random_images(RECORDS, shape), list(range(RECORDS)))
        if layer.transform_param.mean_file:
            mean = folder / layer.transform_param.mean_file
            mean.parent.mkdir(parents=True, exist_ok=True)
            write_mean(mean, np.full(shape, 120, np.float32))
