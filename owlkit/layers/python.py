"""Python: a layer written by the user, as for pycaffe, and the base class and decorator to write one with."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from owlkit.core.conveniences import resolve
from owlkit.core.device import Device
from owlkit.core.errors import NetError, closest
from owlkit.core.tracebacks import calls_user_code
from owlkit.layers.base import LAYERS, NAMED, Arity, Blobs, Layer, register
from owlkit.layers.python_blob import LearnedBlobs, PythonBlob

if TYPE_CHECKING:
    from owlkit.core.blob import Blob

AnyClass = TypeVar("AnyClass", bound=type)


class PythonLayer:
    """Base of layers written in Python; what `caffe.Layer` is in pycaffe.

    The net sets `param_str` (text of the definition), `phase` (0 = TRAIN, 1 = TEST) and `blobs` (learned
    blobs, made by `self.blobs.add_blob(*shape)` in setup) before it calls `setup`. Bottoms and tops have
    `data` and `diff` (arrays in C order), `shape`, `reshape(*shape)`, `count`, `num`, `channels`, `height`
    and `width`. Deriving from this class is not required; the methods are.

    device_arrays : True asks for the device's own arrays in forward and backward, so that nothing is copied
    to the host: CuPy arrays on a GPU. On a CPU these are the NumPy arrays that every layer gets. In setup and
    reshape, where no device has been chosen, arrays are NumPy's in any case.
    """

    device_arrays = False
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
    """Class decorator: make a Python layer a layer type of its own, for this process.

    @owlkit.layer
    class Double:
        def reshape(self, bottom, top): ...

    net.y = L.Double(net.x)         # type: "Double" in a prototxt; L.Python(net.x, layer="Double") works too

    name : another name than the class's. Decorating again under the same name (a notebook cell that is run
    again) replaces the class for nets built from then on; those that exist keep theirs. The class itself is
    returned unchanged. Raises TypeError for what is no class, NetError for the name of a type of Caffe's.
    """

    def add(found: AnyClass) -> AnyClass:
        if not isinstance(found, type):
            raise TypeError(f"owlkit.layer decorates a class, not {found!r}")
        known_as = name or found.__name__
        if known_as in LAYERS:
            raise NetError(
                f"{known_as!r} is a layer type of Caffe's; call the class otherwise, or give it a name: "
                f"@owlkit.layer(name={'My' + known_as!r})"
            )
        members = {"type": known_as, "user_class": found, "__doc__": found.__doc__}
        NAMED[known_as] = type(known_as, (Python,), members)
        return found

    return add(cls) if cls is not None else add


@register("Python")
class Python(Layer):
    """A layer written by the user, run as pycaffe does: setup, reshape, forward, backward of a class.

    bottom i : any number, any shapes; may run in place.
    top i : any number, of the shapes that the class gives them, in any of its methods but backward.
    blobs : what the class adds in setup by self.blobs.add_blob(*shape), zeros until it writes them.
    Formula: what forward of the class computes
    Gradient: the class's backward(top, propagate_down, bottom), which writes bottom[i].diff and adds to
        self.blobs[i].diff.
    Parameters (python_param):
        module : where the class is, looked for on sys.path and in the working directory; none for a class
            that owlkit.layer decorates.
        layer : name of the class; not needed where owlkit.layer made it a type of its own (type: "MyLayer").
        param_str : text for the class, its self.param_str.
        share_in_parallel : accepted, and changes nothing: one process runs one copy of the layer.
    Source: Caffe's PythonLayer.

    The class derives from owlkit.PythonLayer (caffe.Layer in old code) or has its methods. bottom[i], top[i]
    and self.blobs[i] have data and diff (arrays in C order, written in place), shape, count, num, channels,
    height and width, and reshape(*shape).

    A class that owlkit.layer decorates is a type of its own: L.MyLayer(bottom), or type: "MyLayer" in a
    prototxt. Decorated again, as by a cell that is run again, it is what nets built from then on get; those
    that exist keep the class they have.

    As in Caffe, reshape of the class runs before every forward, self.phase is 0 (TRAIN) or 1 (TEST), and a
    loss_weight makes a top a loss. An error in the class surfaces as it is, with the user's traceback and the
    layer named; the net can be used on.

    device_arrays = True of a class asks for the device's own arrays in forward and backward: CuPy's on a GPU.
    On a CPU these are the NumPy arrays that all get.
    """

    bottoms = Arity()
    tops = Arity()
    in_place = True
    reshapes_in_forward = True
    precision = "wide"
    #: Of a type that `owlkit.layer` made: the class that it decorates.
    user_class: ClassVar[type | None] = None

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.is_set_up = False
        self._faces: dict[int, PythonBlob] = {}
        with _working_directory_on_path():
            cls = self._find_class()
            self._device: Device | None = None
            self._device_arrays = bool(getattr(cls, "device_arrays", False))
            args = (self.param,) if _takes_argument(cls) else ()
            self.instance = self._user_code("__init__", cls, *args)
            param_str = self.param.python_param.param_str
            self.instance.param_str = self.instance.param_str_ = param_str  # param_str_: before August 2015
            self.instance.phase = 0 if self.phase == "train" else 1
            self.instance.blobs = LearnedBlobs(self.working, self._add_blob, self._shown)
            if hasattr(self.instance, "setup"):
                self._call("setup", self._shown(bottom), self._shown(top))
        self.is_set_up = True

    def _add_blob(self, *shape: int) -> Blob:
        if self.is_set_up:
            raise self.error("blobs.add_blob works in setup only; call it there")
        return self.add_param(shape)

    def _find_class(self) -> type:
        param = self.param.python_param
        name, found = self._named(param) if not param.module else self._from_module(param)
        missing = [method for method in ("reshape", "forward") if not hasattr(found, method)]
        if not isinstance(found, type) or missing:
            raise self.error(f"{name!r} is no layer: it lacks {', '.join(missing) or 'a class'}")
        return found

    def _named(self, param: Any) -> tuple[str, Any]:
        """The class of this type, or for type Python the decorated class that it names."""
        if self.user_class is not None:
            if param.layer not in ("", self.type):
                raise self.error(f"this type is the class {self.type!r}; remove python_param's layer")
            return self.type, self.user_class
        if not param.layer:
            raise self.error("python_param has no layer; give the name of a class")
        if param.layer not in NAMED:
            raise self.error(
                f"no class {param.layer!r} is decorated with owlkit.layer"
                f"{closest(param.layer, NAMED)}; run the cell that defines it, or give its module"
            )
        return param.layer, getattr(NAMED[param.layer], "user_class", None)

    def _from_module(self, param: Any) -> tuple[str, Any]:
        if self.user_class is not None:
            raise self.error(f"this type is the class {self.type!r}; remove python_param's module")
        if not param.layer:
            raise self.error("python_param has no layer; give the name of a class")
        module = self._import(param.module)
        if not hasattr(module, param.layer):
            hint = closest(param.layer, (n for n, value in vars(module).items() if isinstance(value, type)))
            raise self.error(f"module {param.module!r} has no class {param.layer!r}{hint}")
        return param.layer, getattr(module, param.layer)

    @calls_user_code
    def _import(self, name: str) -> Any:
        importlib.invalidate_caches()  # the file may have been written a moment ago
        try:
            with resolve("caffe.alias:offered")():  # pycaffe's layers begin with `import caffe`
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

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        if self._device_arrays and device is not self._device:
            self._device = device
            for face in self._faces.values():
                face.use(device)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._call("reshape", self._shown(bottom), self._shown(top))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        below, above = self._shown(bottom), self._shown(top)
        self._call("reshape", below, above)
        self._call("forward", below, above)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        found = getattr(self.instance, "backward", None)
        if found is not None and getattr(found, "__func__", None) is not PythonLayer.backward:
            self._call("backward", self._shown(top), list(propagate_down), self._shown(bottom))
        elif any(propagate_down) or self.blobs:  # else nobody asks for what it would write
            raise self.error(
                f"{self._class_name} does not define backward(self, top, propagate_down, bottom), and "
                "gradients are to pass through it: define it, or stop them by propagate_down: false for its "
                "bottoms"
            )

    def _shown(self, blobs: Blobs) -> list[PythonBlob]:
        """The blobs as the class sees them; the same object for the same blob."""
        try:
            return [self._faces[id(blob)] for blob in blobs]
        except KeyError:
            for blob in blobs:
                self._faces.setdefault(id(blob), PythonBlob(blob, self._device))
            return [self._faces[id(blob)] for blob in blobs]

    def _call(self, method: str, *args: Any) -> None:
        with self._device.in_order() if self._device is not None else nullcontext():
            self._user_code(method, getattr(self.instance, method), *args)

    @calls_user_code
    def _user_code(self, method: str, call: Callable[..., Any], *args: Any) -> Any:
        """Call the user's code, name the layer in what it raises, and settle the blobs it was handed."""
        try:
            result = call(*args)
        except BaseException as error:  # an interrupt too must leave no copies behind
            self._settle(write=False)
            if method not in ("forward", "backward"):  # with these the net says it
                error.add_note(f"in {method} of Python layer {self.name!r} ({self._class_name})")
            raise
        self._settle(write=True)
        return result

    def _settle(self, write: bool) -> None:
        for blob in self._faces.values():
            if blob.copied:
                blob.finish(write)

    @property
    def _class_name(self) -> str:
        param = self.param.python_param
        return f"{param.module}.{param.layer}" if param.module else str(param.layer or self.type)

    def describe(self) -> str:
        return self._class_name if self.user_class is None else str(self.param.python_param.param_str)


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
