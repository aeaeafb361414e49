"""A whole script as they were written in 2015, from the definition to the deployed net, run as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from owlkit import datasets

SCRIPT = """
import os
import sys

import numpy as np

caffe_root = "../"
sys.path.insert(0, caffe_root + "python")
os.environ["GLOG_minloglevel"] = "1"
import caffe
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2

train_lmdb, test_lmdb = sys.argv[1:]


def lenet(lmdb, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.Data(batch_size=batch_size, backend=P.Data.LMDB, source=lmdb,
                             transform_param=dict(scale=1./255), ntop=2)
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=8, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool1, num_output=32, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


for name, lmdb, batch_size in (("train", train_lmdb, 32), ("test", test_lmdb, 50)):
    with open(name + ".prototxt", "w") as f:
        f.write(str(lenet(lmdb, batch_size)))

s = caffe_pb2.SolverParameter()
s.random_seed = 0xCAFFE
s.train_net = "train.prototxt"
s.test_net.append("test.prototxt")
s.test_interval = 500
s.test_iter.append(2)
s.max_iter = 10000
s.type = "Adam"
s.base_lr = 0.002
s.momentum = 0.9
s.lr_policy = "fixed"
s.snapshot_prefix = "lenet"
with open("solver.prototxt", "w") as f:
    f.write(str(s))

caffe.set_mode_cpu()
solver = None
solver = caffe.get_solver("solver.prototxt")
print([(k, v.data.shape) for k, v in solver.net.blobs.items()])
print([(k, v[0].data.shape) for k, v in solver.net.params.items()])

solver.net.forward()
solver.test_nets[0].forward()
niter = 60
train_loss = np.zeros(niter)
output = np.zeros((niter, 8, 10))
for it in range(niter):
    solver.step(1)
    train_loss[it] = solver.net.blobs["loss"].data
    solver.test_nets[0].forward(start="conv1")
    output[it] = solver.test_nets[0].blobs["score"].data[:8]
assert train_loss[-10:].mean() < 0.5 * train_loss[:5].mean()
assert (output[0] != output[-1]).any()

correct = 0
for test_it in range(4):
    solver.test_nets[0].forward()
    correct += sum(solver.test_nets[0].blobs["score"].data.argmax(1)
                   == solver.test_nets[0].blobs["label"].data)
print("accuracy", correct / 200.)
solver.snapshot()

deploy = lenet(test_lmdb, 1)
del deploy.layer[-1], deploy.layer[0]
deploy.input.append("data")
deploy.input_shape.add().dim.extend([1, 1, 28, 28])
with open("deploy.prototxt", "w") as f:
    f.write(str(deploy))
net = caffe.Net("deploy.prototxt", "lenet_iter_60.caffemodel", caffe.TEST)
transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
transformer.set_transpose("data", (2, 0, 1))
images = solver.test_nets[0].blobs["data"].data
labels = solver.test_nets[0].blobs["label"].data
right = 0
for image, label in zip(images, labels):
    net.blobs["data"].data[...] = transformer.preprocess("data", image.transpose(1, 2, 0))
    right += net.forward()["score"].argmax() == label
assert right == (solver.test_nets[0].blobs["score"].data.argmax(1) == labels).sum()
print("done")
"""


def test_a_script_from_definition_to_deployment(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    sets = [datasets.digits("train"), datasets.digits("test")]
    command = [sys.executable, "-m", "owlkit.caffe", "script.py", *(str(Path(s).resolve()) for s in sets)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("[('data', (32, 1, 28, 28)), ('label', (32,)), ('conv1', (32, 8, 24, 24))")
    assert lines[1].startswith("[('conv1', (8, 1, 5, 5)), ('fc1', (32, 1152))")
    assert float(lines[2].removeprefix("accuracy ")) > 0.8
    assert lines[3] == "done"
