"""WindowData: batches of image regions for detection, as R-CNN trains on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from owlkit.io.mean import read_mean
from owlkit.io.window_files import Windows, read_windows, refuse_inverted
from owlkit.io.windows import WindowReader
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.prefetching import PrefetchingLayer


@register("WindowData")
class WindowData(PrefetchingLayer):
    """Draws windows of images at random, foreground and background, and warps each to a square.

    top 0 : data, (N, C, crop_size, crop_size).
    top 1 : label, (N,), the class, 0 for background.
    Formula: y = (x - mean) * scale where the window reaches, 0 in the border
    Gradient: none.
    Parameters (window_data_param):
        source : window file of R-CNN; required.
        batch_size : N, required.
        fg_threshold : a window whose overlap is at least that is foreground.
        bg_threshold : one below that is background; others are never drawn.
        fg_fraction : a batch holds background first, then int(N * fg_fraction) foreground windows.
        context_pad : pixels of the crop around the window.
        crop_mode : "warp" stretches the window, "square" widens it to a square first.
        cache_images : keep the files in memory.
        root_folder : put before each path as it is.
        scale, mean_file, crop_size, mirror : older places of what transform_param has; moved there
            from layers of before 2014, and refused in today's, where Caffe ignores them.
    Parameters (transform_param):
        crop_size : side of the square, required.
        mirror : mirror each window with probability 1/2.
        mean_file : a binaryproto with a mean image, of which the centre is used.
        mean_value : in place of a mean image: one value, or one per channel.
        scale : factor after the mean was subtracted.
        force_color, force_gray : refused; colours follow from the file's channels (3, or 1).
    Source: Girshick et al., Rich feature hierarchies for accurate object detection and semantic segmentation,
        CVPR 2014; Caffe's WindowDataLayer.

    data_param.prefetch says how many batches are made ahead (4). Raises DataError for files that cannot be
    read, and windows that do not fit.
    """

    tops = Arity.exactly(2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, transform = self.param.window_data_param, self.param.transform_param
        self.refuse_moved("window_data_param")
        self._check(param, transform)
        windows: Windows = self.checked(lambda: read_windows(param.source))
        if windows.channels not in (1, 3):
            raise self.error(f"images of {windows.channels} channels in {param.source}; 1 or 3 can be read")
        crop = int(transform.crop_size)
        count = int(param.batch_size * np.float32(param.fg_fraction))
        foreground, background = self._pools(param, windows, count)
        reader = WindowReader(
            windows,
            foreground,
            background,
            param.batch_size,
            count,
            crop,
            pad=param.context_pad,
            square=param.crop_mode == "square",
            mirror=transform.mirror,
            mean=self._mean(transform, windows.channels, crop),
            scale=transform.scale,
            cache=param.cache_images,
            folder=param.root_folder,
            seed=int(self.rng.integers(2**63)),
        )
        shape = (param.batch_size, windows.channels, crop, crop)
        self.read_from(reader, shape, str(param.source), self.param.data_param.prefetch)

    def _check(self, param: Any, transform: Any) -> None:
        if not param.source:
            raise self.error("window_data_param has no source; give a window file")
        if param.batch_size < 1:
            raise self.error(f"batch_size is {param.batch_size}; it must be at least 1")
        if not transform.crop_size:
            raise self.error("transform_param has no crop_size; windows are warped to that size")
        if 2 * param.context_pad >= transform.crop_size:
            raise self.error(
                f"context_pad {param.context_pad} on both sides leaves nothing of crop_size "
                f"{transform.crop_size}; lower it"
            )
        if param.crop_mode not in ("warp", "square"):
            raise self.error(f"crop_mode {param.crop_mode!r}; use 'warp' or 'square'")
        if not 0 <= param.fg_fraction <= 1:
            raise self.error(f"fg_fraction is {param.fg_fraction:g}; it must be from 0 to 1")
        if transform.force_color or transform.force_gray:
            raise self.error("force_color and force_gray have no effect on windows; remove them")
        if transform.mean_file and len(transform.mean_value):
            raise self.error("transform_param: mean_file and mean_value cannot both be set")

    def _pools(self, param: Any, windows: Windows, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the foreground and of the background windows."""
        is_foreground = windows.overlap >= np.float32(param.fg_threshold)
        foreground = np.flatnonzero(is_foreground)
        background = np.flatnonzero(~is_foreground & (windows.overlap < np.float32(param.bg_threshold)))
        wanted = (("foreground", foreground, count), ("background", background, param.batch_size - count))
        for what, pool, number in wanted:
            if number and not len(pool):
                raise self.error(
                    f"{param.source} has no {what} windows, but each batch is to have {number}; "
                    "change the thresholds or fg_fraction"
                )
        if (windows.label[foreground] <= 0).any():
            raise self.error(
                f"{param.source} has foreground windows of class 0 or below, which is background"
            )
        drawn = np.concatenate((foreground, background))
        self.checked(lambda: refuse_inverted(windows, drawn, param.source))
        return foreground, background

    def _mean(self, transform: Any, channels: int, crop: int) -> np.ndarray | None:
        """(C, crop, crop) or (C, 1, 1) float32; None where there is none."""
        values = np.array(transform.mean_value, np.float32)
        if values.size not in (0, 1, channels):
            raise self.error(f"{values.size} mean_value for {channels} channels; give one, or {channels}")
        if not transform.mean_file:
            return np.broadcast_to(values, channels)[:, None, None] if values.size else None
        mean: np.ndarray = self.checked(lambda: read_mean(transform.mean_file))
        if mean.shape[0] != channels or mean.shape[1] != mean.shape[2] or mean.shape[1] < crop:
            raise self.error(
                f"the mean in {transform.mean_file} has shape {mean.shape}; a square one of {channels} "
                f"channels and at least crop_size {crop} is needed"
            )
        start = (mean.shape[1] - crop) // 2
        return mean[:, start : start + crop, start : start + crop]

    def describe(self) -> str:
        count = len(self.reader.windows.label)
        return f"{count:,} windows of {Path(self.source).name}"
