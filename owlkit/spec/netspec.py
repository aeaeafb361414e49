"""NetSpec: a net written in Python, as a prototxt."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from owlkit.core.conveniences import resolve
from owlkit.core.errors import OwlkitError, closest
from owlkit.proto import caffe_pb2
from owlkit.spec.assign import assign
from owlkit.spec.errors import SpecError
from owlkit.spec.freezing import learned_blobs
from owlkit.spec.layers import Emitter, Function, Top
from owlkit.spec.table import html_page, text_page

_RESERVED = ("tops", "to_proto", "save", "freeze")


class NetSpec:
    """Tops by name; assigning a top names it, and names its layer.

        n = NetSpec("LeNet")
        n.data, n.label = L.Data(source="train_lmdb", backend=P.Data.LMDB, batch_size=64, ntop=2)
        n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20)
        n.relu1 = L.ReLU(n.conv1, in_place=True)
        n.to_proto()

    name : of the net. fields : of the NetParameter, such as force_backward=True.
    A name that is no identifier, or one of NetSpec's own (tops, to_proto, save, freeze, name), is written
    n["..."].
    """

    tops: dict[str, Top | Function]
    name: str

    def __init__(self, name: str = "", **fields: Any) -> None:
        object.__setattr__(self, "tops", {})
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_fields", fields)
        self.to_proto()  # refuses unknown fields here, not later

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name" and isinstance(value, str):
            object.__setattr__(self, "name", value)
            return
        if name in _RESERVED or name == "name":
            raise SpecError(f"'{name}' is NetSpec's own; write n[{name!r}] for a top of that name")
        self[name] = value

    def __getattr__(self, name: str) -> Any:
        # Only what is no attribute comes here.
        if name.startswith("__") or name.startswith(("_repr_", "_ipython_")):
            raise AttributeError(name)
        tops = self.__dict__.get("tops", {})
        if name not in tops:
            raise AttributeError(f"the net has no top '{name}'{closest(name, tops)}")
        return tops[name]

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, tuple) and value and all(isinstance(item, Top) for item in value):
            raise SpecError(
                f"{value[0].fn.type_name} has {len(value)} tops: give each a name, "
                f"n.{name}, n.other = L.{value[0].fn.type_name}(...)"
            )
        if not isinstance(value, (Top, Function)):
            raise SpecError(f"n.{name} must be a layer or a top made by L, found {value!r}")
        self.tops[name] = value

    def __getitem__(self, name: str) -> Any:
        if name not in self.tops:
            raise KeyError(f"the net has no top '{name}'{closest(name, self.tops)}")
        return self.tops[name]

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tops

    def __iter__(self) -> Iterator[str]:
        return iter(self.tops)

    def __len__(self) -> int:
        return len(self.tops)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tops]

    def freeze(self, *names: str) -> list[str]:
        """Let layers keep their weights in training: `n.freeze("conv1", "fire[2-8]*")`; returns their names.

        names : of layers, or patterns of names as shells have them. Their learned blobs get lr_mult 0 and
        decay_mult 0; where nothing below has to learn, the backward pass ends above them. The statistics of a
        BatchNorm follow the data all the same: use_global_stats=True keeps them.
        Raises SpecError for a name or pattern of which no layer has weights to learn.
        """
        layers = self._emitted().layers
        found: dict[str, None] = {}
        for pattern in names:
            if not isinstance(pattern, str):
                raise SpecError(
                    f"freeze({pattern!r}): give names of layers one by one; of a list, freeze(*names)"
                )
            of_this = [
                fn
                for fn, layer in layers.items()
                if fnmatchcase(layer.name, pattern) and learned_blobs(layer, len(fn.inputs))
            ]
            if not of_this:
                near = closest(pattern, [layer.name for layer in layers.values()])
                raise SpecError(f"freeze({pattern!r}): no layer of that name has weights to learn{near}")
            for fn in of_this:
                fn.frozen = True
                found[layers[fn].name] = None
        return list(found)

    def _emitted(self) -> Emitter:
        emitter = Emitter({top: name for name, top in self.tops.items()})
        for top in self.tops.values():
            emitter.add(top)
        return emitter

    def to_proto(self) -> caffe_pb2.NetParameter:
        """The net as a NetParameter: layers in the order of assignment, each after all that it needs."""
        emitter = self._emitted()
        net = caffe_pb2.NetParameter()
        if self.name:
            net.name = self.name
        for name, value in self.__dict__["_fields"].items():
            assign(net, name, value, "NetSpec")
        net.layer.extend(emitter.layers.values())
        return net

    def save(self, path: str | Path) -> Path:
        """Write the net as a prototxt file; returns its path."""
        from owlkit.proto import text

        resolve("io.files:write_bytes")(path, text.format(self.to_proto()).encode())
        return Path(path)

    def __repr__(self) -> str:
        return text_page(self.to_proto())

    def _repr_html_(self) -> str:
        """A drawing and a table with shapes; where these cannot be had, the layers and what is wrong."""
        net = self.to_proto()
        try:
            return str(resolve("net.graph:Graph")(net, phase="train")._repr_html_())
        except (OwlkitError, OSError) as error:
            # A cell that shows a half-written net tells what is missing; it does not fail.
            return html_page(net, str(error))
