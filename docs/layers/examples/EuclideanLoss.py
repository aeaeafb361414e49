from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.a = L.Input(shape=dict(dim=[2, 2]))
n.b = L.Input(shape=dict(dim=[2, 2]))
n.loss = L.EuclideanLoss(n.a, n.b)

net = Net(n)
net.forward(a=[[1, 2], [3, 4]], b=[[1, 0], [3, 8]])
net.backward()
print(net.loss)
print(net.blobs["a"].diff)
