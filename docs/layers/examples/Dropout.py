import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 8]))
n.y = L.Dropout(n.x, dropout_ratio=0.5)

x = np.ones((2, 8))
train, test = Net(n, phase="train", seed=3), Net(n, phase="test")
print(train.forward(x=x)["y"])
print(train.forward(x=x)["y"])  # a new mask in every pass
print(test.forward(x=x)["y"])
