"""`import caffe` finds this package: `install()`, and what Python layers need."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from owlkit.core.errors import OwlkitError, closest

REAL = "owlkit.caffe"
ALIAS = "caffe"
# Modules of pycaffe whose content is in this package itself.
WHOLE = {"caffe", "caffe.pycaffe", "caffe._caffe"}


class ForeignCaffeError(OwlkitError, ImportError):
    """Another `caffe` was imported before."""


class _Loader(Loader):
    """Gives the module that is there under its own name; it runs once and exists once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._spec = module.__spec__  # the import system is about to put the alias's in its place
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class _Finder(MetaPathFinder):
    """asked : by `install`. blocks : of `offered` that are open, in all threads."""

    def __init__(self) -> None:
        self.asked, self.blocks, self.lock = False, 0, threading.Lock()

    def put(self) -> None:
        """Ask it before all others, from now on."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != ALIAS and not fullname.startswith(f"{ALIAS}."):
            return None
        real = REAL if fullname in WHOLE else REAL + fullname.removeprefix(ALIAS)
        found = importlib.util.find_spec(real)
        if found is None:
            names = importlib.import_module(REAL).__all__
            raise ModuleNotFoundError(
                f"No module named {fullname!r} in owlkit.caffe{closest(fullname.rpartition('.')[2], names)}",
                name=fullname,
            )
        return ModuleSpec(fullname, _Loader(real), is_package=found.submodule_search_locations is not None)


_FINDER = _Finder()


def _is_ours(module: Any) -> bool:
    return getattr(module, "__name__", "") == REAL


def install(gpu: str | None = None) -> None:
    """Make `import caffe`, `from caffe.proto import caffe_pb2` and the like find owlkit.caffe from now on.

    gpu : "cpu" lets caffe.set_mode_gpu() and caffe.set_device() go on on the CPU, with a warning, where there
        is no GPU; "error", the usual, lets them raise. None leaves it as it is.
    Raises ForeignCaffeError where another caffe was imported already. Doing it twice does no harm.
    """
    if gpu not in (None, "cpu", "error"):
        raise ValueError(f'gpu={gpu!r}: use "cpu" or "error"')
    there = sys.modules.get(ALIAS)
    if there is not None and not _is_ours(there):
        raise ForeignCaffeError(
            f"another caffe was imported already, from {getattr(there, '__file__', 'an unknown place')}; "
            "call owlkit.caffe.install() before it, or use `import owlkit.caffe as caffe`"
        )
    if gpu is not None:
        from owlkit.caffe import mode

        mode.allow_cpu_instead(gpu == "cpu")
    _FINDER.asked = True
    _FINDER.put()


def uninstall() -> None:
    """Let `import caffe` mean what it meant before `install`. Modules that imported it keep theirs."""
    _FINDER.asked = False
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
        for name in [name for name in sys.modules if name == ALIAS or name.startswith(f"{ALIAS}.")]:
            del sys.modules[name]


@contextmanager
def offered() -> Iterator[None]:
    """Let modules of Python layers, imported in the block, `import caffe`, unless there is another one.

    The script that makes the net may name this package otherwise; the file with the layers is pycaffe's. The
    alias stays where it was used, or where such a module has asked for it, and until the last of several
    threads has left the block.
    """
    with _FINDER.lock:
        known = ALIAS in sys.modules or _FINDER.asked or _another_is_installed()
        if not known:
            _FINDER.put()
            _FINDER.blocks += 1
    try:
        yield
    finally:
        if not known:
            _leave()


def _leave() -> None:
    with _FINDER.lock:
        _FINDER.blocks -= 1
        if not (_FINDER.blocks or _FINDER.asked or ALIAS in sys.modules):
            uninstall()


def _another_is_installed() -> bool:
    """A folder named caffe, without code, does not count."""
    found = importlib.util.find_spec(ALIAS)
    return found is not None and found.origin is not None


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext owlkit.caffe` in a notebook: `import caffe` finds owlkit from then on."""
    install()


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext owlkit.caffe`"""
    uninstall()
