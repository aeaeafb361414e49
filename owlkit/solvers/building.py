"""What a solver is made of: its fields checked, its nets built, their first weights loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from owlkit.core import frontends
from owlkit.core.errors import TrainingError
from owlkit.io.hdf5 import import_h5py
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.solvers import loading, nets, policies
from owlkit.solvers.definition import check_numbers
from owlkit.solvers.rules import rule_class

log = logging.getLogger("owlkit")


@dataclass(frozen=True)
class Built:
    """The nets of a solver. iterations : batches of one test of each test net. notices : remarks."""

    train: Net
    tests: list[Net]
    iterations: list[int]
    notices: list[str] = field(default_factory=list)


def check_param(param: Any) -> None:
    """Raise TrainingError for fields of a SolverParameter that make no sense, DataError where a package is
    missing that they need: now, and not at the first snapshot."""
    check_numbers(param)
    rule_class(param.type)
    policies.check_policy(param)
    for name in ("average_loss", "iter_size"):
        if getattr(param, name) < 1:
            raise TrainingError(f"{name} is {getattr(param, name)}; it must be at least 1")
    if param.snapshot_format == caffe_pb2.SolverParameter.HDF5:
        import_h5py()


def build_nets(param: Any, device: Any, dtype: str, seed: int | None) -> Built:
    """The nets that a SolverParameter names. device, dtype, seed : as a Solver is given them."""
    notices = []
    if device is None:
        device, notice = nets.chosen_device(param)
        notices += [notice] if notice else []
    if param.debug_info and param.display <= 0:
        notices.append(
            "debug_info shows the training net at the display interval, but display is 0: set it too"
        )
    seed = param.random_seed if seed is None and param.random_seed >= 0 else seed
    options = {"device": device, "dtype": dtype, "seed": seed}
    train = nets.build_train_net(param, options)
    return Built(train, *nets.build_test_nets(param, train, options), notices)


def load_weights(net: Net, given: Any) -> list[str]:
    """Load weights, which is said; returns what was said of each file.

    given : a path, several with commas between, an array of weights by layer, or a list of such.
    """
    said = []
    for source in _sources(given):
        report = loading.load(net, source)
        said.append(loading.described(report))
        say = log.info if report.complete else frontends.remark
        say(said[-1])
    return said


def _sources(given: Any) -> Iterator[Any]:
    for entry in given if isinstance(given, list | tuple) else [given]:
        yield from (path.strip() for path in entry.split(",")) if isinstance(entry, str) else [entry]
