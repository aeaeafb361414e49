from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[1, 4]))
n.y = L.AbsVal(n.x, loss_weight=1)

net = Net(n)
print(net.forward(x=[[-2, -0.5, 0, 3]])["y"])
net.backward()
print(net.blobs["x"].diff)
