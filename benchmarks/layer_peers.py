"""PyTorch's side of the layer benchmark where it is more than one call, written as its users would."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Multiply(nn.Module):
    """x * gamma + beta, per channel."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.randn(channels))
        self.beta = nn.Parameter(torch.randn(channels)) if bias else None

    def forward(self, x: Any) -> Any:
        gamma = self.gamma[:, None, None]
        return x * gamma if self.beta is None else torch.addcmul(self.beta[:, None, None], x, gamma)


class AddBias(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(channels))

    def forward(self, x: Any) -> Any:
        return x + self.bias[:, None, None]


class LSTMWithMarkers(nn.Module):
    """nn.LSTM over whole sequences; the markers of where they begin, all 1, are not read."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(units, units)

    def forward(self, x: Any, _markers: Any) -> Any:
        return self.lstm(x)[0]


class Elman(nn.Module):
    """Caffe's RNN: nn.RNN, then another product and tanh for the outputs."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.rnn, self.out = nn.RNN(units, units), nn.Linear(units, units)

    def forward(self, x: Any, _markers: Any) -> Any:
        return torch.tanh(self.out(self.rnn(x)[0]))


def lstm_unit(c: Any, gates: Any, cont: Any) -> Any:
    i, f, o, g = gates.chunk(4, 2)
    c = torch.sigmoid(f) * cont[:, :, None] * c + torch.sigmoid(i) * torch.tanh(g)
    return c, torch.sigmoid(o) * torch.tanh(c)


def lrn_within(x: Any, size: int, alpha: float, beta: float) -> Any:
    mean = F.avg_pool2d(x * x, size, 1, size // 2, count_include_pad=True)
    return x * torch.pow(1 + alpha * mean, -beta)


def mvn(x: Any, axes: tuple[int, ...], scaled: bool = True) -> Any:
    if not scaled:
        return x - x.mean(axes, keepdim=True)
    if len(axes) == 2:
        return F.instance_norm(x, eps=1e-9)
    return F.layer_norm(x, x.shape[1:], eps=1e-9)


def spp(x: Any, height: int) -> Any:
    parts = []
    for level in range(height):
        bins = 2**level
        kernel = -(-x.shape[2] // bins)
        pad = (kernel * bins - x.shape[2] + 1) // 2
        parts.append(F.max_pool2d(x, kernel, kernel, pad, ceil_mode=True).flatten(1))
    return torch.cat(parts, 1)


def threshold(x: Any, limit: float) -> Any:
    return (x > limit).float()


def sigmoid_loss(x: Any, t: Any) -> Any:
    return F.binary_cross_entropy_with_logits(x, t, reduction="sum") / len(x)


def hinge_loss(x: Any, labels: Any, norm: int = 1) -> Any:
    signs = torch.ones_like(x).scatter_(1, labels.long()[:, None], -1)
    margin = F.relu(1 + signs * x)
    return (margin if norm == 1 else margin.square()).sum() / len(x)


def infogain_loss(x: Any, labels: Any, h: Any) -> Any:
    return -(h[0, 0][labels.long()] * F.log_softmax(x, 1)).sum() / len(x)


def multinomial_loss(p: Any, labels: Any) -> Any:
    return F.nll_loss(torch.log(p.clamp(min=1e-20)), labels.long())


def contrastive_loss(a: Any, b: Any, similar: Any) -> Any:
    """As users write it: one distance for both kinds of pairs."""
    distance = F.pairwise_distance(a, b)
    apart = (1 - distance).clamp(min=0).square()
    return torch.where(similar != 0, distance.square(), apart).sum() / (2 * len(a))


def accuracy(x: Any, labels: Any, best: int = 1) -> Any:
    labels = labels.long()
    if best == 1:
        return (x.argmax(1) == labels).float().mean()
    return (x.topk(best)[1] == labels[:, None]).any(1).float().mean()


def slices(parts: int, axis: int, x: Any) -> Any:
    """Parts of their own memory, in the layout of x."""
    return tuple(part.clone(memory_format=_format(x)) for part in x.chunk(parts, axis))


def crop(x: Any, r: Any, offset: int) -> Any:
    height, width = r.shape[2:]
    part = x[:, :, offset : offset + height, offset : offset + width]
    return part.clone(memory_format=_format(x))


def _format(x: Any) -> Any:
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def filter_items(x: Any, selected: Any) -> Any:
    return x[selected != 0]
