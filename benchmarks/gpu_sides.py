"""One side of `gpu_iteration.py` in a process of its own: owlkit, PyTorch in one of its ways, or a product.

    python benchmarks/gpu_sides.py '{"net": "lenet", "side": "torch eager", "precision": "tf32", ...}'

prints a JSON object: seconds of each round (of one iteration), host seconds of an iteration, bytes of the
GPU. What a side cannot do is told as "refused".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from gpu_measuring import Memory, Side, measure, repeated
from report import quiet_blas

quiet_blas()

import numpy as np  # noqa: E402

from owlkit import zoo  # noqa: E402

# name -> (maker, images of a batch, their shape, classes)
NETS: dict[str, tuple[Callable[..., Any], int, tuple[int, int, int], int]] = {
    "lenet": (zoo.lenet, 64, (1, 28, 28), 10),
    "caffenet": (zoo.caffenet, 256, (3, 227, 227), 1000),
    "googlenet": (zoo.googlenet, 128, (3, 224, 224), 1000),
    "vgg16": (partial(zoo.vgg, 16), 64, (3, 224, 224), 1000),
    "resnet50": (partial(zoo.resnet, 50), 256, (3, 224, 224), 1000),
}
FIELDS = dict(base_lr=1e-3, momentum=0.9, weight_decay=5e-4, lr_policy="fixed", max_iter=10**6, seed=1)


class CupyMemory(Memory):
    """CuPy's pool, from which owlkit takes all it has. Counts what this thread takes and gives back."""

    def __init__(self) -> None:
        import cupy

        self._cupy, self._live, self._peak = cupy, 0, 0
        counts = self._count

        class Hook(cupy.cuda.MemoryHook):  # type: ignore[misc]
            name = "owlkit's peak"

            def malloc_postprocess(self, **what: Any) -> None:
                counts(what["mem_size"])

            def free_postprocess(self, **what: Any) -> None:
                counts(-what["mem_size"])

        self._hook = Hook()

    def _count(self, nbytes: int) -> None:
        self._live += nbytes
        self._peak = max(self._peak, self._live)

    def begin(self) -> None:
        self._live = self._peak = int(self._cupy.get_default_memory_pool().used_bytes())
        self._hook.__enter__()

    def peak(self) -> int:
        return self._peak

    def device(self) -> int:
        free, total = self._cupy.cuda.runtime.memGetInfo()
        return int(total - free)


def owlkit_side(net: str, batch: int, precision: str, training: bool, device: str) -> Side:
    """Solver.step(n) on data that lie on the GPU; or forward passes, their output fetched.

    As PyTorch's side may: plans are timed, and what stays float32 is multiplied in TF32.
    """
    import owlkit

    make, _, shape, classes = NETS[net]
    where: Any = owlkit.gpu(tf32=True, tune=True) if device == "cuda" else device
    dtype = "float32" if precision == "tf32" else "bfloat16"
    images = np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)
    if training:
        solver = owlkit.Solver(make(form="train", batch_size=batch), device=where, dtype=dtype, **FIELDS)
        solver.net.blobs["label"].data[...] = np.random.default_rng(1).integers(0, classes, batch)
        model, run = solver.net, solver.step
    else:
        model = owlkit.Net(make(form="deploy", batch_size=batch), device=where, dtype=dtype, backward=False)
        run = repeated(model.forward)
    model.blobs["data"].data[...] = images
    if device != "cuda":
        return Side(run, lambda: None, Memory())
    driver: Any = where.gpu.driver
    side = Side(run, driver.synchronize, CupyMemory())
    side.watch(driver, "download")
    side.watch_begun(driver, "read_later")
    return side


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Make the side and measure it; an error is what it refuses."""
    kind, _, way = asked["side"].partition(" ")
    try:
        if kind == "product":
            from gpu_torch import product_rate

            return {"multiply_adds": product_rate(asked["precision"])}
        what = (asked["net"], asked["batch"], asked["precision"], asked["training"], asked["device"])
        if kind == "owlkit":
            side = owlkit_side(*what)
        else:
            from gpu_torch import torch_side

            side = torch_side(NETS[what[0]], *what, way)
        return measure(side, asked["rounds"], asked["seconds"])
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"[:500]}


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
