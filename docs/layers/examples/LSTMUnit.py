import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.c_prev = L.Input(shape=dict(dim=[1, 2, 1]))
n.x = L.Input(shape=dict(dim=[1, 2, 4]))
n.cont = L.Input(shape=dict(dim=[1, 2]))
n.c, n.h = L.LSTMUnit(n.c_prev, n.x, n.cont, ntop=2)

gates = np.array([-9, 9, 9, 0.0])  # in: closed, forget: open, out: open, nothing new
net = Net(n)
net.forward(c_prev=np.ones((1, 2, 1)), x=np.tile(gates, (1, 2, 1)), cont=[[1, 0]])
print(net.blobs["c"].data.ravel().round(3), net.blobs["h"].data.ravel().round(3))
