"""Published models: definition and weights, fetched from where their makers put them.

squeezenet  SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360). Its makers' repository holds both files,
            without checksums: those here are what the OpenVINO model zoo records for them.
caffenet    BVLC's variant of AlexNet.
googlenet   BVLC's GoogLeNet. Weights of both: the sha1 in the readme.md beside the definition in BVLC/caffe.

Definitions are those of the commit named in the address, with their sha256.
All three take (N, 3, H, W) BGR, 0 to 255, minus (104, 117, 123), and give 1,000 probabilities in the order of
`imagenet_labels`.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from owlkit.core.errors import FileFormatError
from owlkit.datasets.download import RemoteFile
from owlkit.datasets.recipe import Dataset, Maker

_BVLC = "https://raw.githubusercontent.com/BVLC/caffe/9b891540183ddc834a02b2bd81b31afae71b2153/models"
_BVLC_WEIGHTS = ("http://dl.caffe.berkeleyvision.org",)
_SQUEEZENET = "SqueezeNet/51147dc0681638c28aad593b9e923f3500117125/SqueezeNet_v1.1"
# Also taken: a copy that is in circulation, 2,891 bytes shorter because a program wrote it anew. The tests
# compare its answers on 200 photographs with another reader's.
_SQUEEZENET_REWRITTEN = "38c2f54a830d28a8d2522839752ba1d442d6fc8a0b55790d9413b1426766fdde"
LABELS = "synset_words.txt"
_LABELS_ARCHIVE = "caffe_ilsvrc12.tar.gz"


def _model(
    name: str, about: str, definition: RemoteFile, weights: RemoteFile, *addresses: str, version: int = 1
) -> Dataset:
    outputs = {"definition": f"{name}/{definition.name}", "weights": f"{name}/{weights.name}"}
    recipe, files = {"version": version}, (definition, weights)
    return Dataset(name, about, outputs, keeper(name), recipe, files, addresses, records=False)


def keeper(name: str) -> Maker:
    """A function that puts the files as they are into the folder `name`."""

    def make(folder: Path, files: Mapping[str, Path], shuffle: int | None) -> dict[str, Any]:
        (folder / name).mkdir()
        for file, source in files.items():
            _keep(source, folder / name / file, folder.parent)
        return {"files": sorted(files)}

    return make


def _keep(source: Path, target: Path, home: Path) -> None:
    """Link weights, which are large, where they were downloaded into `home`; copy the rest."""
    if source.suffix == ".caffemodel" and source.is_relative_to(home):
        try:
            os.link(source, target)
            return
        except OSError:  # a file system without links
            pass
    shutil.copyfile(source, target)


def make_labels(folder: Path, files: Mapping[str, Path], shuffle: int | None) -> dict[str, Any]:
    """Take the list of class names out of the archive."""
    source = files[_LABELS_ARCHIVE]
    if source.is_dir():
        shutil.copyfile(source / LABELS, folder / LABELS)
    else:
        with tarfile.open(source) as tar:
            stream = tar.extractfile(LABELS)
            if stream is None:
                raise FileFormatError(f"{source}: {LABELS} is no file")
            (folder / LABELS).write_bytes(stream.read())
    return {"count": len((folder / LABELS).read_text().splitlines())}


MODELS = (
    _model(
        "squeezenet",
        "model: SqueezeNet 1.1, 1,000 classes of photographs (3, 227, 227); 5 MB",
        RemoteFile(
            "deploy.prototxt", "sha256", "d041bfb2ab4b32fda4ff6c6966684132f2924e329916aa5bfe9285c6b23e3d1c"
        ),
        RemoteFile(
            "squeezenet_v1.1.caffemodel",
            "sha256",
            "72b912ace512e8621f8ff168a7d72af55910d3c7c9445af8dfbff4c2ee960142",
            also=(_SQUEEZENET_REWRITTEN,),
        ),
        f"https://raw.githubusercontent.com/forresti/{_SQUEEZENET}",
        f"https://raw.githubusercontent.com/DeepScale/{_SQUEEZENET}",
    ),
    _model(
        "caffenet",
        "model: BVLC's CaffeNet, 1,000 classes of photographs (3, 227, 227); 244 MB",
        RemoteFile(
            "deploy.prototxt", "sha256", "922248a4d2f6aac1cc8e7e5dbd996cc2ecd3356480d67c198f6cf96b12311a04"
        ),
        RemoteFile(
            "bvlc_reference_caffenet.caffemodel",
            "sha1",
            "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
            addresses=_BVLC_WEIGHTS,
        ),
        f"{_BVLC}/bvlc_reference_caffenet",
    ),
    _model(
        "googlenet",
        "model: BVLC's GoogLeNet, 1,000 classes of photographs (3, 224, 224); 54 MB",
        RemoteFile(
            "deploy.prototxt", "sha256", "fa36cd4112a3240a29600a5aa35333f31bec33daa1a6085b0af308a9f50f0c50"
        ),
        RemoteFile(
            "bvlc_googlenet.caffemodel",
            "sha1",
            "405fc5acd08a3bb12de8ee5e23a96bec22f08204",
            addresses=_BVLC_WEIGHTS,
        ),
        f"{_BVLC}/bvlc_googlenet",
    ),
    Dataset(
        "imagenet_labels",
        "names of the 1,000 classes that these models tell apart, from Caffe's archive; 18 MB",
        {"labels": LABELS},
        make_labels,
        {"version": 1},
        (
            RemoteFile(
                _LABELS_ARCHIVE,
                "sha256",
                "acf75ef0abe89694b19056e0796401068b459c457baa30335f240c7692857355",
                member=LABELS,
            ),
        ),
        _BVLC_WEIGHTS,
        records=False,
    ),
)
