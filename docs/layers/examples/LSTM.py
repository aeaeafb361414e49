import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4, 1, 2]))  # 4 steps of 1 stream
n.cont = L.Input(shape=dict(dim=[4, 1]))
n.h = L.LSTM(n.x, n.cont, num_output=3, weight_filler=dict(type="uniform", min=-1, max=1))

net = Net(n, seed=0)
h = net.forward(x=np.ones((4, 1, 2)), cont=[[0], [1], [0], [1]])["h"]
print(h.shape, [blob.shape for blob in net.params["h"]])
print(np.array_equal(h[:2], h[2:]))  # a new sequence begins at step 2
