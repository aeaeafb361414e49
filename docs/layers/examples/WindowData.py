import numpy as np
from PIL import Image

from owlkit import L, Net, NetSpec

Image.fromarray(np.arange(80, dtype=np.uint8).reshape(8, 10)[..., None].repeat(3, 2)).save("scene.png")
with open("windows.txt", "w") as windows:  # number, path, channels, height, width, windows
    windows.write("# 0\nscene.png\n3\n8\n10\n2\n")
    windows.write("7 0.9 2 2 5 5\n0 0.1 6 0 9 3\n")  # class, overlap, x1, y1, x2, y2

n = NetSpec()
n.data, n.label = L.WindowData(
    source="windows.txt", batch_size=4, fg_fraction=0.5, transform_param=dict(crop_size=4), ntop=2
)

net = Net(n, seed=0)
net.forward()
print(net.blobs["data"].shape, net.blobs["label"].data)  # background first
print(net.blobs["data"].data[2, 0])
