import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 5, 1, 1]))
n.y = L.LRN(n.x, local_size=3, alpha=3, beta=0.5)

x = np.array([0, 0, 2, 0, 0.0]).reshape(1, 5, 1, 1)
print(Net(n).forward(x=x)["y"].ravel().round(4))  # 2 / sqrt(1 + 3 / 3 * 2^2)
