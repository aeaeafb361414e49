# ruff: noqa - written as such files were
# Gradient ascent on an image, as in the notebooks of 2015 that let nets dream.
# Arguments: folder of the model, a photograph, name of the layer whose response grows.
import sys

import caffe
import numpy as np
from google.protobuf import text_format

model_path, photograph, end = sys.argv[1:]
model = caffe.io.caffe_pb2.NetParameter()
text_format.Merge(open(model_path + "/deploy.prototxt").read(), model)
model.force_backward = True
open("tmp.prototxt", "w").write(str(model))
net = caffe.Classifier(
    "tmp.prototxt",
    model_path + "/squeezenet_v1.1.caffemodel",
    mean=np.float32([104.0, 116.0, 122.0]),
    channel_swap=(2, 1, 0),
)


def preprocess(net, img):
    return np.float32(np.rollaxis(img, 2)[::-1]) - net.transformer.mean["data"]


def deprocess(net, img):
    return np.dstack((img + net.transformer.mean["data"])[::-1])


def make_step(net, step_size=1.5, jitter=8):
    src = net.blobs["data"]
    dst = net.blobs[end]
    ox, oy = np.random.randint(-jitter, jitter + 1, 2)
    src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)
    net.forward(end=end)
    dst.diff[:] = dst.data
    net.backward(start=end)
    g = src.diff[0]
    src.data[:] += step_size / np.abs(g).mean() * g
    src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
    return float((dst.data**2).sum())


np.random.seed(0)
base = preprocess(net, caffe.io.load_image(photograph)[:120, :160] * 255)
src = net.blobs["data"]
src.reshape(1, 3, base.shape[1], base.shape[2])
src.data[0] = base
for _ in range(10):
    print("response", make_step(net))
print("image", deprocess(net, src.data[0]).shape, np.abs(src.data[0] - base).mean() > 1)
