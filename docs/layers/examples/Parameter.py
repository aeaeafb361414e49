from owlkit import L, Net, NetSpec

n = NetSpec()
n.w = L.Parameter(shape=dict(dim=[2, 2]))
n.loss = L.Reduction(n.w, operation="SUMSQ", loss_weight=1)

net = Net(n, phase="train")
net.params["w"][0].data[...] = [[1, 2], [3, 4]]
net.forward()
net.backward()
print(net.loss)
print(net.params["w"][0].diff)
