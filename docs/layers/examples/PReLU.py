from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 2]))
n.y = L.PReLU(n.x)

net = Net(n)
net.params["y"][0].data[1] = 0.5  # the slope of the second channel; the first keeps 0.25
print(net.forward(x=[[-4, -4], [4, 4]])["y"])
