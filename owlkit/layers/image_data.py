"""ImageData: batches from image files that a text file lists."""

from __future__ import annotations

from pathlib import Path

from owlkit.io.images import ImageReader, read_image_list
from owlkit.io.transform import Transformer
from owlkit.layers.base import Blobs, register
from owlkit.layers.prefetching import PrefetchingLayer


@register("ImageData")
class ImageData(PrefetchingLayer):
    """Reads image files round and round a list, resizes and transforms them, prefetches in a thread.

    top 0 : data, (N, C, h, w), C = 3 in the order blue, green, red, or 1.
    top 1 (optional) : label, (N,).
    Formula: y = (x - mean) * scale, cropped and mirrored as transform_param says
    Gradient: none.
    Parameters (image_data_param):
        source : text file with a name and a label in each line, required.
        root_folder : put before each name as it is, so it ends with /.
        batch_size : N.
        new_height, new_width : size that images are brought to (both, or none: the images' own).
        is_color : three channels, or one.
        shuffle : a new order in every pass.
        rand_skip : leave out a random number of images below it at the start.
        scale, mean_file, crop_size, mirror : older places of what transform_param has; moved there
            from layers of before 2014, and refused in today's, where Caffe ignores them.
    Parameters (transform_param):
        crop_size : side of the square that is cut out: at random in train, in the middle in test; 0: none.
        mirror : mirror each image with probability 1/2, in both phases, as in Caffe.
        mean_file : a binaryproto with a mean image, which is subtracted at the same pixels.
        mean_value : subtracted in place of a mean image: one value, or one per channel.
        scale : factor after the mean was subtracted.
        force_color, force_gray : refused where they contradict is_color.
    Source: Caffe's ImageDataLayer.

    Resizing is OpenCV's bilinear one, as in Caffe. With batch_size 1 and neither new sizes nor crop_size the
    images may differ in size, and the net follows. data_param.prefetch says how many batches are made ahead
    (4). Raises DataError for lists and images that cannot be read or do not fit.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, transform = self.param.image_data_param, self.param.transform_param
        self.refuse_moved("image_data_param")
        if not param.source:
            raise self.error(
                "image_data_param has no source; give a text file with `name label` in each line"
            )
        if param.batch_size < 1:
            raise self.error(f"batch_size is {param.batch_size}; it must be at least 1")
        if bool(param.new_height) != bool(param.new_width):
            raise self.error(
                f"new_height is {param.new_height} and new_width is {param.new_width}; give both, or none"
            )
        if (transform.force_gray and param.is_color) or (transform.force_color and not param.is_color):
            raise self.error(
                "transform_param contradicts image_data_param.is_color; choose colours by is_color alone"
            )
        names, labels = self.checked(lambda: read_image_list(param.source))
        skip = int(self.rng.integers(param.rand_skip)) if param.rand_skip else 0
        if skip >= len(names):
            raise self.error(f"rand_skip left out {skip} images, but there are {len(names)}; lower it")
        self.reshapes_in_forward = param.batch_size == 1 and not param.new_height and not transform.crop_size
        reader = ImageReader(
            names,
            labels,
            self.checked(lambda: Transformer(transform, self.phase)),
            param.batch_size,
            folder=param.root_folder,
            height=param.new_height,
            width=param.new_width,
            color=param.is_color,
            shuffle=param.shuffle,
            any_size=self.reshapes_in_forward,
            seed=int(self.rng.integers(2**63)),
            skip=skip,
        )
        shape = (param.batch_size, *self.checked(reader.shape))
        self.read_from(reader, shape, str(param.source), self.param.data_param.prefetch)

    @property
    def record_count(self) -> int:
        """Images in one pass."""
        return len(self.reader.names)

    def describe(self) -> str:
        return f"{self.record_count:,} images of {Path(self.source).name}"
