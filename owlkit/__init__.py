"""owlkit: a notebook-first research toolkit that carries on Caffe.

Importing this imports none of its parts: each name below is fetched on first use, so that `import owlkit`
takes milliseconds and pulls in neither a notebook nor a plotting library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from owlkit import caffe as caffe
    from owlkit import datasets as datasets
    from owlkit import zoo as zoo
    from owlkit.core import errors as errors
    from owlkit.export import export_onnx as export_onnx
    from owlkit.export import export_safetensors as export_safetensors
    from owlkit.inspection.activations import show_activations as show_activations
    from owlkit.inspection.embedding import show_embedding as show_embedding
    from owlkit.inspection.features import features as features
    from owlkit.inspection.filters import show_filters as show_filters
    from owlkit.inspection.gradients import check_gradients as check_gradients
    from owlkit.inspection.heatmaps import show_heatmap as show_heatmap
    from owlkit.inspection.image_input import ImageInput as ImageInput
    from owlkit.inspection.inspector import inspect as inspect
    from owlkit.inspection.patches import show_top_patches as show_top_patches
    from owlkit.inspection.saliency import show_saliency as show_saliency
    from owlkit.layers.python import PythonLayer as PythonLayer
    from owlkit.layers.python import layer as layer
    from owlkit.net import Graph as Graph
    from owlkit.net import Net as Net
    from owlkit.net import Plan as Plan
    from owlkit.solvers import Solver as Solver
    from owlkit.spec import L as L
    from owlkit.spec import NetSpec as NetSpec
    from owlkit.spec import P as P
    from owlkit.training import Run as Run
    from owlkit.training import monitor as monitor
    from owlkit.training import runs as runs
    from owlkit.training import train as train

# name -> "module" or "module:attribute"
_LAZY = {
    "Graph": "owlkit.net:Graph",
    "ImageInput": "owlkit.inspection.image_input:ImageInput",
    "L": "owlkit.spec:L",
    "Net": "owlkit.net:Net",
    "NetSpec": "owlkit.spec:NetSpec",
    "P": "owlkit.spec:P",
    "Plan": "owlkit.net:Plan",
    "PythonLayer": "owlkit.layers.python:PythonLayer",
    "Run": "owlkit.training:Run",
    "Solver": "owlkit.solvers:Solver",
    "caffe": "owlkit.caffe",
    "check_gradients": "owlkit.inspection.gradients:check_gradients",
    "datasets": "owlkit.datasets",
    "errors": "owlkit.core.errors",
    "export_onnx": "owlkit.export:export_onnx",
    "export_safetensors": "owlkit.export:export_safetensors",
    "features": "owlkit.inspection.features:features",
    "gpu": "owlkit.core.gpu.device:open_gpu_device",
    "inspect": "owlkit.inspection.inspector:inspect",
    "layer": "owlkit.layers.python:layer",
    "monitor": "owlkit.training:monitor",
    "runs": "owlkit.training:runs",
    "show_activations": "owlkit.inspection.activations:show_activations",
    "show_embedding": "owlkit.inspection.embedding:show_embedding",
    "show_filters": "owlkit.inspection.filters:show_filters",
    "show_heatmap": "owlkit.inspection.heatmaps:show_heatmap",
    "show_saliency": "owlkit.inspection.saliency:show_saliency",
    "show_top_patches": "owlkit.inspection.patches:show_top_patches",
    "train": "owlkit.training:train",
    "zoo": "owlkit.zoo",
}

# Those of `owlkit.caffe` that people look for here.
_PYCAFFE = {"Classifier", "Detector", "Layer", "TEST", "TRAIN", "params"}
_PYCAFFE |= {f"{rule}Solver" for rule in ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")}
_PYCAFFE |= {"get_solver", "set_device", "set_mode_cpu", "set_mode_gpu", "set_random_seed"}

__all__ = ["__version__", *sorted(_LAZY)]


def __getattr__(name: str) -> Any:
    """Fetch a public name and keep it (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module 'owlkit' has no attribute {name!r}; {_where(name)}")
    module, _, attribute = _LAZY[name].partition(":")
    value = importlib.import_module(module)
    value = getattr(value, attribute) if attribute else value
    globals()[name] = value
    return value


def _where(name: str) -> str:
    if name in _PYCAFFE:
        return f"pycaffe's is owlkit.caffe.{name}"
    return f"it has {', '.join(sorted(_LAZY))}"


def __dir__() -> list[str]:
    return list(__all__)  # what a person completes by tab
