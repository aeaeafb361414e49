import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 1, 4, 5]))
n.like = L.Input(shape=dict(dim=[1, 1, 2, 3]))
n.y = L.Crop(n.x, n.like, axis=2, offset=[1, 2])

print(Net(n).forward(x=np.arange(20).reshape(1, 1, 4, 5))["y"][0, 0])
