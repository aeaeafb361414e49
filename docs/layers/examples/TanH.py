from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.TanH(n.x)

print(Net(n).forward(x=[-100, 0, 0.5, 100])["y"].round(4))
