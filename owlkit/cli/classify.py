"""`owlkit classify`: what a trained net sees in image files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from owlkit.cli.options import add_command, add_device, add_json, commas, make_net, positive, print_json
from owlkit.cli.status import OK
from owlkit.core.errors import DataError, NetError

if TYPE_CHECKING:
    import numpy as np

    from owlkit.inspection.prediction import Prediction

EXAMPLES = """  owlkit classify deploy.prototxt net.caffemodel cat.jpg \\
      --mean imagenet_mean.binaryproto --labels synset_words.txt
  owlkit classify deploy.prototxt net.caffemodel *.jpg --mean_value 104,117,123
  owlkit classify lenet.prototxt lenet.caffemodel digit.png --scale 0.00390625
"""
DESCRIPTION = """Print the most likely classes of image files, as Caffe's C++ example `classification`
does: an image is resized to the input of the net, whatever its proportions, and the mean
of each channel is subtracted. Give the means and the scale that the net was trained with."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "classify", DESCRIPTION, EXAMPLES)
    parser.add_argument("model", metavar="NET", help="deploy definition of a net that ends in a Softmax")
    parser.add_argument("weights", metavar="WEIGHTS", help=".caffemodel")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files")
    means = parser.add_mutually_exclusive_group()
    means.add_argument(
        "--mean", metavar="FILE", help="mean image, .binaryproto or .npy; its channels' means count"
    )
    means.add_argument("--mean_value", metavar="B,G,R", type=numbers, help="the means of the channels")
    parser.add_argument(
        "--scale", metavar="X", type=float, default=1.0, help="factor, after the means (default: 1)"
    )
    parser.add_argument("--labels", metavar="FILE", help="text file: the name of a class in each line")
    parser.add_argument(
        "--top", metavar="N", type=positive, default=5, help="classes to print (default: %(default)s)"
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run, phase="test", level=0, stage=[])


def numbers(text: str) -> list[float]:
    """ "104,117,123" -> [104.0, 117.0, 123.0]; argparse tells where it is not."""
    try:
        return [float(part) for part in commas(text)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers with commas between") from None


def run(args: argparse.Namespace) -> int:
    """Print the classes; 0. Raises NetError for a net that does not classify images, DataError for a file."""
    labels = read_labels(args.labels) if args.labels else None
    net = make_net(args, backward=False)
    blob = _input_of(net, args.model)
    means = _means(args, blob.shape[1])
    blob.reshape((1, *blob.shape[1:]))
    found = {}
    for path in args.images:
        net.forward(**{net.inputs[0]: prepared(path, blob.shape, means, args.scale)})
        found[path] = _prediction(net, labels, args.top)
        if not args.json:
            _print(path, found[path])
    if args.json:
        print_json({path: _classes(prediction) for path, prediction in found.items()})
    return OK


def read_labels(path: str) -> list[str]:
    """The lines of a text file; blank ones at its end count for nothing. Raises DataError."""
    from owlkit.io.files import read_bytes

    try:
        return read_bytes(path, "file of labels").decode().rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text file: give one with the name of a class in each line") from error


def prepared(path: str, shape: Sequence[int], means: Sequence[float], scale: float) -> np.ndarray:
    """An image file as (1, C, H, W) float32, B, G, R: (pixels - means) * scale. shape : of the input.

    Raises DataError where the file is missing or no image.
    """
    import numpy as np

    from owlkit.io.images import read_image, resize

    _, channels, height, width = shape
    pixels = resize(read_image(path, color=channels == 3), height, width).astype(np.float32)
    return ((pixels - np.array(means, np.float32).reshape(-1, 1, 1)) * np.float32(scale))[None]


def _input_of(net: Any, path: str) -> Any:
    """The blob that takes images."""
    if len(net.inputs) != 1:
        raise NetError(
            f"{path} has {len(net.inputs)} inputs; give the deploy definition of a net with one, for images"
        )
    blob = net.blobs[net.inputs[0]]
    if len(blob.shape) != 4 or blob.shape[1] not in (1, 3):
        raise NetError(f"{path}: input {net.inputs[0]!r} has shape {blob.shape}, which takes no images")
    return blob


def _means(args: argparse.Namespace, channels: int) -> list[float]:
    """The mean of each channel."""
    from owlkit.io.mean import read_mean

    if args.mean:
        given = [float(plane.mean(dtype="float64")) for plane in read_mean(args.mean)]
    else:
        given = args.mean_value or [0.0]
    given = given * channels if len(given) == 1 else given
    if len(given) != channels:
        raise DataError(
            f"the net takes {channels} channels, but there are means of {len(given)}; give {channels}"
        )
    return given


def _prediction(net: Any, labels: Sequence[str] | None, count: int) -> Prediction:
    from owlkit.inspection.prediction import predict, probability_layer

    found = probability_layer(net.graph)
    if found is None:
        raise NetError(
            "the net has no Softmax: it gives no probabilities of classes; give a deploy definition"
        )
    _, blob, softmax = found
    return predict(net.blobs[blob].data[0], labels, softmax=softmax, k=count)


def _classes(prediction: Prediction) -> list[dict[str, Any]]:
    rows = zip(prediction.classes, prediction.names, prediction.shares, strict=True)
    return [{"class": number, "label": label, "probability": share} for number, label, share in rows]


def _print(path: str, prediction: Prediction) -> None:
    """In the form of Caffe's example."""
    print(f"---------- Prediction for {path} ----------")
    for label, share in zip(prediction.names, prediction.shares, strict=True):
        print(f'{share:.4f} - "{label}"')
