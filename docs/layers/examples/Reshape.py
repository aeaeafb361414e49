from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 8, 3]))
n.y = L.Reshape(n.x, shape=dict(dim=[0, 4, -1]))  # 0: as it was, -1: what is left
n.z = L.Reshape(n.x, shape=dict(dim=[2, 4]), axis=1, num_axes=1)

for name, y in Net(n).forward().items():
    print(name, y.shape)
