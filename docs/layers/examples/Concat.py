from owlkit import L, Net, NetSpec

n = NetSpec()
n.a = L.Input(shape=dict(dim=[2, 1]))
n.b = L.Input(shape=dict(dim=[2, 2]))
n.y = L.Concat(n.a, n.b, axis=1)

print(Net(n).forward(a=[[1], [4]], b=[[2, 3], [5, 6]])["y"])
