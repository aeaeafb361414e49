# ruff: noqa - written as such files were
# Classification with a published net, as the first notebooks for pycaffe did it.
# Arguments: folder of the model, folder of photographs, name of a photograph.
import sys

import numpy as np

caffe_root = "../"
sys.path.insert(0, caffe_root + "python")
import caffe

model, photographs, name = sys.argv[1:]
caffe.set_mode_cpu()
net = caffe.Net(model + "/deploy.prototxt", model + "/squeezenet_v1.1.caffemodel", caffe.TEST)

mu = np.load(photographs + "/ilsvrc_2012_mean.npy").mean(1).mean(1)
transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
transformer.set_transpose("data", (2, 0, 1))
transformer.set_mean("data", mu)
transformer.set_raw_scale("data", 255)
transformer.set_channel_swap("data", (2, 1, 0))

net.blobs["data"].reshape(2, 3, 227, 227)
image = caffe.io.load_image(photographs + "/" + name)
net.blobs["data"].data[...] = transformer.preprocess("data", image)
output_prob = net.forward()["prob"][0]
labels = np.loadtxt(photographs + "/synset_words.txt", str, delimiter="\t")
print("label", labels[output_prob.argmax()])
for i in output_prob.ravel().argsort()[::-1][:5]:
    print("top", output_prob.ravel()[i], labels[i])

for layer_name, blob in net.blobs.items():
    print("blob", layer_name + "\t" + str(blob.data.shape))
for layer_name, param in net.params.items():
    print("param", layer_name + "\t" + str(param[0].data.shape), str(param[1].data.shape))


def tile(data):
    """Maps (n, height, width) in a square, with a gap, between 0 and 1."""
    data = (data - data.min()) / (data.max() - data.min())
    n = int(np.ceil(np.sqrt(data.shape[0])))
    padding = ((0, n**2 - data.shape[0]), (0, 1), (0, 1)) + ((0, 0),) * (data.ndim - 3)
    data = np.pad(data, padding, mode="constant", constant_values=1)
    data = data.reshape((n, n) + data.shape[1:]).transpose((0, 2, 1, 3) + tuple(range(4, data.ndim + 1)))
    return data.reshape((n * data.shape[1], n * data.shape[3]) + data.shape[4:])


print("filters", tile(net.params["conv1"][0].data.transpose(0, 2, 3, 1)).shape)
print("features", tile(net.blobs["conv1"].data[0, :36]).shape)
back = transformer.deprocess("data", net.blobs["data"].data[0])
resized = caffe.io.resize_image(image, back.shape[:2])
print("deprocessed within", np.abs(back - resized).max())
