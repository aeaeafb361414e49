from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[2, 2]))
n.y = L.Tile(n.x, axis=1, tiles=3)

print(Net(n).forward(x=[[1, 2], [3, 4]])["y"])
