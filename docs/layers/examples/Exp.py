from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.Exp(n.x, base=2, shift=1)

print(Net(n).forward(x=[-1, 0, 1, 2])["y"].round(4))
