from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.Threshold(n.x, threshold=0.5)

print(Net(n).forward(x=[-1, 0.5, 0.6, 7])["y"])
