import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[8, 2, 3, 3]))
n.norm = L.BatchNorm(n.x)
n.y = L.Scale(n.norm, bias_term=True, in_place=True)  # the learned scale and shift

x = np.random.default_rng(0).normal([[[5]], [[-1]]], [[[2]], [[10]]], (8, 2, 3, 3))
net = Net(n, phase="train")
y = net.forward(x=x)["norm"]
print(abs(y.mean((0, 2, 3))).max() < 1e-6, y.std((0, 2, 3)).round(3))
mean, variance, scale = (blob.data for blob in net.params["norm"])
print((mean / scale).round(2), (variance / scale).round(2))  # the running values after one batch
