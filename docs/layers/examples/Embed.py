import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.word = L.Input(shape=dict(dim=[2, 2]))
n.y = L.Embed(n.word, input_dim=5, num_output=3, bias_term=False)

net = Net(n)
net.params["y"][0].data[...] = np.arange(5)[:, None] * 10 + np.arange(3)
print(net.forward(word=[[4, 0], [1, 1]])["y"])
