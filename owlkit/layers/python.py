"""Python: a layer written by the user, as for pycaffe, and the base class and decorator to write one with."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, overload

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import closest
from owlkit.layers.base import Arity, Blobs, Layer, register

AnyClass = TypeVar("AnyClass", bound=type)

#: Classes that `layer` made known, by name: what `python_param { layer: "..." }` without a module means.
NAMED: dict[str, type] = {}


class PythonLayer:
    """Base of layers written in Python; what `caffe.Layer` is in pycaffe.

    The net sets `param_str` (text of the definition), `phase` (0 = TRAIN, 1 = TEST) and `blobs` (learned
    blobs, made by `self.blobs.add_blob(*shape)` in setup) before it calls `setup`. Bottoms and tops have
    `data` and `diff` (arrays in C order), `shape`, `reshape(*shape)`, `count`, `num`, `channels`, `height`
    and `width`. Deriving from this class is not required; the four methods are.
    """

    param_str = ""
    phase = 1
    blobs: Any = ()

    def __init__(self, param: Any = None, *args: Any, **kwargs: Any) -> None:
        """param : the LayerParameter; further arguments are pycaffe's and unused."""

    def setup(self, bottom: Any, top: Any) -> None:
        """Read `param_str`, check the number of bottoms and tops, add learned blobs. Runs once."""

    def reshape(self, bottom: Any, top: Any) -> None:
        """Set the shapes of the tops; runs before every forward."""
        raise TypeError(f"{type(self).__name__} does not define reshape(self, bottom, top)")

    def forward(self, bottom: Any, top: Any) -> None:
        """Write the tops' data; may reshape them."""
        raise TypeError(f"{type(self).__name__} does not define forward(self, bottom, top)")

    def backward(self, top: Any, propagate_down: Sequence[bool], bottom: Any) -> None:
        """Write the bottoms' diffs; add to the diffs of `blobs`."""
        raise TypeError(f"{type(self).__name__} does not define backward(self, top, propagate_down, bottom)")


@overload
def layer(cls: AnyClass) -> AnyClass: ...
@overload
def layer(*, name: str) -> Callable[[AnyClass], AnyClass]: ...


def layer(cls: Any = None, *, name: str | None = None) -> Any:
    """Class decorator: make a Python layer known by its name, without a module.

    @owlkit.layer
    class Double:
        def reshape(self, bottom, top): ...

    net.y = L.Python(net.x, layer="Double")

    name : another name than the class's. Decorating again under the same name (a notebook cell that is run
    again) replaces the class for nets built from then on; those that exist keep theirs.
    """

    def add(found: AnyClass) -> AnyClass:
        if not isinstance(found, type):
            raise TypeError(f"owlkit.layer decorates a class, not {found!r}")
        NAMED[name or found.__name__] = found
        return found

    return add(cls) if cls is not None else add


class PythonBlob:
    """A blob as pycaffe shows it: arrays in C order, whatever the layout in memory.

    Where the layout differs (four axes lie channels-last), `data` and `diff` are copies that are written back
    when the user's method returns, so that views of them, `x.data.reshape(n, -1)[...] = y`, work as in Caffe.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._copies: dict[str, np.ndarray] = {}
        #: "data", "diff": of which a copy is handed out that `finish` has to write back.
        self.copied: set[str] = set()

    data = property(lambda self: self._array("data"), doc="The values, in C order, writable.")
    diff = property(lambda self: self._array("diff"), doc="The gradient, in C order, writable.")
    shape = property(lambda self: self._blob.shape, doc="Lengths of the axes, a tuple.")
    count = property(lambda self: self._blob.count, doc="Number of elements.")
    num = property(lambda self: self._blob.num, doc="Length of axis 0.")
    channels = property(lambda self: self._blob.channels, doc="Length of axis 1.")
    height = property(lambda self: self._blob.height, doc="Length of axis 2.")
    width = property(lambda self: self._blob.width, doc="Length of axis 3.")

    def reshape(self, *shape: int) -> None:
        """Change the shape; the values are arbitrary afterwards."""
        self._blob.reshape(*shape)

    def _array(self, role: str) -> np.ndarray:
        array: np.ndarray = getattr(self._blob, role)
        if array.flags.c_contiguous:
            self.copied.discard(role)
            return array
        copy = self._copies.get(role)
        if copy is None or copy.shape != array.shape:
            copy = self._copies[role] = np.empty(array.shape, array.dtype)
            self.copied.discard(role)
        if role not in self.copied:
            copy[...] = array
            self.copied.add(role)
        return copy

    def finish(self, write: bool) -> None:
        """End of a method: write back what was handed out as a copy, unless it failed."""
        for role in self.copied:
            array = getattr(self._blob, role)
            if write and self._copies[role].shape == array.shape:
                array[...] = self._copies[role]
        self.copied.clear()

    def __repr__(self) -> str:
        return f"<{self._blob!r} of a Python layer>"


class LearnedBlobs(Sequence[Blob]):
    """`self.blobs` of a Python layer: the learned blobs, and `add_blob`."""

    def __init__(self, owner: Python) -> None:
        self._owner = owner

    def __getitem__(self, index: Any) -> Any:
        return self._owner.blobs[index]

    def __len__(self) -> int:
        return len(self._owner.blobs)

    def add_blob(self, *shape: int) -> Blob:
        """Declare a learned blob, zeros at first; fill its `data` in setup. Raises NetError after setup."""
        if self._owner.is_set_up:
            raise self._owner.error("blobs.add_blob works in setup only; call it there")
        return self._owner.add_param(shape)


@register("Python")
class Python(Layer):
    """Runs a class of the user's, as pycaffe does: setup, reshape, forward, backward.

    bottoms, tops : any number, any shape; in place is possible.
    Parameters (python_param): layer = the class; module = where it is, looked for on sys.path and in the
    working directory, or left out for a class that `owlkit.layer` decorates; param_str = text for the class.
    share_in_parallel is accepted and changes nothing: one process runs one copy of the layer.
    loss_weight of the LayerParameter makes a top a loss.

    As in Caffe, `reshape` of the class runs before every forward, and the tops may change their shapes in
    both. An error in the class surfaces as it is with the layer named; the net can be used on. On the CPU
    arrays are NumPy's: `device_arrays = True` of a class asks for nothing more. Source: Caffe's PythonLayer.
    """

    bottoms = Arity()
    tops = Arity()
    in_place = True
    reshapes_in_forward = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.is_set_up = False
        self._faces: dict[int, PythonBlob] = {}
        with _working_directory_on_path():
            cls = self._find_class()
            args = (self.param,) if _takes_argument(cls) else ()
            self.instance = self._user_code("__init__", cls, *args)
            self.instance.param_str = self.param.python_param.param_str
            self.instance.phase = 0 if self.phase == "train" else 1
            self.instance.blobs = LearnedBlobs(self)
            if hasattr(self.instance, "setup"):
                self._call("setup", self._shown(bottom), self._shown(top))
        self.is_set_up = True

    def _find_class(self) -> type:
        param = self.param.python_param
        if not param.layer:
            raise self.error("python_param has no layer; give the name of a class")
        if not param.module:
            if param.layer not in NAMED:
                raise self.error(
                    f"no class {param.layer!r} is decorated with owlkit.layer"
                    f"{closest(param.layer, NAMED)}; run the cell that defines it, or give its module"
                )
            found: Any = NAMED[param.layer]
        else:
            module = self._import(param.module)
            found = getattr(module, param.layer, None)
            if found is None:
                hint = closest(param.layer, vars(module))
                raise self.error(f"module {param.module!r} has no class {param.layer!r}{hint}")
        missing = [name for name in ("reshape", "forward") if not hasattr(found, name)]
        if not isinstance(found, type) or missing:
            raise self.error(f"{param.layer!r} is no layer: it lacks {', '.join(missing) or 'a class'}")
        return found

    def _import(self, name: str) -> Any:
        importlib.invalidate_caches()  # the file may have been written a moment ago
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                error.add_note(f"while importing module {name!r} for Python layer {self.name!r}")
                raise
            raise self.error(
                f"there is no module {name!r} on sys.path or in {os.getcwd()}; start in its folder, or add "
                "that to PYTHONPATH"
            ) from error
        except Exception as error:
            error.add_note(f"while importing module {name!r} for Python layer {self.name!r}")
            raise

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._call("reshape", self._shown(bottom), self._shown(top))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        below, above = self._shown(bottom), self._shown(top)
        self._call("reshape", below, above)
        self._call("forward", below, above)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self._call("backward", self._shown(top), list(propagate_down), self._shown(bottom))

    def _shown(self, blobs: Blobs) -> list[PythonBlob]:
        """The blobs as the class sees them; the same object for the same blob."""
        try:
            return [self._faces[id(blob)] for blob in blobs]
        except KeyError:
            self._faces |= {id(blob): PythonBlob(blob) for blob in blobs if id(blob) not in self._faces}
            return [self._faces[id(blob)] for blob in blobs]

    def _call(self, method: str, *args: Any) -> None:
        self._user_code(method, getattr(self.instance, method), *args)

    def _user_code(self, method: str, call: Callable[..., Any], *args: Any) -> Any:
        """Call the user's code, name the layer in what it raises, and settle the blobs it was handed."""
        try:
            result = call(*args)
        except Exception as error:
            self._settle(write=False)
            if method not in ("forward", "backward"):  # with these the net says it
                error.add_note(f"in {method} of Python layer {self.name!r} ({self.describe()})")
            raise
        self._settle(write=True)
        return result

    def _settle(self, write: bool) -> None:
        for blob in self._faces.values():
            if blob.copied:
                blob.finish(write)

    def describe(self) -> str:
        param = self.param.python_param
        return f"{param.module}.{param.layer}" if param.module else str(param.layer)


def _takes_argument(cls: type) -> bool:
    """Whether a class wants the LayerParameter, as pycaffe hands it over."""
    try:
        inspect.signature(cls).bind(None)
    except TypeError:
        return False
    return True


@contextmanager
def _working_directory_on_path() -> Iterator[None]:
    """Let modules beside the notebook, or where the command was started, be found, after all others."""
    folder = os.getcwd()
    if folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
