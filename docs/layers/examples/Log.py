from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.Log(n.x, base=10)

print(Net(n).forward(x=[0.1, 1, 10, 1000])["y"].round(4))
