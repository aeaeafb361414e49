from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.y = L.Softmax(n.x)

print(Net(n).forward(x=[[0, 0, 0], [1, 2, 1000]])["y"].round(4))
