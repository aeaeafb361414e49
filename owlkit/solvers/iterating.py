"""One iteration of a training: a pass forward and back, a look at the loss, an update.

On a GPU the look comes when the update is queued, and where nobody can tell the difference when the next
iteration is, so that the GPU need not wait for the host: the update then sees to it by itself that none is
made by a loss that is not finite. That is so within a call of `Solver.step(n)` and within a Run, up to the
last iteration, unless callbacks, displays, tests or snapshots come first, or a listener wants rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from owlkit.core import events
from owlkit.core.errors import DeviceError
from owlkit.net import debug_info
from owlkit.net.rewind import HostStates
from owlkit.solvers import diagnosis
from owlkit.solvers.display import displayed_outputs
from owlkit.solvers.divergence import DivergedError
from owlkit.solvers.resumable import Resumable

WEIGHTS_EVERY = 200
"""Iterations between two looks at whether all weights are numbers; the first looks come sooner."""


@dataclass
class Unread:
    """An iteration whose loss was not looked at yet.

    iter : updates before it. read : waits for its losses. hosts : what a pass changes on the host, before it.
    lr, started, waited : its rate, when it began, how many seconds it waited for data.
    """

    iter: int
    lr: float
    started: float
    waited: float
    hosts: HostStates
    read: list[Callable[[], float]]


class Iterating(Resumable):
    """A solver's iterations. Solver fills the attributes."""

    iter: int
    lr: Any
    smoothed_loss: Any
    _unread: Unread | None = None
    _looked = 0.0  # when a loss was last looked at

    def _iterate(self, *, late: bool) -> None:
        """late : whether the loss may be looked at after the next iteration was queued."""
        weights_are_due = self._weights_are_due(self.iter + 1)
        looking = self._somebody_looks()
        if self._nobody_comes_between():
            before = self._unread
            with self.net.turns.taken():
                self._queue()
            if before is not None:
                self._look(before, late=True)
            if not late or weights_are_due or looking:
                self.settle()
        else:
            self.settle()
            self._iterate_and_look()
        if weights_are_due:
            self.check_weights()

    def _weights_are_due(self, after: int) -> bool:
        """Whether weights are looked at after an iteration: each 200th, and on a CPU at 1, 2, 4, ... 128 too.

        A NaN in the data is mostly met in the first pass over them. MAX pooling passes over it, so that there
        may be no loss that tells of it. On a GPU a look makes the host wait.
        """
        if after < WEIGHTS_EVERY:
            due = after & (after - 1) == 0 and self.net.captures is None
        else:
            due = after % WEIGHTS_EVERY == 0
        snapshot = self.param.snapshot
        return due or (snapshot > 0 and after % snapshot == 0)

    def _iterate_and_look(self) -> None:
        net, lr = self.net, self.lr
        started, waited = time.perf_counter(), net.data_wait_seconds
        net.clear_param_diffs()
        for on_start, _ in self._callbacks:
            on_start()
        loss, shown = self._pass_and_update(lr)
        seconds, images = time.perf_counter() - started, net.batch_size * self.param.iter_size
        waited = net.data_wait_seconds - waited
        if shown is not None:
            self.emit(shown)
        self._remark(loss)
        self.emit(events.IterationDone(self.iter, loss, self.smoothed_loss, lr, seconds, waited, images))

    def _accumulate(self) -> float:
        """The sum of the losses, their gradients added up; it ends at one that is not finite, so that blobs
        show where that came from.
        """
        total = 0.0
        self.net.remember()
        for _ in range(self.param.iter_size):
            total += self.net.forward_backward()
            if not math.isfinite(total):
                break
        return total

    def _pass_and_update(self, lr: float) -> tuple[float, events.Displayed | None]:
        """The loss, and what is to be told of it when others may have a turn: listeners may wait for them.

        Nobody sees weights of which some are new, or statistics of a batch beside older ones.
        """
        net, p = self.net, self.param
        with ExitStack() as turn:
            turn.enter_context(net.turns.taken())
            loss = self._accumulate() / p.iter_size
            if not math.isfinite(loss):
                self._diverge(loss, turn.close)
            self._losses.append(loss)
            shown = self._displayed(lr) if p.display > 0 and self.iter % p.display == 0 else None
            if self._callbacks:
                turn.close()  # they may wait for other threads, and these for their turn
                for _, on_gradients_ready in self._callbacks:
                    on_gradients_ready()
                turn.enter_context(net.turns.taken())
            # Guarded as when the loss is looked at later, which is not needed here: one capture serves both.
            self._update(lr, net.guard if net.captures is not None else None)
            self.iter += 1
        return loss, shown

    def _update(self, lr: float, guard: Any = None) -> None:
        """The rule clips, divides by iter_size (both as one factor) and updates; the order is Caffe's."""
        self.rule.apply(lr, 1.0 / self.param.iter_size, self.iter, guard)

    # -- looking later
    def _nobody_comes_between(self) -> bool:
        """Whether nothing is to be done between the passes and the update, on a GPU."""
        p = self.param
        shown = p.display > 0 and self.iter % p.display == 0
        busy = shown or self._callbacks or not self.iter
        return self.net.captures is not None and not busy

    def _queue(self) -> None:
        net = self.net
        hosts = net.host_states()
        queued = Unread(self.iter, self.lr, time.perf_counter(), -net.data_wait_seconds, hosts, [])
        net.clear_param_diffs()
        keep: Callable[[], None] | None = net.rewind.keep  # before the first pass
        for _ in range(self.param.iter_size - 1):
            queued.read.append(net.forward_backward_later(keep))
            keep = None
            net.guard.judge()  # the losses so far; the update looks at the last ones
        self.rule.set_factors(queued.lr, 1.0 / self.param.iter_size, self.iter)
        update, variant = partial(self.rule.launch, net.guard), self.rule.variant(net.guard)
        queued.read.append(net.iterate_later(update, variant, keep))
        queued.waited += net.data_wait_seconds
        self._unread = queued
        self.iter += 1

    def settle(self) -> None:
        """Look at the loss that was not looked at yet: the net then stands still. See `advance`.

        Raises DivergedError where it is not finite.
        """
        unread, self._unread = self._unread, None
        if unread is not None:
            self._look(unread)

    def _let_go(self) -> None:
        """After a failure: what was found until then must not hold back the updates of a later `step`."""
        if self.net.captures is not None:
            with suppress(DeviceError):  # of a GPU that fails the failure says enough
                self.net.guard.reset()

    def _look(self, unread: Unread, *, late: bool = False) -> None:
        """late : whether another iteration is queued behind it."""
        loss = sum(read() for read in unread.read) / self.param.iter_size
        if not math.isfinite(loss):
            # Neither it nor the one after it has changed a weight.
            self._unread, self.iter = None, unread.iter
            self.net.guard.reset()
            self._explain(unread, again=late or self.param.iter_size > 1)
            self._diverge(loss)
        self._losses.append(loss)
        self._remark(loss)
        now = time.perf_counter()
        seconds, self._looked = now - max(unread.started, self._looked), now
        images, smoothed = self.net.batch_size * self.param.iter_size, self.smoothed_loss
        self.emit(
            events.IterationDone(
                unread.iter + 1, loss, smoothed, unread.lr, seconds, unread.waited, images, late
            )
        )

    def _explain(self, unread: Unread, *, again: bool) -> None:
        """What can be said at once of a loss that is not finite (a label that is no class) is raised.

        again : run the batch again, for whoever asks where it came from: another one has gone over the blobs.
        All that a pass changes is put back before, so that everything then is as if nobody had read on: masks
        of dropout, running averages, positions in the data, gradients.
        """
        if not again:
            self.net.check_bottoms()
            return
        unread.hosts.restore()
        self.net.rewind.restore()
        self.net.clear_param_diffs()
        self._accumulate()

    def check_weights(self) -> None:
        """DivergedError where weights are no numbers: MAX pooling and ReLU can hide that from the loss."""
        if np.isfinite(self.rule.norms("data")).all():
            return
        found = self.net.first_nonfinite_weight()  # norms of finite weights can be infinite
        if found is not None:
            event = events.Diverged(self.iter, self.net.loss, *found)
            self.emit(event)
            raise DivergedError(event)

    # -- what is said of it
    @cached_property
    def _saturation(self) -> diagnosis.Saturation:
        return diagnosis.Saturation(self.net)

    def _displayed(self, lr: float) -> events.Displayed:
        if self.param.debug_info:
            debug_info.log_forward(self.net)
            debug_info.log_backward(self.net)
        outputs, weights = displayed_outputs(self.net)
        return events.Displayed(self.iter, self.smoothed_loss, lr, outputs, weights)

    def _remark(self, loss: float) -> None:
        first = self.iter == 1
        # A layer that loaded weights do not fill may lack a filler as well; the first loss is then no sign.
        remark = diagnosis.remark_zero_weights(self.net) if first else ""
        if first and self._fresh:
            remark = remark or diagnosis.remark_first_loss(self.net, loss)
        remark = self._saturation.remark(loss) or remark
        if remark:
            self.warn(remark)

    def _diverge(self, loss: float, found_out: Callable[[], None] = lambda: None) -> None:
        """found_out : called when the net was looked at, before anybody is told.

        Running averages and states that are carried on are put back first: they would stay NaN for good, as
        Caffe's do, and be taken for the cause.
        """
        self.net.rewind.restore()
        layer, blob, found = self.net.first_nonfinite() or ("", "", "")
        event = events.Diverged(self.iter, loss, layer, blob, found)
        found_out()
        self.emit(event)
        raise DivergedError(event)
