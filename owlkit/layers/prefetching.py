"""What layers share that make their batches ahead, in a thread: position, resuming, waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from owlkit.core.device import Device
from owlkit.core.errors import DataError
from owlkit.core.lane import Lane
from owlkit.io.batches import Batch
from owlkit.io.prefetch import Prefetcher
from owlkit.layers.base import Arity, Blobs, Layer


class Reader(Protocol):
    """Makes batches: batch `number` depends on its number, `seed` and `skip` alone."""

    seed: int
    skip: int

    @property
    def light(self) -> bool:
        """Whether from now on a batch is made in a moment, in which no thread is worth asking for it."""

    def fill(self, number: int, batch: Batch) -> None:
        """Write batch `number` into `batch`."""


class PrefetchingLayer(Layer):
    """Base of Data, ImageData and WindowData. `setup` of a subclass ends with `read_from`.

    keys : what names each item of the present batch. wait_seconds : how long forward has waited for data.

    Position and randomness are a batch number and a seed, so a restored net continues bit-identically.
    """

    bottoms = Arity.exactly(0)
    tops = Arity(1, 2)
    is_data = True

    def refuse_moved(self, source: str) -> None:
        """Refuse what has moved from `source` ("data_param") to transform_param.

        In layers of before 2014 an upgrade has moved it; in today's Caffe ignores it.
        """
        param = getattr(self.param, source)
        given = [name for name in ("scale", "mean_file", "crop_size", "mirror") if param.HasField(name)]
        if given:
            raise self.error(
                f"{source}.{given[0]} has no effect, in Caffe neither; write it in transform_param, or "
                "remove it"
            )

    def read_from(self, reader: Any, shape: Sequence[int], source: str, prefetch: int) -> None:
        """Take batches from `reader` (a Reader), of `shape` = (N, C, h, w), `prefetch` of them ahead."""
        if prefetch < 1:
            raise self.error(f"prefetch is {prefetch}; it must be at least 1")
        self.reader, self.batch_shape, self.source = reader, tuple(shape), source
        self.batch_size = self.batch_shape[0]
        self.keys: list[bytes] = []
        self._prefetch = prefetch
        self._waited_before = 0.0
        self._prefetcher: Prefetcher[Batch] | None = None
        self._lanes: list[Lane] = []  # for the next prefetcher, where somebody has taken them already
        self._number = 0

    def checked(self, make: Callable[[], Any]) -> Any:
        """What `make` returns; its DataError gets the layer's name."""
        try:
            return make()
        except DataError as error:
            raise DataError(f"{self.name} ({self.type}): {error}") from error

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(self.batch_shape)
        if len(top) > 1:
            top[1].reshape(self.batch_size)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._device, self._tops = device, tuple(blob.descriptor for blob in top)
        self.close()
        self._lanes = []

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        prefetcher = self._running()
        batch = self.checked(prefetcher.take)
        for blob, values in zip(top, (batch.data, batch.labels), strict=False):
            if blob.descriptor.shape != values.shape:
                blob.reshape(values.shape)
        batch.put([blob.data_tensor for blob in top])
        if len(top) > 1:
            self.look_at(batch)
        self.keys = batch.keys  # the next one's are another list
        prefetcher.give(batch)
        self._number += 1

    def look_at(self, batch: Batch) -> None:
        """For remarks about a batch with labels."""

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """Nothing to do: there are no bottoms."""

    @property
    def wait_seconds(self) -> float:
        return self._waited_before + (self._prefetcher.wait_seconds if self._prefetcher else 0.0)

    def state(self) -> dict[str, Any]:
        """Number of the next batch, seed, items left out at the start."""
        return {"batch": self._number, "seed": self.reader.seed, "skip": self.reader.skip}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.close()
        self._number = int(state["batch"])
        self.reader.seed, self.reader.skip = int(state["seed"]), int(state["skip"])

    def close(self) -> None:
        """End the prefetching thread; the next forward starts it again."""
        prefetcher, self._prefetcher = self._prefetcher, None  # it is none any more if Ctrl-C strikes here
        if prefetcher is not None:
            prefetcher.stop()
            self._waited_before += prefetcher.wait_seconds

    def _running(self) -> Prefetcher[Batch]:
        """The prefetcher; a new one where an interrupt cost the old one a batch."""
        prefetcher = self._prefetcher
        if prefetcher is not None and (prefetcher.disturbed or prefetcher.number != self._number):
            self.close()
        return self._prefetcher or self._start()

    def lane_bytes(self) -> tuple[int, int]:
        whole = self._device.lane_bytes(self._tops, self._prefetch)
        return whole, whole if self._prefetcher is not None or self._lanes else 0

    def take_lanes(self) -> None:
        if self._prefetcher is None and not self._lanes:
            self._lanes = self._device.lanes(self._tops, self._prefetch)

    def _start(self) -> Prefetcher[Batch]:
        self.take_lanes()
        buffers, self._lanes = [Batch.on(lane) for lane in self._lanes], []
        reader = self.reader  # not this layer: the thread would keep it
        self._prefetcher = Prefetcher(
            sending(reader), buffers, self._number, self.name, light=lambda: reader.light
        )
        return self._prefetcher


def sending(reader: Reader) -> Callable[[int, Batch], None]:
    """`reader.fill`, for batches that go their way to the device as soon as they are made."""

    def fill(number: int, batch: Batch) -> None:
        assert batch.lane is not None
        batch.lane.wait()
        reader.fill(number, batch)
        batch.send()

    return fill
