"""pycaffe on owlkit: `import owlkit.caffe as caffe`, or `owlkit.caffe.install()` and then `import caffe`.

The names, arguments and results are pycaffe's; what differs is told in docs/pycaffe.md. Each name is fetched
on first use, so importing this package imports none of its parts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from owlkit import __version__ as __version__

if TYPE_CHECKING:
    from owlkit.caffe import classifier as classifier
    from owlkit.caffe import coord_map as coord_map
    from owlkit.caffe import detector as detector
    from owlkit.caffe import draw as draw
    from owlkit.caffe import io as io
    from owlkit.caffe import net_spec as net_spec
    from owlkit.caffe import proto as proto

# name -> "module:attribute"
_NAMES = {
    "AdaDeltaSolver": "owlkit.caffe.solvers:AdaDeltaSolver",
    "AdaGradSolver": "owlkit.caffe.solvers:AdaGradSolver",
    "AdamSolver": "owlkit.caffe.solvers:AdamSolver",
    "Blob": "owlkit.caffe.blobs:Blob",
    "Classifier": "owlkit.caffe.classifier:Classifier",
    "Detector": "owlkit.caffe.detector:Detector",
    "Layer": "owlkit.caffe.layer:Layer",
    "NCCL": "owlkit.caffe.nccl:NCCL",
    "Net": "owlkit.caffe.net:Net",
    "NetSpec": "owlkit.caffe.net_spec:NetSpec",
    "NesterovSolver": "owlkit.caffe.solvers:NesterovSolver",
    "RMSPropSolver": "owlkit.caffe.solvers:RMSPropSolver",
    "RawBlobVec": "owlkit.caffe.blobs:BlobVec",
    "SGDSolver": "owlkit.caffe.solvers:SGDSolver",
    "Solver": "owlkit.caffe.solvers:Solver",
    "TEST": "owlkit.caffe.mode:TEST",
    "TRAIN": "owlkit.caffe.mode:TRAIN",
    "Timer": "owlkit.caffe.timer:Timer",
    "get_solver": "owlkit.caffe.solvers:get_solver",
    "has_nccl": "owlkit.caffe.nccl:has_nccl",
    "init_log": "owlkit.caffe.logs:init_log",
    "install": "owlkit.caffe.alias:install",
    "layer_type_list": "owlkit.caffe.mode:layer_type_list",
    "layers": "owlkit.caffe.net_spec:layers",
    "log": "owlkit.caffe.logs:log",
    "params": "owlkit.caffe.net_spec:params",
    "set_device": "owlkit.caffe.mode:set_device",
    "set_mode_cpu": "owlkit.caffe.mode:set_mode_cpu",
    "set_mode_gpu": "owlkit.caffe.mode:set_mode_gpu",
    "set_multiprocess": "owlkit.caffe.nccl:set_multiprocess",
    "set_random_seed": "owlkit.caffe.mode:set_random_seed",
    "set_solver_count": "owlkit.caffe.nccl:set_solver_count",
    "set_solver_rank": "owlkit.caffe.nccl:set_solver_rank",
    "solver_count": "owlkit.caffe.nccl:solver_count",
    "solver_rank": "owlkit.caffe.nccl:solver_rank",
    "to_proto": "owlkit.caffe.net_spec:to_proto",
    "uninstall": "owlkit.caffe.alias:uninstall",
}
# Called by %load_ext and %unload_ext.
_HOOKS = {
    "load_ipython_extension": "owlkit.caffe.alias:load_ipython_extension",
    "unload_ipython_extension": "owlkit.caffe.alias:unload_ipython_extension",
}
_MODULES = ("classifier", "coord_map", "detector", "draw", "io", "net_spec", "proto")

__all__ = ["__version__", *sorted(_NAMES), *_MODULES]


def __getattr__(name: str) -> Any:
    """Fetch a public name and keep it (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(f"owlkit.caffe.{name}")
    found = _NAMES.get(name) or _HOOKS.get(name)
    if found is None:
        raise AttributeError(f"module 'owlkit.caffe' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, _, attribute = found.partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
