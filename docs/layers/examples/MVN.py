import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 2, 2, 2]))
n.y = L.MVN(n.x)

x = np.array([[1, 2, 3, 4], [0, 0, 0, 100]]).reshape(1, 2, 2, 2)
print(Net(n).forward(x=x)["y"].reshape(2, 4).round(4))
