import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 1, 4, 4]))
n.y = L.SPP(n.x, pyramid_height=2)

net = Net(n)
print(net.forward(x=np.arange(16).reshape(1, 1, 4, 4))["y"])
net.blobs["x"].reshape(1, 1, 6, 9)  # another size gives as many values
print(net.forward(x=np.arange(54).reshape(1, 1, 6, 9))["y"])
