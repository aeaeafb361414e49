from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[2, 2]))
n.target = L.Input(shape=dict(dim=[2, 2]))
n.loss = L.SigmoidCrossEntropyLoss(n.x, n.target, propagate_down=[True, False])

net = Net(n)
net.forward(x=[[0, 0], [100, -100]], target=[[1, 0.5], [1, 0]])
net.backward()
print(round(net.loss, 4))
print(net.blobs["x"].diff.round(4))
