from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 4]))
n.best = L.ArgMax(n.x, axis=1)
n.two = L.ArgMax(n.x, top_k=2, out_max_val=True)

net = Net(n)
net.forward(x=[[1, 9, 3, 9], [8, 0, 7, 1]])
print(net.blobs["best"].data)
print(net.blobs["two"].data)  # indices, then values
