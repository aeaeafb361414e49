"""What a net says about one image: the classes it thinks most likely."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from owlkit.core.errors import DataError, NetError
from owlkit.io.files import read_bytes
from owlkit.net.graph import Graph

Labels = str | os.PathLike[str] | Sequence[str]


@dataclass(frozen=True)
class Prediction:
    """The most likely classes. classes : their numbers; names; shares : probabilities, 0 to 1."""

    classes: list[int]
    names: list[str]
    shares: list[float]

    def __repr__(self) -> str:
        width = max(map(len, self.names), default=0)
        pairs = zip(self.names, self.shares, strict=True)
        return "\n".join(f"{name.ljust(width)}  {100 * share:5.1f} %" for name, share in pairs)


def read_labels(labels: Labels | None) -> list[str] | None:
    """Names of classes, one a line, from a file; or the list that was given.

    Lines of ImageNet's synset_words.txt ("n01440764 tench, Tinca tinca") lose their number, and keep the
    first of several names. Raises DataError where the file cannot be read or has no lines.
    """
    if labels is None or not isinstance(labels, (str, os.PathLike)):
        return list(labels) if labels is not None else None
    content = read_bytes(Path(labels), "file of labels")
    try:
        lines = [line.strip() for line in content.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{labels} is no text in UTF-8: {error}; give a file with one name per line"
        ) from None
    if not lines:
        raise DataError(f"{labels} has no lines; give a file with one name per line")
    return [_without_synset(line) for line in lines]


def _without_synset(line: str) -> str:
    first, _, rest = line.partition(" ")
    if len(first) == 9 and first[0] == "n" and first[1:].isdigit() and rest:
        return rest.split(",")[0]
    return line


def probability_layer(graph: Graph) -> tuple[str, str, bool] | None:
    """(layer to run to, blob with a value per class, whether a softmax is still to be taken).

    The last Softmax, or what the last SoftmaxWithLoss is given; None for a net without either.
    """
    for node in reversed(graph.nodes):
        if node.layer.type == "Softmax":
            return node.name, node.top_names[0], False
        if node.layer.type == "SoftmaxWithLoss":
            makers = [n for n in graph.nodes if node.bottom_names[0] in n.top_names]
            return makers[-1].name, node.bottom_names[0], True
    return None


def predict(scores: np.ndarray, labels: Sequence[str] | None, *, softmax: bool, k: int = 5) -> Prediction:
    """The k most likely of scores (classes,), or (classes, 1, 1).

    Raises NetError where the scores have a plane, or where there are more classes than labels.
    """
    values = np.asarray(scores, np.float64)
    if values.size != values.shape[0]:
        raise NetError(f"the net has a value per class and place, {values.shape}: it does not classify")
    values = values.reshape(-1)
    if softmax:
        values = np.exp(values - values.max())
        values /= values.sum()
    if labels is not None and len(labels) < len(values):
        raise NetError(f"the net has {len(values)} classes, but there are {len(labels)} labels; give all")
    order = [int(i) for i in np.argsort(-values, kind="stable")[:k]]
    names = [labels[i] if labels is not None else f"class {i}" for i in order]
    return Prediction(order, names, [float(values[i]) for i in order])
