from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.a = L.Input(shape=dict(dim=[2, 2]))
n.b = L.Input(shape=dict(dim=[2, 2]))
n.similar = L.Input(shape=dict(dim=[2]))
n.loss = L.ContrastiveLoss(n.a, n.b, n.similar, margin=2, propagate_down=[True, True, False])

net = Net(n)
net.forward(a=[[1, 1], [0.6, 0.8]], b=[[0, 0], [0, 0]], similar=[1, 0])
net.backward()
print(round(net.loss, 4))
print(net.blobs["a"].diff.round(3))  # the first pair is drawn together, the second pushed apart
