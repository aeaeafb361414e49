"""Layers that keep their weights: `lr_mult: 0` for each learned blob, as Caffe's definitions say it."""

from __future__ import annotations

from typing import Any


def learned_blobs(layer: Any, bottoms: int) -> int:
    """How many learned blobs a layer of one of Caffe's types has, by its LayerParameter.

    bottoms : Scale and Bias learn nothing where a second one brings the factors.
    """
    kind = layer.type
    if kind in ("Convolution", "Deconvolution"):
        return 1 + layer.convolution_param.bias_term
    if kind in ("InnerProduct", "Embed"):
        param = layer.inner_product_param if kind == "InnerProduct" else layer.embed_param
        return 1 + param.bias_term
    if kind == "Scale":
        return int(bottoms == 1) + layer.scale_param.bias_term
    if kind == "Bias":
        return int(bottoms == 1)
    if kind in ("RNN", "LSTM"):  # weights and bias of the input, weights of the state, of a static input too
        return {"RNN": 5, "LSTM": 3}[kind] + int(bottoms == 3)
    return {"BatchNorm": 3, "PReLU": 1, "Parameter": 1}.get(kind, 0)


def freeze(layer: Any, bottoms: int) -> None:
    """Let a layer keep its weights in training: none of its blobs learns or decays."""
    while len(layer.param) < learned_blobs(layer, bottoms):
        layer.param.add()
    for param in layer.param:
        param.lr_mult, param.decay_mult = 0, 0
