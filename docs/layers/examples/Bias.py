from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.y = L.Bias(n.x)

net = Net(n)
net.params["y"][0].data[...] = [100, 200, 300]
print(net.forward(x=[[1, 2, 3], [4, 5, 6]])["y"])
