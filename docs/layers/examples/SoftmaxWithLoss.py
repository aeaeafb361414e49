from owlkit import L, Net, NetSpec

n = NetSpec(force_backward=True)
n.score = L.Input(shape=dict(dim=[3, 4]))
n.label = L.Input(shape=dict(dim=[3]))
n.loss = L.SoftmaxWithLoss(n.score, n.label, ignore_label=255, propagate_down=[True, False])

net = Net(n)
net.forward(score=[[0, 0, 0, 0], [2, 0, 0, 0], [1, 2, 3, 4]], label=[2, 0, 255])
net.backward()
print(round(net.loss, 4))  # the mean of two: the third is ignored
print(net.blobs["score"].diff.round(3))
