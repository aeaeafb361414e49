from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4]))
n.y = L.Power(n.x, power=2, scale=0.5, shift=1)

print(Net(n).forward(x=[-2, 0, 2, 4])["y"])
