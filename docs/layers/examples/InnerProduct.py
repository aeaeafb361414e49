from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.y = L.InnerProduct(n.x, num_output=2, bias_filler=dict(type="constant", value=100))

net = Net(n)
net.params["y"][0].data[...] = [[1, 0, 0], [0, 1, -1]]
print(net.forward(x=[[1, 2, 3], [4, 5, 9]])["y"])
