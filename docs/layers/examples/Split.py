from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.x = L.Input(shape=dict(dim=[2]))
n.a, n.b = L.Split(n.x, ntop=2)
n.twice = L.Power(n.a, scale=2, loss_weight=1)
n.square = L.Power(n.b, power=2, loss_weight=1)

net = Net(n)
net.forward(x=[1, 5])
net.backward()
print(net.blobs["x"].diff)  # 2 + 2 x
