import h5py

from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 3]))
n.y = L.Input(shape=dict(dim=[2]))
n.output = L.HDF5Output(n.x, n.y, file_name="out.h5", ntop=0)

net = Net(n)
net.forward(x=[[1, 2, 3], [4, 5, 6]], y=[0, 1])
net.forward(y=[2, 3])  # appends
with h5py.File("out.h5") as file:
    print(file["data"].shape, file["label"][:].ravel())
