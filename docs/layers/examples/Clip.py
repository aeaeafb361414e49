from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[5]))
n.y = L.Clip(n.x, min=-1, max=2, loss_weight=1)

net = Net(n)
print(net.forward(x=[-3, -1, 0.5, 2, 7])["y"])
net.backward()
print(net.blobs["x"].diff)  # the bounds pass it on
