import numpy as np

from owlkit import L, Net, NetSpec

n = NetSpec()
n.data, n.label = L.MemoryData(batch_size=2, channels=1, height=2, width=2, ntop=2)

net = Net(n)
images = np.arange(12.0).reshape(3, 1, 2, 2)
net.layer_dict["data"].reset(images, [7, 8, 9])
for _ in range(2):
    net.forward()
    print(net.blobs["data"].data[:, 0, 0, 0], net.blobs["label"].data)
