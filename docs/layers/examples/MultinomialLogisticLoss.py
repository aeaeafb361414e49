from owlkit import L, Net, NetSpec

n = NetSpec()
n.p = L.Input(shape=dict(dim=[2, 3]))
n.label = L.Input(shape=dict(dim=[2]))
n.loss = L.MultinomialLogisticLoss(n.p, n.label)

net = Net(n)
net.forward(p=[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], label=[0, 1])
print(round(net.loss, 4))
