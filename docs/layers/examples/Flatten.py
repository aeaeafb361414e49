from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3, 4, 5]))
n.all = L.Flatten(n.x)
n.middle = L.Flatten(n.x, axis=1, end_axis=2)

for name, y in Net(n).forward().items():
    print(name, y.shape)
