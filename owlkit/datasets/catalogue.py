"""The sets and models that owlkit knows: where they come from, and the calls that give paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from owlkit.core.errors import DataError, closest
from owlkit.datasets import cifar, embedded, idx
from owlkit.datasets.download import RemoteFile, obtain
from owlkit.datasets.models import MODELS
from owlkit.datasets.recipe import Dataset
from owlkit.datasets.store import data_folder, make_set, read_manifest


def _lmdbs(name: str) -> dict[str, str]:
    return {subset: f"{name}_{subset}_lmdb" for subset in ("train", "test")}


# sha256 of the unpacked files, computed by us; their md5 are those known for the original distribution
# (6bbc9ace898e44ae57da46a324031adb for train-images). Servers and copies differ in how they are packed.
_MNIST = (
    RemoteFile(
        "train-images-idx3-ubyte.gz",
        "sha256",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        unpacked=True,
    ),
    RemoteFile(
        "train-labels-idx1-ubyte.gz",
        "sha256",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        unpacked=True,
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte.gz",
        "sha256",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        unpacked=True,
    ),
    RemoteFile(
        "t10k-labels-idx1-ubyte.gz",
        "sha256",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        unpacked=True,
    ),
)
# md5 of the packed files, as the authors publish them (github.com/zalandoresearch/fashion-mnist, README).
_FASHION = (
    RemoteFile("train-images-idx3-ubyte.gz", "md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    RemoteFile("train-labels-idx1-ubyte.gz", "md5", "25c81989df183df01b3e8a0aad5dffbe"),
    RemoteFile("t10k-images-idx3-ubyte.gz", "md5", "bef4ecab320f06d8554ea6380940ec79"),
    RemoteFile("t10k-labels-idx1-ubyte.gz", "md5", "bb300cfdad3c16e7a12a480ee83cd310"),
)
# md5 of the packed file, as the author publishes it (www.cs.toronto.edu/~kriz/cifar.html).
_CIFAR10 = (RemoteFile(cifar.ARCHIVE, "md5", "c32a1d4ab5d03f1284b67883e8d87530"),)

CATALOGUE: dict[str, Dataset] = {
    entry.name: entry
    for entry in (
        Dataset(
            "digits",
            "1,797 handwritten digits (1, 28, 28), 10 classes; comes with scikit-learn, no download",
            _lmdbs("digits"),
            lambda folder, files, shuffle: embedded.make_digits(folder),
            embedded.RECIPE,
        ),
        Dataset(
            "mnist",
            "70,000 handwritten digits (1, 28, 28), 10 classes; 12 MB",
            _lmdbs("mnist"),
            idx.idx_maker("mnist"),
            {"version": 1},
            _MNIST,
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist",
                "https://storage.googleapis.com/cvdf-datasets/mnist",
            ),
        ),
        Dataset(
            "fashion_mnist",
            "70,000 pieces of clothing (1, 28, 28), 10 classes; 31 MB",
            _lmdbs("fashion_mnist"),
            idx.idx_maker("fashion_mnist"),
            {"version": 1},
            _FASHION,
            (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            ),
        ),
        Dataset(
            "cifar10",
            "60,000 photographs (3, 32, 32) red, green, blue, 10 classes, with their mean; 170 MB",
            _lmdbs("cifar10") | {"mean": "cifar10_mean.binaryproto"},
            cifar.make_cifar10,
            {"version": 1},
            _CIFAR10,
            ("https://www.cs.toronto.edu/~kriz",),
        ),
        *MODELS,
    )
}


def get(
    name: str,
    *,
    mirror: str | None = None,
    to: str | Path | None = None,
    shuffle: int | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Make a data set unless it is there, downloading what it needs; the path of each subset.

    A published model has the subsets "definition" and "weights".

    mirror : a local folder or an address that holds the files. to : where to put the set, default
    `data_folder()`. shuffle : seed of a random order; the sets come shuffled from their makers, so the
    default keeps the order, as Caffe does; a model has no records to shuffle. force : download and make it
    again.
    Raises DataError for an unknown name, a wrong or missing download, or a full disk; then nothing half-made
    stays.
    """
    if name not in CATALOGUE:
        known = ", ".join(CATALOGUE)
        raise DataError(f"there is no data set {name!r}{closest(name, CATALOGUE)}; known are {known}")
    dataset = CATALOGUE[name]
    if shuffle is not None and not dataset.records:
        raise DataError(f"{name} has no records to shuffle; leave shuffle out")
    folder = Path(to).expanduser() if to is not None else data_folder()
    recipe = dict(dataset.recipe) | ({"shuffle": shuffle} if dataset.files and dataset.records else {})

    def make(staging: Path) -> dict[str, Any]:
        downloads = folder / "downloads" / name
        files = {
            file.name: obtain(file, downloads, dataset.addresses, mirror=mirror, force=force)
            for file in dataset.files
        }
        return dataset.make(staging, files, shuffle)

    make_set(folder, name, recipe, make, force=force)
    return {subset: str(folder / output) for subset, output in dataset.outputs.items()}


def _subset(name: str, subset: str, mirror: str | None) -> str:
    dataset = CATALOGUE[name]
    outputs = dataset.outputs
    if subset not in outputs:
        known = ", ".join(outputs)
        raise DataError(f"{name} has no subset {subset!r}{closest(subset, outputs)}; it has {known}")
    manifest = read_manifest(data_folder(), name)
    if manifest is not None and manifest["recipe"]["version"] == dataset.recipe["version"]:
        return str(data_folder() / outputs[subset])  # in whatever order it was asked for when made
    return get(name, mirror=mirror)[subset]


def digits(subset: str = "train") -> str:
    """Path of the LMDB set of 1,437 ("train") or 360 ("test") digits, (1, 28, 28), made at first use."""
    return _subset("digits", subset, None)


def mnist(subset: str = "train", mirror: str | None = None) -> str:
    """Path of MNIST's LMDB set, "train" or "test"; downloads 12 MB at first use."""
    return _subset("mnist", subset, mirror)


def fashion_mnist(subset: str = "train", mirror: str | None = None) -> str:
    """Path of Fashion-MNIST's LMDB set, "train" or "test"; downloads 31 MB at first use."""
    return _subset("fashion_mnist", subset, mirror)


def cifar10(subset: str = "train", mirror: str | None = None) -> str:
    """Path of CIFAR-10's LMDB set, "train" or "test", or of its "mean"; downloads 170 MB at first use."""
    return _subset("cifar10", subset, mirror)


def model(name: str, mirror: str | None = None) -> tuple[str, str]:
    """Paths of a published model's definition and weights, downloaded at first use.

    name : "squeezenet" (5 MB), "caffenet" (244 MB) or "googlenet" (54 MB). mirror : as for `get`.
    """
    models = [entry.name for entry in CATALOGUE.values() if "weights" in entry.outputs]
    if name not in models:
        known = ", ".join(models)
        raise DataError(f"there is no model {name!r}{closest(name, models)}; known are {known}")
    return _subset(name, "definition", mirror), _subset(name, "weights", mirror)


def imagenet_labels(mirror: str | None = None) -> str:
    """Path of the names of ImageNet's 1,000 classes, one per line; downloads 18 MB at first use."""
    return _subset("imagenet_labels", "labels", mirror)
