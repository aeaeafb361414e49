from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[4, 2]))
n.keep = L.Input(shape=dict(dim=[4]))
n.y = L.Filter(n.x, n.keep)

net = Net(n)
print(net.forward(x=[[0, 1], [10, 11], [20, 21], [30, 31]], keep=[0, 1, 0, 1])["y"])
