"""What to do where bottoms of a layer should have the same shape and have not."""

from __future__ import annotations

from owlkit.core.blob import Blob


def to_agree(one: Blob, other: Blob, but: int | None = None) -> str:
    """The next action for whoever wrote the net.

    but : an axis along which they may differ.
    """
    if one.ndim != other.ndim:
        return "bring both to the same number of axes by a Reshape or Flatten layer"
    lengths = zip(one.shape, other.shape, strict=True)
    apart = [axis for axis, (mine, theirs) in enumerate(lengths) if mine != theirs and axis != but]
    if 0 in apart:
        return "both must be of the same batch: look at batch_size of the data layers and at Reshape layers"
    advice = []
    if 1 in apart:
        advice.append(_of_channels(one))
    if apart[-1] > 1:
        advice.append(
            "make the maps equally large: by pad and stride of the layers before (at stride 1 a pad of "
            "(kernel_size - 1) / 2 keeps the size), or by a Crop layer"
        )
    return "; ".join(advice)


def _of_channels(blob: Blob) -> str:
    same = "give the layers that make them the same num_output"
    return same if blob.ndim < 3 else f"{same}, or bring one to it by a 1x1 Convolution"


def to_hold_as_many(one: Blob, other: Blob) -> str:
    """The next action where two bottoms of one batch should hold equally many values."""
    batch = one.shape[0] if one.shape else 1
    if other.count % max(batch, 1) or one.ndim != 2:
        return "bring one to the other's shape: by num_output of the layer before, or a Crop or Slice layer"
    return f"give the layer that makes {one.given_name!r} num_output: {other.count // max(batch, 1)}"
