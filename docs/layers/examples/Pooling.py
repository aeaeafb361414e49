import numpy as np

from owlkit import L, Net, NetSpec, P

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 1, 4, 4]))
n.maximum = L.Pooling(n.x, pool=P.Pooling.MAX, kernel_size=2, stride=2)
n.mean = L.Pooling(n.x, pool=P.Pooling.AVE, global_pooling=True)
n.drawn = L.Pooling(n.x, pool=P.Pooling.STOCHASTIC, kernel_size=2, stride=2)

net = Net(n, phase="train", seed=0)
x = np.arange(16).reshape(1, 1, 4, 4)
for _ in range(2):  # STOCHASTIC draws anew in every pass
    for name, y in net.forward(x=x).items():
        print(name, y[0, 0].tolist())
