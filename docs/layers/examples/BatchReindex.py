from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[3, 2]))
n.p = L.Input(shape=dict(dim=[4]))
n.y = L.BatchReindex(n.x, n.p, loss_weight=1, propagate_down=[True, False])

net = Net(n)
print(net.forward(x=[[0, 1], [10, 11], [20, 21]], p=[2, 0, 0, 2])["y"])
net.backward()
print(net.blobs["x"].diff)
