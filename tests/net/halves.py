"""A net in half precision on the stand-in, a solver of it, and how far they may be from float32."""

from __future__ import annotations

from typing import Any

from owlkit import L, NetSpec, Solver
from tests.solvers.test_gpu_training import first_layers
from tests.support import emulated_gpu

HALF = ["float16", "bfloat16"]
#: Of a value after a few roundings.
TOLERANCES = {"float16": 4e-3, "bfloat16": 3e-2}
#: L2 norm of a gradient's error: where values are rounded, some maxima are found elsewhere.
GRADIENTS = {"float16": 0.05, "bfloat16": 0.15}


def small_net(**loss: Any) -> NetSpec:
    """Layers that narrow, follow and widen; Scale absorbed by BatchNorm and alone; a label behind a Split."""
    n = first_layers()
    n.slope = L.PReLU(n.sum)
    n.scale2 = L.Scale(n.slope, bias_term=True)
    n.fc = L.InnerProduct(n.scale2, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label, **loss)
    n.accuracy = L.Accuracy(n.fc, n.label)
    return n


def solver(dtype: str, **fields: Any) -> Solver:
    device = emulated_gpu.emulated_device(**{key: fields.pop(key) for key in ("graph",) if key in fields})
    options = {"base_lr": 0.01, "momentum": 0.9, "weight_decay": 0.01, "display": 0} | fields
    return Solver(small_net(), device=device, seed=3, dtype=dtype, **options)
