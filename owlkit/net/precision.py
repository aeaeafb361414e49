"""What each layer of a net in half precision computes in.

What enters a net (images, labels) is float32 and stays so until a product with weights: convolution, inner
product, a recurrent layer or an embedding gives half precision, and so does whatever follows, up to the
losses, which are float32 again. Layers that must not be rounded (labels as classes, layers of a user's own)
take float32 in every case. Where a bottom comes in another type than its layer takes, the plan puts a cast
between (`net.casts`).
"""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.dtypes import is_half
from owlkit.layers.base import Layer


def settle(layer: Layer, dtype: str, bottom: Sequence[Blob], tops: int) -> list[str]:
    """Set what `layer` computes in, in a net of `dtype`; returns the types of its tops.

    Raises NetError where it would have to run in place on a blob of another type.
    """
    if not is_half(dtype):
        layer.dtype = dtype
        layer.bottom_dtypes = [dtype] * len(bottom)
        return [dtype] * tops
    mine, wanted, made = layer.dtypes(dtype, [blob.dtype for blob in bottom], tops)
    weights = zip(layer.param.loss_weight, made, strict=False)
    if any(weight and top != "float32" for weight, top in weights):
        # A loss starts the gradients off with its scale, which half precision cannot hold.
        mine, wanted, made = "float32", ["float32"] * len(bottom), ["float32"] * tops
    layer.dtype, layer.half_net = mine, True
    layer.bottom_dtypes = [want or blob.dtype for want, blob in zip(wanted, bottom, strict=True)]
    return made


def check_in_place(layer: Layer, blob: Blob, dtype: str) -> None:
    """NetError where a layer that makes `dtype` runs in place on a blob of another type."""
    if blob.dtype != dtype:
        raise layer.error(
            f"computes in {dtype} and cannot run in place on a blob in {blob.dtype}; name its top otherwise",
            blob,
        )
