# ruff: noqa - written as such files were
# Digits to LMDB, a net by NetSpec, a solver by its message, training by steps: a whole project in a file.
import os

import lmdb
import numpy as np
from sklearn.datasets import load_digits

import caffe
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2

digits = load_digits()
images = (digits.images * 15).astype(np.uint8)[:, None]
order = np.random.RandomState(0).permutation(len(images))
parts = {"train": order[:1500], "test": order[1500:1700]}


def write(name, indices):
    env = lmdb.open(name, map_size=1 << 26)
    with env.begin(write=True) as txn:
        for i, index in enumerate(indices):
            datum = caffe.io.array_to_datum(images[index], int(digits.target[index]))
            txn.put("{:08}".format(i).encode("ascii"), datum.SerializeToString())
    env.close()


def digits_net(db, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.Data(
        batch_size=batch_size, backend=P.Data.LMDB, source=db, transform_param=dict(scale=1.0 / 255), ntop=2
    )
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=16, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool1, num_output=64, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


for name, indices in parts.items():
    write(name + "_lmdb", indices)
    with open(name + ".prototxt", "w") as f:
        f.write(str(digits_net(name + "_lmdb", 50)))

s = caffe_pb2.SolverParameter()
s.random_seed = 5
s.train_net = "train.prototxt"
s.test_net.append("test.prototxt")
s.test_interval = 1000
s.test_iter.append(4)
s.base_lr = 0.1
s.momentum = 0.9
s.lr_policy = "inv"
s.gamma = 0.0001
s.power = 0.75
s.max_iter = 200
s.snapshot_prefix = "digits"
s.solver_mode = caffe_pb2.SolverParameter.CPU
with open("solver.prototxt", "w") as f:
    f.write(str(s))

solver = caffe.get_solver("solver.prototxt")
print("blobs", [(k, v.data.shape) for k, v in solver.net.blobs.items()])
solver.net.forward()
solver.test_nets[0].forward()
losses = np.zeros(200)
for it in range(200):
    solver.step(1)
    losses[it] = solver.net.blobs["loss"].data
print("loss falls", losses[:10].mean() > 5 * losses[-10:].mean())

correct = 0
for test_it in range(4):
    solver.test_nets[0].forward()
    labels = solver.test_nets[0].blobs["label"].data
    correct += (solver.test_nets[0].blobs["score"].data.argmax(1) == labels).sum()
print("accuracy", correct / 200.0)
print("filters", solver.net.params["conv1"][0].diff[:, 0].reshape(4, 4, 3, 3).shape)

solver.net.save("digits.caffemodel")
del solver, labels  # py-lmdb opens a set once in a process
env = lmdb.open("test_lmdb", readonly=True, lock=False)
raw = []
with env.begin() as txn:
    for key, value in txn.cursor():
        datum = caffe_pb2.Datum()
        datum.ParseFromString(value)
        raw.append((datum.label, caffe.io.datum_to_array(datum)))
env.close()
print("records", len(raw), raw[0][1].shape, raw[0][1].dtype, os.path.exists("digits.caffemodel"))
