"""LevelDB sets, Caffe's older format: owlkit does not read them, and says how one is made again as LMDB."""

from __future__ import annotations

from pathlib import Path

_MAKERS = {  # by a word of the name, as Caffe's examples call their sets
    "siamese": "`owlkit data convert-mnist-siamese`",
    "fashion": "`owlkit data get fashion_mnist`",
    "mnist": "`owlkit data get mnist`, or `owlkit data convert-mnist` for IDX files of your own",
    "cifar": "`owlkit data get cifar10`, or `owlkit data convert-cifar` for files that are here",
}


def is_leveldb(path: Path) -> bool:
    """Whether a folder holds a LevelDB set."""
    return (path / "CURRENT").exists() and any(path.glob("MANIFEST-*"))


def made_again(path: str | Path) -> str:
    """Which command writes a set of this name as LMDB from what it was made of."""
    name = Path(path).name.lower()
    maker = next((said for word, said in _MAKERS.items() if word in name), "`owlkit convert-imageset`")
    return (
        f"write the set again as LMDB from what it was made of, by {maker}, or by Caffe's converter with "
        "--backend=lmdb"
    )
