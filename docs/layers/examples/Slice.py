from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 5]))
n.a, n.b = L.Slice(n.x, axis=1, slice_point=2, ntop=2)

for name, y in Net(n).forward(x=[[0, 1, 2, 3, 4]]).items():
    print(name, y)
