from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.y = L.Scale(n.x, bias_term=True)

net = Net(n)
gamma, beta = net.params["y"]
gamma.data[...] = [1, 10, 100]
beta.data[...] = 0.5
print(net.forward(x=[[1, 2, 3], [4, 5, 6]])["y"])
