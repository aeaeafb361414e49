from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[5]))
n.y = L.ELU(n.x, alpha=2)

print(Net(n).forward(x=[-100, -1, 0, 1, 3])["y"].round(4))
