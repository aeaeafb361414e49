import h5py
import numpy as np

from owlkit import L, Net, NetSpec

with h5py.File("five.h5", "w") as file:
    file["x"] = np.arange(10.0).reshape(5, 2)
    file["target"] = [[0.0], [1.0], [2.0], [3.0], [4.0]]
with open("files.txt", "w") as listing:
    listing.write("five.h5\n")

n = NetSpec()
n.x, n.target = L.HDF5Data(source="files.txt", batch_size=3, ntop=2)  # tops are called as the datasets

net = Net(n)
for _ in range(2):
    net.forward()
    print(net.blobs["x"].data.tolist(), net.blobs["target"].data.ravel())
