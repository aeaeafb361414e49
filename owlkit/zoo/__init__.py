"""Published nets as NetSpec functions, faithful to their definitions.

Every function has the forms "deploy" (an Input layer; ends with `prob`) and "train" (labels, loss, accuracy):

    zoo.lenet()                                 # deploy: nothing is given to train on
    zoo.lenet("train_lmdb", "test_lmdb")        # train: a data layer for each phase
    zoo.lenet("train_lmdb")                     # train: the same data in both phases
    zoo.lenet(form="train")                     # train: an Input layer takes data and label

`classes`, `batch_size` and `test_batch_size` can be chosen for each.
"""

from owlkit.zoo.alexnet import alexnet, caffenet
from owlkit.zoo.cifar10 import cifar10_full, cifar10_quick
from owlkit.zoo.googlenet import googlenet
from owlkit.zoo.lenet import lenet
from owlkit.zoo.resnet import resnet, resnet_cifar
from owlkit.zoo.squeezenet import squeezenet
from owlkit.zoo.vgg import vgg

__all__ = [
    "alexnet",
    "caffenet",
    "cifar10_full",
    "cifar10_quick",
    "googlenet",
    "lenet",
    "resnet",
    "resnet_cifar",
    "squeezenet",
    "vgg",
]
