"""Data sets and models: `digits` needs no download, the others are fetched once. Each call gives paths.

owlkit.datasets.digits("train")     1,437 images (1, 28, 28), 10 classes; "test": 360
owlkit.datasets.mnist("train")      60,000 images (1, 28, 28), 10 classes; "test": 10,000
owlkit.datasets.fashion_mnist(...)  as MNIST
owlkit.datasets.cifar10("train")    50,000 images (3, 32, 32) in the order red, green, blue; "test": 10,000;
                                    "mean": the mean image, a binaryproto file
owlkit.datasets.model("squeezenet") definition and weights of a published model; "caffenet", "googlenet"
owlkit.datasets.imagenet_labels()   the names of the 1,000 classes that these tell apart

And sets of one's own, each for `L.Data(source=...)`:

owlkit.datasets.from_arrays("train", images, labels)    NumPy arrays: (N, C, H, W), (N, H, W) or (N, H, W, 3)
owlkit.datasets.from_files("train", files, labels)      image files
owlkit.datasets.from_folder("photos", size=256)         a folder with a subfolder for each class
"""

from owlkit.datasets.catalogue import (
    CATALOGUE,
    cifar10,
    digits,
    fashion_mnist,
    get,
    imagenet_labels,
    mnist,
    model,
)
from owlkit.datasets.folders import FolderSets, from_folder
from owlkit.datasets.own import from_arrays, from_files
from owlkit.datasets.store import data_folder

__all__ = [
    "CATALOGUE",
    "FolderSets",
    "cifar10",
    "data_folder",
    "digits",
    "fashion_mnist",
    "from_arrays",
    "from_files",
    "from_folder",
    "get",
    "imagenet_labels",
    "mnist",
    "model",
]
