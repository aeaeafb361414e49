import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[3, 2, 1]))  # 3 steps of 2 streams
n.cont = L.Input(shape=dict(dim=[3, 2]))
n.o = L.RNN(n.x, n.cont, num_output=1)

net = Net(n)
for blob, value in zip(net.params["o"], (1, 0, 0.5, 1, 0), strict=True):  # w_x, b, w_h, w_o, b_o
    blob.data[...] = value
o = net.forward(x=np.ones((3, 2, 1)), cont=[[0, 0], [1, 0], [1, 0]])["o"]
print(o[:, :, 0].round(4))  # the second stream begins anew at every step
