from owlkit import L, Net, NetSpec, P

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.total = L.Reduction(n.x)
n.energy = L.Reduction(n.x, operation=P.Reduction.SUMSQ, axis=1, coeff=0.5)

for name, y in Net(n).forward(x=[[1, 2, 3], [-1, 0, 1]]).items():
    print(name, y)
