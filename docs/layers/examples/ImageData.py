import numpy as np
from PIL import Image

from owlkit import L, Net, NetSpec

for name, colour in (("red", (255, 0, 0)), ("grey", (100, 100, 100))):
    Image.fromarray(np.full((6, 8, 3), colour, np.uint8)).save(f"{name}.png")
with open("images.txt", "w") as listing:
    listing.write("red.png 1\ngrey.png 0\n")

n = NetSpec()
n.data, n.label = L.ImageData(source="images.txt", batch_size=2, new_height=4, new_width=4, ntop=2)

net = Net(n)
net.forward()
print(net.blobs["data"].data[:, :, 0, 0], net.blobs["label"].data)  # blue, green, red
