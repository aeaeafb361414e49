import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.data = L.Input(shape=dict(dim=[1, 3]))
n.y = L.Power(n.data, scale=2)

net = Net(n)
print(net.forward(data=[[1, 2, 3]])["y"])
net.blobs["data"].reshape(2, 2)  # another shape from now on; what follows adapts
net.blobs["data"].data[...] = np.eye(2)
print(net.forward()["y"])
