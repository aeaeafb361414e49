from owlkit import L, Net, NetSpec

n = NetSpec()
n.ones, n.noise = L.DummyData(
    shape=[dict(dim=[2, 2]), dict(dim=[1, 3])],
    data_filler=[dict(type="constant", value=1), dict(type="uniform", min=5, max=6)],
    ntop=2,
)

net = Net(n, seed=0)
net.forward()
first = net.blobs["noise"].data.copy()
net.forward()
print(net.blobs["ones"].data)
print(first.shape, (first == net.blobs["noise"].data).any())  # drawn anew
