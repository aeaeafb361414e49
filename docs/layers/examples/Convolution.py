import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 3, 7, 7]))
n.y = L.Convolution(n.x, num_output=8, kernel_size=3, stride=2, weight_filler=dict(type="xavier"))
n.edges = L.Convolution(n.x, num_output=1, kernel_h=1, kernel_w=2, bias_term=False)

net = Net(n, seed=0)
net.params["edges"][0].data[...] = [-1, 1]  # right minus left, over all channels
x = np.zeros((1, 3, 7, 7))
x[..., 4:] = 1
net.forward(x=x)
print(net.blobs["y"].shape, [blob.shape for blob in net.params["y"]])
print(net.blobs["edges"].data[0, 0, 0])
