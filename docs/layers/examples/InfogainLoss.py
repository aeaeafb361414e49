import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.score = L.Input(shape=dict(dim=[2, 3]))
n.label = L.Input(shape=dict(dim=[2]))
n.H = L.Input(shape=dict(dim=[1, 1, 3, 3]))
n.loss = L.InfogainLoss(n.score, n.label, n.H)

net = Net(n)
score = [[2, 1, 0], [0, 1, 2]]
for weights in (np.eye(3), np.diag([1, 1, 10])):  # with the identity: SoftmaxWithLoss
    net.forward(score=score, label=[0, 0], H=weights[None, None])
    plain = net.loss
    net.forward(label=[0, 2])
    print(round(plain, 4), round(net.loss, 4))
