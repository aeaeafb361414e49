"""CUDA graphs: work that a net or a solver repeats is captured once and replayed with a single call.

The first time work runs as it is, watched; where nothing in it touches the host, it is captured the second
time and replayed from then on. What prevents a capture is kept in words. A replay writes what the work would
have written, so the copies on the host count as stale afterwards, as after the work itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from owlkit.core.gpu.driver import Replay
from owlkit.core.gpu.gpu import CaptureError, Gpu
from owlkit.core.gpu.mirror import Mirror
from owlkit.core.memory import Memory, share_flags

#: A part of the work: who does it (for messages), and the call.
Part = tuple[str, Callable[[], None]]


@dataclass(frozen=True)
class HostAccess:
    """What prevents a capture: `who` ("accuracy (Accuracy)") uses `mirror` on the host, or says `why`."""

    who: str
    mirror: Mirror | None
    why: str = ""


@dataclass
class Captured:
    """A capture with the memory it reads before it writes it, all that it writes, and the flags it leaves."""

    replay: Replay
    inputs: dict[int, Mirror]
    outputs: dict[int, Mirror]
    flags: bytes
    seen: int = -1  # of the log of mirrors that the host has used; -1: nothing yet


@dataclass
class _Output:
    """A mirror that a capture marks as written, with its flags before."""

    mirror: Mirror
    device_valid: bool
    host_valid: bool

    def restore(self) -> None:
        self.mirror.device_valid, self.mirror.host_valid = self.device_valid, self.host_valid


class Replays:
    """The captures of one net, by key: what the work depends on besides memory (its plan, its kind).

    execute : runs calls, with whatever the net does when one fails. gradients : memories whose `cleared` flag
    the work reads and changes, so that a capture holds for one state of the flags only. flags : these.
    """

    def __init__(
        self, gpu: Gpu, execute: Callable[[Sequence[Callable[[], None]]], None], gradients: Sequence[Memory]
    ) -> None:
        self._gpu, self._execute, self.flags = gpu, execute, share_flags(gradients)
        self._reads: dict[Hashable, list[Mirror]] = {}
        self._captured: dict[Hashable, Captured] = {}
        self._refused: dict[Hashable, list[HostAccess]] = {}

    def run(self, kind: str, parts: Sequence[Part], variant: Hashable = None) -> None:
        """Do the work: as it is, by a capture that is made now, or by one that was made before.

        kind : "forward", for messages too. variant : whatever else the work depends on.
        """
        key = (kind, variant, bytes(self.flags))
        captured = self._captured.get(key)
        if captured is not None:
            self._launch(captured)
        elif kind in self._refused:
            self._execute([call for _, call in parts])
        elif key not in self._reads:
            self._watch(kind, key, parts)
        else:
            self._capture(kind, key, parts)

    def refusal(self, kind: Hashable) -> list[HostAccess]:
        """What prevents a capture of this kind of work; empty where nothing does, or it has not run yet."""
        return self._refused.get(kind, [])

    def captured(self, kind: Hashable) -> bool:
        """Whether work of this kind is replayed by now."""
        # A copy: another thread may be adding to it.
        return any(key[0] == kind for key in tuple(self._captured))  # type: ignore[index]

    def forget(self) -> None:
        """Drop all captures: what they refer to has changed."""
        for known in (self._reads, self._captured, self._refused):
            known.clear()

    # -- the three ways
    def _launch(self, captured: Captured) -> None:
        """Only what the host has used since the last launch is looked at: there are hundreds of others.

        Kernels need no look: what they write is valid on the GPU, and on the host it is not.
        """
        used, seen = self._gpu.touched.since(captured.seen)
        for mirror in _those(captured.inputs, used):
            if not mirror.device_valid:
                mirror.to_device(reads=True, writes=False)
        captured.replay.launch()
        used, _ = self._gpu.touched.since(captured.seen)  # who has looked meanwhile has seen what was before
        for mirror in _those(captured.outputs, used):
            mirror.device_valid, mirror.host_valid = True, False
        captured.seen = seen
        self.flags[:] = captured.flags

    def _watch(self, kind: Hashable, key: Hashable, parts: Sequence[Part]) -> None:
        """Run the work and see what it reads, and how it touches the host."""
        reads: dict[int, Mirror] = {}
        found: list[HostAccess] = []
        running = ""

        def observe(what: str, mirror: Mirror) -> None:
            if what in ("look", "peek"):
                found.append(HostAccess(running, mirror))
            elif what == "read":
                reads[id(mirror)] = mirror

        with _observed(self._gpu, observe):
            for who, call in parts:
                running = who
                self._execute([call])
        self._reads[key] = list(reads.values())
        if found:
            self._refused[kind] = found

    def _capture(self, kind: Hashable, key: Hashable, parts: Sequence[Part]) -> None:
        """Capture the work and run it by that.

        Where something in it fails, it runs as it is from now on: an error that has nothing to do with the
        capture comes again there.
        """
        inputs: dict[int, Mirror] = {}
        outputs: dict[int, _Output] = {}
        running = ""

        def observe(what: str, mirror: Mirror) -> None:
            if what == "write":
                if id(mirror) not in outputs:
                    outputs[id(mirror)] = _Output(mirror, mirror.device_valid, mirror.host_valid)
            elif what == "read" and id(mirror) not in outputs:
                inputs[id(mirror)] = mirror

        def work() -> None:
            nonlocal running
            for who, call in parts:
                running = who
                call()

        for mirror in self._reads[key]:  # a capture cannot copy from the host
            mirror.to_device(reads=True, writes=False)
        before, made = bytes(self.flags), None
        with self._gpu.lock:  # other threads see no flags but those from before
            try:
                with _observed(self._gpu, observe):
                    replay = self._gpu.capture(work)
                written = {key: output.mirror for key, output in outputs.items()}
                made = Captured(replay, inputs, written, bytes(self.flags))
            except Exception as error:
                self._refused[kind] = [_refusal(running, error)]
            finally:  # nothing of it has run yet
                self.flags[:] = before
                for output in outputs.values():
                    output.restore()
        if made is None:
            self._execute([call for _, call in parts])
        else:
            self._captured[key] = made
            self._launch(made)


def _refusal(who: str, error: Exception) -> HostAccess:
    if isinstance(error, CaptureError):
        return HostAccess(who, error.mirror, str(error))
    return HostAccess(who, None, f"fails while it is captured: {type(error).__name__}: {error}")


def _those(known: dict[int, Mirror], used: Collection[int] | None) -> Collection[Mirror]:
    """Those of `known` that were used; all where it is not known which were."""
    if not used:  # mostly: nobody has looked
        return known.values() if used is None else ()
    return [known[key] for key in used if key in known]


@contextmanager
def _observed(gpu: Gpu, observe: Callable[[str, Mirror], None]) -> Iterator[None]:
    """What this thread does: others may look at blobs, or run nets of their own, at the same time."""
    mine = threading.get_ident()
    stop = gpu.watch(lambda what, mirror: observe(what, mirror) if threading.get_ident() == mine else None)
    try:
        yield
    finally:
        stop()


def describe(accesses: Sequence[HostAccess], names: dict[int, str]) -> str:
    """What prevents a capture, in words. names : id of a mirror -> the blob in it."""
    texts: list[str] = []
    for access in accesses:
        blob = names.get(id(access.mirror), "memory of its own") if access.mirror is not None else ""
        what = access.why or "works on the host"
        text = f"{access.who} {what}" + (f" ({blob})" if blob else "")
        if text not in texts:
            texts.append(text)
    return "; ".join(texts)


def names_of(blobs: dict[str, Any]) -> dict[int, str]:
    """id of a mirror -> "conv1.data" of the first blob in it."""
    found: dict[int, str] = {}
    for name, blob in blobs.items():
        for role in ("data", "diff"):
            mirror = blob.memory(role).mirror
            if mirror is not None:
                found.setdefault(id(mirror), f"{name}.{role}")
    return found
