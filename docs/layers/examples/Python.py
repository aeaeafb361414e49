import numpy as np

import owlkit
from owlkit import L, Net, NetSpec


@owlkit.layer
class Swap(owlkit.PythonLayer):
    """The two halves of the channels exchanged."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = np.roll(bottom[0].data, bottom[0].shape[1] // 2, axis=1)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = np.roll(top[0].diff, -(bottom[0].shape[1] // 2), axis=1)


n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 4]))
n.y = L.Swap(n.x)  # its own type; where the class is in a module:
n.z = L.Python(n.y, layer="Swap")  # L.Python(n.y, module="layers", layer="Swap")

net = Net(n)
net.forward(x=[[1, 2, 3, 4]])
print(net.blobs["y"].data, net.blobs["z"].data)
print(owlkit.check_gradients(net).ok)
