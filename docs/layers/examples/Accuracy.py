from owlkit import L, Net, NetSpec

n = NetSpec()
n.score = L.Input(shape=dict(dim=[4, 3]))
n.label = L.Input(shape=dict(dim=[4]))
n.accuracy, n.per_class = L.Accuracy(n.score, n.label, ntop=2)

score = [[3, 1, 2], [1, 3, 2], [1, 2, 3], [2, 2, 2]]  # the last one is a tie
net = Net(n)
net.forward(score=score, label=[0, 0, 2, 1])
print(net.blobs["accuracy"].data)
print(net.blobs["per_class"].data)
