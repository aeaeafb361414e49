"""All commands by name: what the help lists without importing any of them."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command. group : heading in the help. module : below owlkit.cli."""

    group: str
    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "train": Entry("training", "train", "train a net"),
    "resume": Entry("training", "resume", "go on from the newest snapshot"),
    "test": Entry("training", "test", "measure a trained net"),
    "classify": Entry("training", "classify", "the most likely classes of image files"),
    "time": Entry("training", "time", "time each layer of a net"),
    "parse-log": Entry("training", "parse_log", "tables from the log of a training"),
    "plot-log": Entry("training", "plot_log", "a picture of the logs of trainings"),
    "convert-imageset": Entry("data", "convert_imageset", "write an LMDB set from image files"),
    "compute-image-mean": Entry("data", "compute_image_mean", "the mean image of an LMDB set"),
    "extract-features": Entry("data", "extract_features", "write blobs of a net as LMDB sets"),
    "data": Entry("data", "data", "get data sets and look into them"),
    "inspect": Entry("nets and files", "inspect", "what is in a file of Caffe's or owlkit's"),
    "diff": Entry("nets and files", "diff", "what differs between two nets, solvers, weights"),
    "draw": Entry("nets and files", "draw", "draw a net"),
    "export": Entry("nets and files", "export", "write a trained net as ONNX, weights as safetensors"),
    "upgrade-net": Entry("nets and files", "upgrade_net", "bring an old net or its weights up to date"),
    "upgrade-solver": Entry("nets and files", "upgrade_solver", "bring an old solver file up to date"),
    "device-query": Entry("this machine", "device_query", "what there is to compute on"),
    "completion": Entry("this machine", "completion", "completion for bash, zsh or tcsh"),
    "demo": Entry("this machine", "demo", "train LeNet on real digits, run the first notebook"),
}


def listing() -> str:
    """The commands under their headings, as the help shows them."""
    lines: list[str] = []
    group = ""
    for name, entry in COMMANDS.items():
        if entry.group != group:
            group = entry.group
            lines += ["", f"{group}:"]
        lines.append(f"  {name:20} {entry.summary}")
    return "\n".join(lines[1:])
