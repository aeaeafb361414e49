from owlkit import L, Net, NetSpec, P

n = NetSpec(force_backward=True)
n.score = L.Input(shape=dict(dim=[2, 3]))
n.label = L.Input(shape=dict(dim=[2]))
n.loss = L.HingeLoss(n.score, n.label, norm=P.HingeLoss.L1, propagate_down=[True, False])

net = Net(n)
net.forward(score=[[0.5, -2, 0.5], [0, 0, 0]], label=[0, 1])
net.backward()
print(net.loss)
print(net.blobs["score"].diff)
