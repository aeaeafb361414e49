from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[5]))
n.y = L.BNLL(n.x)

print(Net(n).forward(x=[-100, -1, 0, 1, 100])["y"].round(4))
