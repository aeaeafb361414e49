"""Why a row is slower than PyTorch's, in a sentence; shown and stored only where it is."""

from __future__ import annotations

_ONE_CORE = "NumPy on one core; PyTorch's is compiled and runs on both"
_MEMORY = "bound by memory on both sides; within the noise of the machine"
_SAME = "the same work of oneDNN on both sides; within the noise of the machine"
_GATES = "the products take as long as PyTorch's; the gates of each step are NumPy on one core"
_ROWS = "oneDNN's softmax takes as long for a row of 21 channels as of 32; PyTorch runs along the pixels"
_CHECKED = "labels are checked in every batch, which PyTorch does not do; NumPy on one core"
_VIEWS = "PyTorch's gradients are views of one array; the blobs of owlkit have memory of their own"

WHY = {
    "Convolution CaffeNet conv2, 2 groups": _SAME,
    "Convolution DeepLab dilated": _SAME,
    "Convolution MobileNet depthwise": _SAME,
    "Convolution ResNet-50 3x3": _SAME,
    "Deconvolution FCN bilinear, 21 groups": _SAME,
    "Im2col ResNet-50 3x3": "windows are copied by NumPy on one core before oneDNN turns them",
    "Im2col CaffeNet conv2": "windows are copied by NumPy on one core before oneDNN turns them",
    "Pooling MAX with positions, SegNet": "positions are computed from oneDNN's by NumPy on one core",
    "MVN across channels": _MEMORY,
    "Bias, ResNet-50": _MEMORY,
    "ReLU leaky": _MEMORY,
    "ReLU": _MEMORY,
    "Sigmoid": _MEMORY,
    "TanH": _MEMORY,
    "Swish": _MEMORY,
    "Exp": _MEMORY,
    "Log": _MEMORY,
    "Power linear": _MEMORY,
    "Power root": "oneDNN raises to this power one value at a time, so NumPy does it, on one core",
    "Softmax FCN": _ROWS,
    "SoftmaxWithLoss FCN": _ROWS,
    "EuclideanLoss autoencoder": "at 0.06 ms mostly the calls",
    "EuclideanLoss depth": "the difference is squared and scaled by NumPy on one core",
    "HingeLoss L1": _CHECKED,
    "InfogainLoss": _ONE_CORE,
    "Accuracy 1000 classes": _CHECKED,
    "Accuracy LeNet": _CHECKED,
    "Accuracy FCN": _CHECKED,
    "ArgMax top 5": "the highest is taken five times, by NumPy on one core",
    "Eltwise SUM, ResNet-50": _MEMORY,
    "Eltwise SUM with coeff": _MEMORY,
    "Eltwise PROD": _MEMORY,
    "Concat GoogLeNet": _MEMORY,
    "Concat batch": _VIEWS,
    "Slice channels": _MEMORY,
    "Slice siamese": "every second value in memory is copied, by NumPy on one core",
    "Split 2 readers": _MEMORY,
    "Flatten CaffeNet pool5": "a view in PyTorch's contiguous layout; in channels-last a copy, here too",
    "Tile LRCN": _ONE_CORE,
    "Tile channels": _ONE_CORE,
    "Reduction SUM": "at 0.05 ms mostly the calls",
    "Reduction MEAN of planes": _ONE_CORE,
    "Reduction SUMSQ": _ONE_CORE,
    "Reduction ASUM": _ONE_CORE,
    "BatchReindex": _ONE_CORE,
    "LSTM 16 x 80 x 1000": _GATES,
    "LSTM 16 x 80 x 256": _GATES,
    "LSTM 32 x 20 x 512": _GATES,
}
