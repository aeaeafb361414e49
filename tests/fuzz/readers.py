"""The readers under test: how a damaged file is handed to each, and what valid files look like."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lmdb
import numpy as np

from owlkit import proto
from owlkit.core.errors import OwlkitError
from owlkit.datasets.cifar import read_members
from owlkit.datasets.idx import read_idx
from owlkit.datasets.store import manifest_path, read_manifest
from owlkit.io.blobproto import proto_to_array
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.hdf5 import Hdf5Rows, listed_files
from owlkit.io.images import read_image, read_image_list
from owlkit.io.mean import read_mean
from owlkit.io.records import Records
from owlkit.io.solverstate import read_sidecar, read_solverstate, sidecar_path, write_sidecar
from owlkit.io.stored import read_weights
from owlkit.io.weights import read_caffemodel
from owlkit.io.window_files import read_windows
from owlkit.proto import caffe_pb2
from tests.fuzz import seeds
from tests.support.sets import random_images, write_set
from tests.training.small import with_tests

Read = Callable[[Path], Any]


@dataclass(frozen=True)
class Reader:
    """name : of the reader and of its corpus folder. read : gets the path of a damaged file.

    seeds : makes valid files. suffix : of the file's name. kind, words : see `mutate`.
    pack : what is done with a damaged content before it is written.
    """

    name: str
    read: Read
    seeds: Callable[[], Sequence[bytes]]
    suffix: str = ""
    kind: Any = "bytes"
    words: Sequence[bytes] = ()
    pack: Callable[[bytes], bytes] = bytes


def _caffemodel(path: Path) -> None:
    for layer in read_caffemodel(path).layer:
        for blob in layer.blobs:
            proto_to_array(blob, layer.name)


def _datum(path: Path) -> None:
    for options in ({}, {"color": True}, {"gray": True}):
        datum_to_array(parse_datum(path.read_bytes(), b"key"), b"key", **options)


def _hdf5(path: Path) -> None:
    rows = Hdf5Rows([path], ["data", "label"])
    rows.read(1, [np.empty((3, *shape), np.float32) for shape in rows.shapes])


def _records(path: Path) -> None:
    """A damaged value in a whole set."""
    folder = path.with_suffix(".set")
    write_set(folder, random_images(1), [0])
    with lmdb.open(str(folder), map_size=1 << 22, lock=False) as env, env.begin(write=True) as transaction:
        transaction.put(b"00000000", path.read_bytes())
    for key, value in Records(folder):
        datum_to_array(parse_datum(value, key), key)


def _lmdb_file(path: Path) -> None:
    Records(path).first()


@cache
def _lmdb_set() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return (write_set(Path(folder) / "s", random_images(3), [0] * 3) / "data.mdb").read_bytes()


def _behind_heads(content: bytes) -> bytes:
    """Damage to heads and length only: LMDB itself trusts the pages behind them, and can crash on them."""
    return content[:8192] + _lmdb_set()[8192 : len(content)]


class _Restoring:
    """`Solver.restore` with one file damaged. Refused, the solver is as it was; taken, it trains on.

    damaged : suffix of the file that is damaged.
    """

    def __init__(self, damaged: str) -> None:
        self._damaged = damaged
        self._solver: Any = None

    def seeds(self) -> list[bytes]:
        if self._solver is None:
            self._folder = tempfile.TemporaryDirectory()
            self._solver = with_tests(snapshot_prefix=f"{self._folder.name}/a", average_loss=3, type="Adam")
            self._solver.step(3)
            model, state = self._solver.snapshot()
            self._state = state
            self._files = {p.name.removeprefix(state.stem): p.read_bytes() for p in state.parent.iterdir()}
            self._model = model
        return [self._files[self._damaged]]

    def __call__(self, path: Path) -> None:
        for suffix, content in self._files.items():
            (self._state.parent / f"{self._state.stem}{suffix}").write_bytes(content)
        self._solver.restore(self._state)
        before = self._everything()
        (self._state.parent / f"{self._state.stem}{self._damaged}").write_bytes(path.read_bytes())
        if self._damaged != ".solverstate.owl":
            sidecar_path(
                self._state
            ).unlink()  # its sums would refuse every change before anything is looked at
        try:
            self._solver.restore(self._state)
        except OwlkitError:
            assert self._everything() == before, "a refused snapshot changed the solver"
            raise
        with np.errstate(all="ignore"):
            self._solver.step(1)
            self._solver.test()

    def _everything(self) -> list[Any]:
        solver = self._solver
        arrays = [p.blob.data.tobytes() for p in solver.net.learnable] + [h.tobytes() for h in solver.history]
        return [*arrays, solver.iter, solver.extra_state()]


def _sidecar(path: Path) -> None:
    read_sidecar(path.with_suffix(""), 3)


def _sidecars() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        state = {"batch": 3, "seed": 5, "skip": 0}
        content = {"type": "SGD", "lr": None, "losses": [1.5], "net": {"layers": {"data": state}, "rng": {}}}
        return [write_sidecar(Path(folder) / "a.solverstate", 3, content).read_bytes()]


def _manifest(path: Path) -> None:
    path.rename(manifest_path(path.parent, path.stem))
    read_manifest(path.parent, path.stem)


_STATE, _SIDECAR, _MODEL = (
    _Restoring(".solverstate"),
    _Restoring(".solverstate.owl"),
    _Restoring(".caffemodel"),
)
_TEXT: dict[str, Any] = {"kind": "text", "words": seeds.PROTOTXT_WORDS, "suffix": ".prototxt"}
_LIST: dict[str, Any] = {"kind": "text", "words": seeds.LIST_WORDS, "suffix": ".txt"}

READERS = {
    reader.name: reader
    for reader in (
        Reader("net", proto.read_net, lambda: [seeds.NET, seeds.OLD_NET, seeds.OLDEST_NET], **_TEXT),
        Reader("solver", proto.read_solver, lambda: [seeds.SOLVER], **_TEXT),
        Reader("caffemodel", _caffemodel, seeds.caffemodels, ".caffemodel", caffe_pb2.NetParameter),
        Reader("solverstate", read_solverstate, seeds.solverstates, ".solverstate", caffe_pb2.SolverState),
        Reader("sidecar", _sidecar, _sidecars, ".owl", "json"),
        Reader("restore_state", _STATE, _STATE.seeds, ".solverstate", caffe_pb2.SolverState),
        Reader("restore_sidecar", _SIDECAR, _SIDECAR.seeds, ".owl", "json"),
        Reader("restore_weights", _MODEL, _MODEL.seeds, ".caffemodel", caffe_pb2.NetParameter),
        Reader("mean", read_mean, seeds.blobs, ".binaryproto", caffe_pb2.BlobProto),
        Reader("datum", _datum, seeds.datums, ".datum", caffe_pb2.Datum),
        Reader("records", _records, seeds.datums, ".datum", caffe_pb2.Datum),
        Reader("lmdb", _lmdb_file, lambda: [_lmdb_set()], "/data.mdb", pack=_behind_heads),
        Reader("image", lambda path: read_image(str(path), color=True), seeds.images, ".jpg"),
        Reader("image_list", read_image_list, lambda: [seeds.IMAGE_LIST], **_LIST),
        Reader("windows", read_windows, lambda: [seeds.WINDOWS], **_LIST),
        Reader("hdf5", _hdf5, seeds.hdf5_files, ".h5"),
        Reader("hdf5_weights", read_weights, seeds.hdf5_weights, ".caffemodel.h5"),
        Reader("hdf5_state", read_solverstate, seeds.hdf5_states, ".solverstate.h5"),
        Reader("safetensors", read_weights, seeds.safetensors, ".safetensors"),
        Reader("mean_npy", read_mean, seeds.npy_means, ".npy"),
        Reader("hdf5_list", listed_files, lambda: [b"a.h5\nb.h5\n"], **_LIST),
        Reader(
            "idx", read_idx, seeds.idx_files, ".gz", pack=lambda content: gzip.compress(content, 1, mtime=0)
        ),
        Reader("idx_gz", read_idx, seeds.idx_archives, ".gz"),
        Reader("cifar", lambda path: read_members(path, ["test_batch.bin"]), seeds.cifar_archives, ".tar.gz"),
        Reader(
            "manifest", _manifest, lambda: [b'{"outputs": [], "recipe": {"version": 1}}'], ".json", "json"
        ),
    )
}
