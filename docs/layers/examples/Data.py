import numpy as np

from owlkit import L, Net, NetSpec, P
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter

with RecordWriter("six_lmdb") as records:  # owlkit.datasets makes real ones
    for k in range(6):
        image = np.full((1, 2, 2), 40 * k, np.uint8)
        records.put(f"{k:04}", array_to_datum(image, label=k % 3).SerializeToString())

n = NetSpec()
n.data, n.label = L.Data(
    source="six_lmdb", backend=P.Data.LMDB, batch_size=4, transform_param=dict(scale=1 / 40), ntop=2
)

net = Net(n)
for _ in range(2):  # round and round
    net.forward()
    print(net.blobs["data"].data[:, 0, 0, 0], net.blobs["label"].data)
