"""The benchmarked nets in PyTorch, as Caffe defines them. Each returns [(loss weight, logits)]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


def _lrn(x: torch.Tensor) -> torch.Tensor:
    return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.ip1, self.ip2 = nn.Linear(800, 500), nn.Linear(500, 10)

    def forward(self, x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
        x = F.max_pool2d(self.conv2(F.max_pool2d(self.conv1(x), 2)), 2)
        return [(1.0, self.ip2(F.relu_(self.ip1(x.flatten(1)))))]


class CaffeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 96, 11, 4), nn.Conv2d(96, 256, 5, 1, 2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, 1, 1)
        self.conv4 = nn.Conv2d(384, 384, 3, 1, 1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, 1, 1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)

    def forward(self, x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
        x = _lrn(F.max_pool2d(F.relu_(self.conv1(x)), 3, 2))
        x = _lrn(F.max_pool2d(F.relu_(self.conv2(x)), 3, 2))
        x = F.relu_(self.conv5(F.relu_(self.conv4(F.relu_(self.conv3(x))))))
        x = F.max_pool2d(x, 3, 2).flatten(1)
        x = F.dropout(F.relu_(self.fc6(x)), 0.5, self.training)
        return [(1.0, self.fc8(F.dropout(F.relu_(self.fc7(x)), 0.5, self.training)))]


class Inception(nn.Module):
    def __init__(self, inputs: int, a: int, b_in: int, b: int, c_in: int, c: int, pool: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(inputs, a, 1)
        self.b_in, self.b = nn.Conv2d(inputs, b_in, 1), nn.Conv2d(b_in, b, 3, 1, 1)
        self.c_in, self.c = nn.Conv2d(inputs, c_in, 1), nn.Conv2d(c_in, c, 5, 1, 2)
        self.pool = nn.Conv2d(inputs, pool, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        relu = F.relu_
        branches = [
            relu(self.a(x)),
            relu(self.b(relu(self.b_in(x)))),
            relu(self.c(relu(self.c_in(x)))),
            relu(self.pool(F.max_pool2d(x, 3, 1, 1))),
        ]
        return torch.cat(branches, 1)


class Auxiliary(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv, self.fc, self.out = nn.Conv2d(inputs, 128, 1), nn.Linear(2048, 1024), nn.Linear(1024, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu_(self.conv(F.avg_pool2d(x, 5, 3))).flatten(1)
        return self.out(F.dropout(F.relu_(self.fc(x)), 0.7))


class GoogLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.reduce = nn.Conv2d(3, 64, 7, 2, 3), nn.Conv2d(64, 64, 1)
        self.conv2 = nn.Conv2d(64, 192, 3, 1, 1)
        sizes = [
            (192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64),
            (480, 192, 96, 208, 16, 48, 64), (512, 160, 112, 224, 24, 64, 64),
            (512, 128, 128, 256, 24, 64, 64), (512, 112, 144, 288, 32, 64, 64),
            (528, 256, 160, 320, 32, 128, 128), (832, 256, 160, 320, 32, 128, 128),
            (832, 384, 192, 384, 48, 128, 128),
        ]  # fmt: skip
        self.blocks = nn.ModuleList([Inception(*size) for size in sizes])
        self.aux1, self.aux2, self.fc = Auxiliary(512), Auxiliary(528), nn.Linear(1024, 1000)

    def forward(self, x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
        def pool(v: torch.Tensor) -> torch.Tensor:
            return F.max_pool2d(v, 3, 2, ceil_mode=True)

        b = self.blocks
        x = _lrn(pool(F.relu_(self.conv1(x))))
        x = pool(_lrn(F.relu_(self.conv2(F.relu_(self.reduce(x))))))
        x = b[2](pool(b[1](b[0](x))))
        first = self.aux1(x) if self.training else None
        x = b[5](b[4](b[3](x)))
        second = self.aux2(x) if self.training else None
        x = b[8](b[7](pool(b[6](x))))
        main = self.fc(F.dropout(F.avg_pool2d(x, 7).flatten(1), 0.4, self.training))
        if first is None or second is None:
            return [(1.0, main)]
        return [(0.3, first), (0.3, second), (1.0, main)]


def _conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, momentum=0.001))


class Bottleneck(nn.Module):
    """The stride sits on the first 1x1 convolution, as in the Caffe release."""

    def __init__(self, inputs: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        self.shortcut = _conv_norm(inputs, 4 * width, 1, stride) if project else None
        self.a, self.b = _conv_norm(inputs, width, 1, stride), _conv_norm(width, width, 3)
        self.c = _conv_norm(width, 4 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.c(F.relu_(self.b(F.relu_(self.a(x)))))
        return F.relu_(y.add_(self.shortcut(x) if self.shortcut is not None else x))


class ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.fc = _conv_norm(3, 64, 7, 2), nn.Linear(2048, 1000)
        blocks, inputs = [], 64
        for stage, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
            for i in range(count):
                blocks.append(Bottleneck(inputs, width, 2 if stage and not i else 1, not i))
                inputs = 4 * width
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
        x = F.max_pool2d(F.relu_(self.conv1(x)), 3, 2, ceil_mode=True)
        return [(1.0, self.fc(F.avg_pool2d(self.blocks(x), 7).flatten(1)))]


class VGG16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for count, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
            for _ in range(count):
                layers += [nn.Conv2d(inputs, channels, 3, 1, 1), nn.ReLU(inplace=True)]
                inputs = channels
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers)
        self.fc6, self.fc7, self.fc8 = nn.Linear(25088, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)

    def forward(self, x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
        x = F.dropout(F.relu_(self.fc6(self.convolutions(x).flatten(1))), 0.5, self.training)
        return [(1.0, self.fc8(F.dropout(F.relu_(self.fc7(x)), 0.5, self.training)))]


NETS: dict[str, type[nn.Module]] = {
    "lenet": LeNet, "caffenet": CaffeNet, "googlenet": GoogLeNet, "resnet50": ResNet50, "vgg16": VGG16,
}  # fmt: skip


def make_step(
    name: str, shape: tuple[int, ...], classes: int, *, channels_last: bool, fused: bool
) -> Callable[[], Any]:
    """One whole training iteration: forward, losses, backward, SGD with momentum and decay."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net: Any = NETS[name]().train().to(memory_format=layout)
    x = torch.randn(shape).to(memory_format=layout)
    labels = torch.randint(0, classes, shape[:1])
    how = {"fused": True} if fused else {"foreach": True}
    optimiser = torch.optim.SGD(net.parameters(), 1e-3, 0.9, weight_decay=5e-4, **how)

    def step() -> None:
        optimiser.zero_grad(set_to_none=False)
        loss = sum(weight * F.cross_entropy(logits, labels) for weight, logits in net(x))
        loss.backward()
        optimiser.step()

    return step
