"""docs/layers/ from the layers' docstrings, Caffe's schema and the examples: `python -m docs.make_layers`.

One page per layer type and an index. Each example is run, and the page shows what it printed.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import runpy
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docs.layer_documentation import Documentation, DocumentationError, read
from owlkit.io.files import write_bytes
from owlkit.layers import LAYERS
from owlkit.layers.base import NAMED
from owlkit.proto import caffe_pb2, text
from owlkit.spec.types import LAYER_TYPES, descriptor_of

FOLDER = Path(__file__).parent / "layers"
_WIDTH = 100

# fmt: off
FAMILIES = {
    "Data": ("Data", "ImageData", "WindowData", "HDF5Data", "MemoryData", "DummyData", "Input", "HDF5Output"),
    "Vision": ("Convolution", "Deconvolution", "Pooling", "SPP", "LRN", "Crop", "Im2col"),
    "Inner products and recurrence": ("InnerProduct", "Embed", "RNN", "LSTM", "LSTMUnit"),
    "Activations": ("ReLU", "PReLU", "ELU", "Swish", "Sigmoid", "TanH", "BNLL", "AbsVal", "Power", "Exp",
                    "Log", "Clip", "Threshold", "Dropout"),
    "Normalisation": ("BatchNorm", "MVN", "Scale", "Bias", "Softmax"),
    "Losses": ("SoftmaxWithLoss", "SigmoidCrossEntropyLoss", "MultinomialLogisticLoss", "InfogainLoss",
               "EuclideanLoss", "HingeLoss", "ContrastiveLoss"),
    "Blobs joined, cut and reshaped": ("Eltwise", "Concat", "Slice", "Split", "Flatten", "Reshape", "Tile",
                                       "Reduction", "Filter", "BatchReindex"),
    "Evaluation, parameters, your own": ("Accuracy", "ArgMax", "Silence", "Parameter", "Python"),
}
# fmt: on


_INTRODUCTION = """# Layers

All layer types of Caffe. A page says what the layer does, the shape of every blob, formula, gradient and
parameters, with an example and what it printed. `make docs` makes the pages from the classes in
`owlkit/layers`, Caffe's schema and [examples](examples); change those. An example is a program of its own:
`python docs/layers/examples/ReLU.py`.

Besides its own parameters every layer takes `name`, `bottom`, `top`, `phase`, `include` and `exclude` (in
which nets it is), `param` (`lr_mult`, `decay_mult` and a shared `name` for each of its learned blobs),
`propagate_down` (one per bottom) and `loss_weight` (one per top). In Python the parameters of a layer's own
message are given by name, `L.Pooling(x, kernel_size=2)`; the example on each page shows both.

Letters: x and y are bottom and top, dx and dy their gradients; N images, C channels, H height, W width,
K classes. Weights without a filler start as zeros, as in Caffe, and learn nothing: give `weight_filler`."""


def pages() -> Iterator[tuple[str, str]]:
    """(file name in docs/layers, content) of the index and of every page."""
    listed = [name for names in FAMILIES.values() for name in names]
    if sorted(listed) != sorted(LAYER_TYPES):
        raise DocumentationError(f"FAMILIES differs from the types: {set(listed) ^ LAYER_TYPES}")
    documentation = {name: read(name) for name in listed}
    yield "README.md", _index(documentation)
    for name in listed:
        yield f"{name}.md", page(documentation[name])


def _index(documentation: dict[str, Documentation]) -> str:
    lines = [_INTRODUCTION]
    for family, names in FAMILIES.items():
        lines += ["", f"## {family}", "", "| type | what it does |", "|---|---|"]
        lines += [f"| [{name}]({name}.md) | {_escaped(documentation[name].summary)} |" for name in names]
    return "\n".join(lines) + "\n"


def page(told: Documentation) -> str:
    """The page of a layer type, in Markdown."""
    cls = LAYERS[told.type]
    source = f"owlkit/layers/{cls.__module__.rpartition('.')[2]}.py"
    parts = [
        f"# {told.type}",
        _escaped(told.summary),
        _blobs(told),
        f"## Formula\n\n```text\n{_wrapped(told.parts['Formula'])}\n```",
        f"## Gradient\n\n{_prose(_capital(told.parts['Gradient']))}",
        _parameters(told),
        *_remarks(told),
        _example(told.type),
        f"## Source\n\n{_prose(told.parts['Source'])}\n\n"
        f"Class `{told.type}` in [{source}](../../{source}); [all layers](README.md).",
    ]
    return "\n\n".join(parts) + "\n"


def _remarks(told: Documentation) -> Iterator[str]:
    if told.notes:
        yield "## Good to know"
        yield from map(_prose, told.notes)
    if "Attributes" in told.parts:
        entries = re.findall(r"(\w+) : (.+?)(?= \w+ : |$)", told.parts["Attributes"])
        yield "\n".join(["The layer has", "", *(f"- `{name}`: {_escaped(what)}" for name, what in entries)])


def _blobs(told: Documentation) -> str:
    cls = LAYERS[told.type]
    takes = f"Takes {_count(cls.bottoms, 'bottom')}, makes {_count(cls.tops, 'top')}."
    rows = [f"| {_escaped(name)} | {_escaped(what)} |" for name, what in told.blobs]
    return "\n".join([f"## Blobs\n\n{takes}\n", "| blob | what it is |", "|---|---|", *rows])


def _count(arity: Any, what: str) -> str:
    if arity.maximum is None:
        return f"{arity.minimum} or more {what}s" if arity.minimum else f"any number of {what}s"
    if arity.maximum == 0:
        return f"no {what}"
    return f"{arity} {what}" + ("" if arity.minimum == arity.maximum == 1 else "s")


def _parameters(told: Documentation) -> str:
    if not told.parameters:
        return "## Parameters\n\nNone of its own."
    tables = (_table(message, meanings) for message, meanings in told.parameters.items())
    return "\n\n".join(["## Parameters", *tables])


def _table(message: str, meanings: dict[str, str]) -> str:
    """A row for each parameter, or for several of one type that the class documents together."""
    kind = descriptor_of(message)
    lines = [f"`{message}` ({kind.name})", "", "| name | type | default | meaning |", "|---|---|---|---|"]
    fields = (kind.fields_by_name[name] for name in meanings)
    for (meaning, type_), group in itertools.groupby(fields, lambda f: (meanings[f.name], _type(f))):
        same = list(group)
        cells = (_each(f"`{f.name}`" for f in same), type_, _alike(map(_default, same)), _escaped(meaning))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _each(cells: Iterable[str]) -> str:
    return ", ".join(cell or "–" for cell in cells)


def _alike(cells: Iterable[str]) -> str:
    """One cell where all are the same."""
    every = list(cells)
    return every[0] if len(set(every)) == 1 else _each(every)


# FieldDescriptor's numbers of the types that Caffe's schema uses.
_SCALARS = {2: "float", 3: "int64", 5: "int32", 8: "bool", 9: "string", 13: "uint32"}


def _type(field: Any) -> str:
    if field.enum_type is not None:
        kind = ", ".join(value.name for value in field.enum_type.values)
    else:
        kind = field.message_type.name if field.message_type is not None else _SCALARS[field.type]
    return f"{_escaped(kind)}{', repeated' if field.is_repeated else ''}"


def _default(field: Any) -> str:
    if not field.has_default_value:
        return ""
    value = field.default_value
    if field.enum_type is not None:
        return f"`{field.enum_type.values_by_number[value].name}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:.6g}`"


def _example(layer_type: str) -> str:
    path = FOLDER / "examples" / f"{layer_type}.py"
    source = path.read_text()
    net, printed = run(path)
    layers = net.to_proto().layer
    own = caffe_pb2.NetParameter(layer=[one for one in layers if one.type not in LAYER_TYPES - {layer_type}])
    if layer_type not in {one.type for one in own.layer} or not printed:
        raise DocumentationError(f"{path}: it has no {layer_type} layer in `n`, or prints nothing")
    return "\n\n".join(
        [
            f"## Example\n\n```python\n{source}```",
            f"prints\n\n```text\n{printed}```",
            f"and is, as prototxt,\n\n```protobuf\n{text.format(own).strip()}\n```",
        ]
    )


def run(path: Path) -> tuple[Any, str]:
    """Run an example in a folder of its own: (its NetSpec `n`, what it printed)."""
    printed, known = io.StringIO(), dict(NAMED)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
    ):
        names = runpy.run_path(str(path))
    NAMED.clear()  # what an example defines with owlkit.layer ends with it
    NAMED.update(known)
    return names["n"], re.sub(r"[ \t]+$", "", printed.getvalue(), flags=re.MULTILINE)


def _wrapped(formula: str) -> str:
    """For a block of code: long lines cut after semicolons, and where they are still too long."""
    lines = []
    for line in formula.split("\n"):
        for part in line.split("; ") if len(line) > _WIDTH else [line]:
            lines += textwrap.wrap(part, _WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def _escaped(prose: str) -> str:
    """With what Markdown would read as markup taken literally."""
    return re.sub(r"([\\*_|<>\[\]`])", r"\\\1", prose)


def _capital(prose: str) -> str:
    """A sentence, where it begins with a word and not with a formula."""
    return prose[0].upper() + prose[1:] if re.match(r"[a-z]{3,}\b(?! =)", prose) else prose


def _prose(prose: str) -> str:
    return "\n".join(textwrap.wrap(_escaped(prose), 110, break_long_words=False, break_on_hyphens=False))


def main() -> None:
    """Write all pages, and remove those of types that are gone."""
    made = dict(pages())
    for name, content in made.items():
        write_bytes(FOLDER / name, content.encode())
    for stale in FOLDER.glob("*.md"):
        if stale.name not in made:
            stale.unlink()
    print(f"{len(made) - 1} layers and their index in {FOLDER}")


if __name__ == "__main__":
    main()
