"""Parameter gradients that overwrite or accumulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from owlkit.core.tensor import Tensor
from owlkit.kernels.dnnl.primitive import Bound


class ParameterGradients:
    """Call (x, dy, dw, db, accumulate): write dw and db, or add to what they hold.

    oneDNN's weight gradients overwrite, so adding (iter_size > 1, shared parameters) goes through spare
    tensors, made on first need. dw or db may be None where nobody wants them.
    """

    def __init__(self, bind: Callable[..., Callable[[], None]]) -> None:
        self._write = Bound(bind)
        self._spare: dict[Any, Tensor] = {}

    def _like(self, tensor: Tensor | None, role: str) -> Tensor | None:
        if tensor is None:
            return None
        spare = self._spare.get((role, tensor.descriptor))
        if spare is None:
            spare = self._spare[role, tensor.descriptor] = Tensor(tensor.descriptor)
        return spare

    def __call__(self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool) -> None:
        if dw is not None and not accumulate:
            self._write(x, dy, dw, db)
        elif dw is None:
            self._bias_only(dy, db, accumulate)
        else:
            to_w, to_b = self._like(dw, "w"), self._like(db, "b")
            self._write(x, dy, to_w, to_b)
            for total, part in ((dw, to_w), (db, to_b)):
                if total is not None and part is not None:
                    np.add(total.flat, part.flat, out=total.flat)

    @staticmethod
    def _bias_only(dy: Tensor, db: Tensor | None, accumulate: bool) -> None:
        """The bias gradient alone: outputs are the last axis in memory."""
        if db is not None:
            total = dy.flat.reshape(-1, db.descriptor.count).sum(axis=0)
            db.flat[...] = db.flat + total if accumulate else total
