"""Why a row is slower than PyTorch's, in a sentence; shown and stored only where it is."""

from __future__ import annotations

_MEMORY = "bound by memory on both sides: as many bytes read and written"
_SAME = "the same work of oneDNN on both sides"
_GATES = (
    "the products alone take about as long as all of PyTorch's; the gates come on top, passes of NumPy over "
    "a step's values on one core (oneDNN 3.2's own LSTM is its slow reference, and slower than both)"
)
_ROWS = (
    "oneDNN's softmax takes 24 to 30 ns a row and core, be it of 2, 10, 21 or 32 channels; PyTorch runs "
    "along the pixels. exp and a product with ones, instead, gains 4 % at 21 forward and loses backward"
)
_CALLS = "some hundredths of a millisecond: the Python of a pass through a net, which is the same at any size"
_CHECKED = "every label is checked in every batch, which PyTorch does not do"
_PARTS = (
    "one reorder of oneDNN per part; on one core joining takes 1.3 and cutting 1.5 to 1.9 times as long as "
    "one copy of the whole"
)
_VIEWS = "PyTorch's gradients are views of one array; blobs have memory of their own, so theirs are copied"
_SUMS = "NumPy's sum and fill, at the speed of memory on one core; a second core helps only where it is idle"
_INDICES = "the numbers are checked in every batch, and the rows sorted by them before NumPy adds them up"
_WHOLE_TABLE = (
    "the gradient of the whole table, 35 MB, keeps its memory and is zeroed (1.6 ms); PyTorch takes fresh "
    "pages, which come zeroed, for the few rows in use"
)

WHY = {
    "Convolution CaffeNet conv2, 2 groups": _SAME,
    "Convolution DeepLab dilated": _SAME,
    "Convolution MobileNet depthwise": _SAME,
    "Convolution ResNet-50 3x3": _SAME,
    "Deconvolution FCN bilinear, 21 groups": _SAME,
    "Im2col ResNet-50 3x3": "windows are copied by NumPy on one core before oneDNN turns them",
    "Im2col CaffeNet conv2": "windows are copied by NumPy on one core before oneDNN turns them",
    "Embed LRCN": _WHOLE_TABLE,
    "Embed small table": _INDICES,
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
    "EuclideanLoss autoencoder": _CALLS,
    "EuclideanLoss depth": "three passes of NumPy, 0.18, 0.07 and 0.18 ms on one core",
    "HingeLoss L1": _CHECKED,
    "InfogainLoss": "p is kept, and raised to 1e-20 before its logarithm, as in Caffe: a pass more each way",
    "Accuracy 1000 classes": _CHECKED,
    "Accuracy LeNet": _CALLS,
    "Accuracy FCN": _CHECKED,
    "ArgMax top 5": "the highest is taken five times, by NumPy on one core",
    "Eltwise SUM, ResNet-50": _MEMORY,
    "Eltwise SUM with coeff": _MEMORY,
    "Eltwise PROD": _MEMORY,
    "Concat GoogLeNet": _PARTS,
    "Concat batch": _VIEWS,
    "Slice channels": _PARTS,
    "Slice siamese": "every second value in memory is copied, by NumPy on one core",
    "Split 2 readers": _MEMORY,
    "Flatten CaffeNet pool5": "a view in PyTorch's contiguous layout; from channels-last a copy each way",
    "Tile LRCN": _CALLS,
    "Tile channels": "copies and their sum by NumPy, at the speed of memory on one core",
    "Reduction SUM": _CALLS,
    "Reduction MEAN of planes": _SUMS,
    "Reduction SUMSQ": _SUMS,
    "Reduction ASUM": "four passes of NumPy, of which sign takes as long as the others together",
    "BatchReindex": "bound by memory; the sums of items chosen twice are made one row after another",
    "LSTM 16 x 80 x 1000": _GATES,
    "LSTM 16 x 80 x 256": _GATES,
    "LSTM 32 x 20 x 512": _GATES,
}
