"""A GNU OpenMP runtime for machines that have none.

PyPI's build of oneDNN needs `libgomp.so.1`, which slim images leave out. scikit-learn, which owlkit depends
on, bundles one under a name of its own (`libgomp-<hash>.so.1.0.0`). The dynamic loader takes a library that
is already loaded for a dependency only where its SONAME is the name asked for, so a copy with the SONAME set
back serves.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

SONAME = "libgomp.so.1"


def find_libgomp(cache: Path | None = None, soname: str = SONAME) -> Path | None:
    """A libgomp to load with RTLD_GLOBAL before oneDNN, or None where scikit-learn bundles none.

    The patched copy is kept in `cache` (the user's cache folder by default), or in a temporary folder where
    that cannot be written. For use after the system's own loader failed to find one.
    """
    source = bundled_libgomp()
    if source is None:
        return None
    try:
        return _kept_copy(source, cache or user_cache(), soname)
    except OSError:
        return _kept_copy(source, Path(tempfile.mkdtemp(prefix="owlkit-")), soname)


def bundled_libgomp() -> Path | None:
    """scikit-learn's own copy; found without importing scikit-learn."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parents[1] / "scikit_learn.libs"
    return next(iter(sorted(folder.glob("libgomp-*.so.1*"))), None)


def user_cache() -> Path:
    """`$XDG_CACHE_HOME/owlkit`, by default `~/.cache/owlkit`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "owlkit"


def rename_soname(library: bytes, old: str, new: str) -> bytes:
    """The library with SONAME `old` replaced by `new`; its string table keeps its size.

    Raises ValueError where `new` is the longer one or `old` does not occur.
    """
    if len(new) > len(old):
        raise ValueError(f"SONAME {new!r} does not fit into the place of {old!r}")
    before = b"\0" + old.encode() + b"\0"
    if before not in library:
        raise ValueError(f"no SONAME {old!r} in the library")
    return library.replace(before, b"\0" + new.encode().ljust(len(old), b"\0") + b"\0")


def _kept_copy(source: Path, cache: Path, soname: str) -> Path:
    """`cache/<name of source>/<soname>`; the source's name carries a hash of its contents."""
    target = cache / source.name / soname
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    patched = rename_soname(source.read_bytes(), source.name, soname)
    # Renamed into place, so that processes starting together never load a half-written library.
    descriptor, temporary = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(patched)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
