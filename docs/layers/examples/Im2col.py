import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 1, 3, 3]))
n.y = L.Im2col(n.x, kernel_size=2)

y = Net(n).forward(x=np.arange(9).reshape(1, 1, 3, 3))["y"]
print(y.shape)
print(y[0, :, 0, 0])  # the first window
