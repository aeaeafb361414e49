from owlkit import L, Net, NetSpec, P

n = NetSpec()
n.a = L.Input(shape=dict(dim=[3]))
n.b = L.Input(shape=dict(dim=[3]))
n.difference = L.Eltwise(n.a, n.b, operation=P.Eltwise.SUM, coeff=[1, -1])
n.product = L.Eltwise(n.a, n.b, operation=P.Eltwise.PROD)
n.maximum = L.Eltwise(n.a, n.b, operation=P.Eltwise.MAX)

for name, y in Net(n).forward(a=[1, 5, 3], b=[4, 2, 3]).items():
    print(name, y)
