"""What the families share: where data come from, how a net ends, layers that are learned.

Every net has two forms. "deploy" starts with an Input layer and ends with `prob`. "train" has labels, a loss
and an accuracy; its data come from LMDBs, or, where no source is given, from an Input layer with the tops
data and label.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from owlkit.core.errors import NetError
from owlkit.spec import L, NetSpec, P, Top

Source = str | os.PathLike[str]

# Weights and biases: biases learn twice as fast and do not decay.
LEARNING = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)]
GAUSSIAN_001 = dict(type="gaussian", std=0.01)
XAVIER = dict(type="xavier")
# Mean of ImageNet in BGR, as the published nets round it.
IMAGENET_MEAN = (104, 117, 123)


@dataclass(frozen=True)
class Feed:
    """Where a net gets its data.

    form : "train" or "deploy"; None is "train" where a source is given.
    train_source, test_source : LMDBs. With both, the net has a data layer for each phase; with one, that one
        serves both phases; with none, an Input layer takes data and labels.
    batch_size, test_batch_size : images.
    """

    form: str | None = None
    train_source: Source | None = None
    test_source: Source | None = None
    batch_size: int = 64
    test_batch_size: int = 100

    @property
    def trains(self) -> bool:
        """Whether the net has labels and a loss."""
        if self.form not in (None, "train", "deploy"):
            raise NetError(f"form is 'train' or 'deploy', not {self.form!r}")
        sourced = self.train_source is not None or self.test_source is not None
        if self.form == "deploy" and sourced:
            raise NetError("a deploy net has no source of data; leave train_source and test_source out")
        return sourced if self.form is None else self.form == "train"


@dataclass(frozen=True)
class Preparation:
    """How images are made ready: transform_param of both phases, and what only training does."""

    both: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    test: dict[str, Any] = field(default_factory=dict)


def start(
    name: str, feed: Feed, shape: Sequence[int], prepare: Preparation, source_name: str = "data"
) -> NetSpec:
    """A NetSpec with n.data, and n.label for training.

    shape : (C, H, W). source_name : of the data layers.
    """
    n = NetSpec(name)
    images = dict(dim=[feed.batch_size, *shape])
    if not feed.trains:
        n.data = L.Input(shape=images)
    elif feed.train_source is None and feed.test_source is None:
        n.data, n.label = L.Input(shape=[images, dict(dim=feed.batch_size)], ntop=2)
    elif feed.train_source is not None and feed.test_source is not None:
        first = _source(feed.train_source, feed.batch_size, {**prepare.both, **prepare.train})
        second = _source(feed.test_source, feed.test_batch_size, {**prepare.both, **prepare.test})
        n.data, n.label = L.Data(name=source_name, include=dict(phase="TRAIN"), ntop=2, **first)
        # The same tops again, for the other phase.
        tops = ["data", "label"]
        n["test data"] = L.Data(name=source_name, include=dict(phase="TEST"), ntop=0, top=tops, **second)
    else:
        training = feed.train_source is not None
        source = feed.train_source or feed.test_source
        only = prepare.train if training else prepare.test
        batch_size = feed.batch_size if training else feed.test_batch_size
        options = _source(source, batch_size, {**prepare.both, **only})
        n.data, n.label = L.Data(name=source_name, ntop=2, **options)
    return n


def _source(source: Source | None, batch_size: int, transform: dict[str, Any]) -> dict[str, Any]:
    options = dict(source=source, batch_size=batch_size, backend=P.Data.LMDB)
    return {**options, "transform_param": transform} if transform else options


def finish(n: NetSpec, score: Top, feed: Feed) -> NetSpec:
    """End with accuracy (in tests) and loss, or with prob."""
    if feed.trains:
        n.accuracy = L.Accuracy(score, n.label, include=dict(phase="TEST"))
        n.loss = L.SoftmaxWithLoss(score, n.label)
    else:
        n.prob = L.Softmax(score)
    return n


def imagenet(mean_file: Source | None, crop_size: int) -> Preparation:
    """Crops with mirroring in training, minus a mean image or the mean colour."""
    mean = dict(mean_file=mean_file) if mean_file is not None else dict(mean_value=IMAGENET_MEAN)
    return Preparation(dict(crop_size=crop_size, **mean), dict(mirror=True), dict(mirror=False))


def constant(value: float) -> dict[str, Any]:
    """A filler for biases."""
    return dict(type="constant", value=value)
