"""Which snapshots led to the present weights, by when they were written.

A training that goes back to an earlier snapshot leaves those after it behind, of any iteration, and a folder
may hold those of other trainings under the same names. So each snapshot says in which spans of time what led
to it was written: the first from the beginning of the training, each later one from where a snapshot was
restored, each to the snapshot that was gone on from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from owlkit.io.solverstate import moment_of

Span = tuple[datetime | None, datetime]
"""What was written after the first moment (None: whenever) and not after the second."""
TICK = timedelta(microseconds=1)
_written_here: set[datetime] = set()  # by this process, whichever its solver


@dataclass(frozen=True)
class Line:
    """What led to a solver's weights.

    past : spans that are closed, the oldest first. since : when the present one began. last : the latest
        moment that is known: what is written next is later, whatever the clock of this machine says.
    seen : a prefix, and when each of the snapshots there was written, when this training began or went on
        there; None where nobody has looked.
    """

    past: tuple[Span, ...]
    since: datetime
    last: datetime
    seen: tuple[str, frozenset[datetime]] | None = None

    @classmethod
    def beginning(cls) -> Line:
        """Of a training that begins now."""
        now = datetime.now(UTC)
        return cls((), now, now)

    def moment(self) -> datetime:
        """Now, and later than all that this training knows of."""
        return max(datetime.now(UTC), self.last + TICK)

    def written(self, moment: datetime) -> Line:
        """The same with a snapshot that was written then."""
        _written_here.add(moment)
        return replace(self, last=moment)

    def going_on(self) -> Line:
        """The same, when it is trained on whatever else was written until now."""
        return replace(self, last=self.moment())

    def aware_of(self, prefix: str, moments: frozenset[datetime]) -> Line:
        """The same, where it is known what is on disk under a prefix; some may lie in the future, by a clock
        that was put back or that of another machine."""
        return replace(self, last=max({self.last, *moments}), seen=(prefix, moments))

    def is_foreign(self, prefix: str, written: datetime) -> bool:
        """Whether another process has written this, found under the prefix, since this training began there.

        What was there then is known by when it was written, so that clocks need not agree. Only under a
        prefix at which this training has not looked does their order tell.
        """
        if written in _written_here:
            return False
        if self.seen is not None and self.seen[0] == prefix:
            return written not in self.seen[1]
        return written > self.last

    def stored(self) -> list[list[str | None]]:
        """For the sidecar of a snapshot, JSON-able; where the last span ends is when that is written."""
        spans = [*self.past, (self.since, None)]
        return [[None if moment is None else moment.isoformat() for moment in span] for span in spans]

    def restored(self, content: dict[str, Any] | None, written: datetime | None) -> Line:
        """What leads to the weights of a snapshot, from which the training goes on now.

        content : of its sidecar, None without one. written : when it was, None where that is not known.
        Raises ValueError or TypeError where what is stored makes no sense.
        """
        last = self.last if written is None else max(self.last, written)
        now = replace(self, last=last).moment()
        return Line(_spans(content or {}, written or now), now, now)

    def holds(self, written: datetime | None) -> bool:
        """Whether a snapshot under this training's prefix led to the weights.

        written : when it was. None: not known, which is possible where not all of the past is known.
        """
        if written is None:
            return any(start is None for start, _ in self.past)
        spans = [(start is None or start < written) and written <= end for start, end in self.past]
        return any(spans) or self.since < written


def _spans(content: dict[str, Any], written: datetime) -> tuple[Span, ...]:
    stored = content.get("line")
    if stored is None:  # Caffe's, or of a version that did not say
        return ((None, written),)
    *closed, (since, open_end) = stored
    if open_end is not None:
        raise ValueError(f"line: the last span ends at {open_end}, not with the snapshot")
    spans = [*((_moment(start), moment_of(end)) for start, end in closed), (_moment(since), written)]
    if any(start is not None and start > end for start, end in spans):
        raise ValueError("line: a span ends before it begins")
    return tuple(spans)


def _moment(text: Any) -> datetime | None:
    return None if text is None else moment_of(text)
