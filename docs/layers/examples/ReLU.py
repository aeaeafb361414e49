from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.ReLU(n.x, negative_slope=0.125, loss_weight=1)

net = Net(n)
print(net.forward(x=[-8, -1, 0, 3])["y"])
net.backward()
print(net.blobs["x"].diff)
