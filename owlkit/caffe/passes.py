"""Passes over pycaffe's Net: forward and backward, whole, in part or in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from owlkit.caffe import batches
from owlkit.caffe.blobs import Blob
from owlkit.caffe.structure import Structure
from owlkit.core.errors import NetError, closest
from owlkit.net import Net as CoreNet
from owlkit.net.steps import hides_needed_data

Arrayed = dict[str, np.ndarray]
_RESHAPE = "net.blobs[{!r}].reshape(*array.shape) changes the net's input, forward_all cuts batches"


class Passes(Structure):
    """A net that runs as pycaffe's does; `Net` adds how one is made, and its parameters.

    run_by_user : whether passes are the user's own, of which any part may be run next, not a solver's loop.
    solver_tests : whether it is a solver's test net, which runs forward only.
    """

    def __init__(self, net: CoreNet, *, run_by_user: bool, solver_tests: bool) -> None:
        super().__init__(net)
        self._is_run_by_user, self._solver_tests = False, solver_tests
        if run_by_user:
            self._run_by_user()

    def _run_by_user(self) -> None:
        """Plan for passes of which any part may be run next, also backward, where there are gradients.

        A solver's own loop runs whole passes, which are faster planned as a whole. A plan is not changed
        later where that can be helped: with it go the masks and the like that a later backward pass needs.
        """
        if self._is_run_by_user:
            return
        self._is_run_by_user = True
        if self._has_gradients:
            self._net.plan_as(stepping=not self._hides_needed_data)

    @cached_property
    def _hides_needed_data(self) -> bool:
        return hides_needed_data(self._net.graph.nodes)

    @cached_property
    def _has_gradients(self) -> bool:
        return any(node.backward for node in self._net.graph.nodes)

    # -- running
    def forward(
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrayed:
        """Run layers `start` to `end`, by default all; returns {name: data} of the outputs.

        blobs : names to return besides. kwargs : every input's array, its batch size that of the input blob.
        The arrays returned show the blobs: the next pass writes over them; copy what is to stay.
        Returns the tops of layer `end` where that is given. Raises NetError for a name that there is not, or
        inputs that do not match.
        """
        first, last = self._range(start, end)
        wanted = [*(self.outputs if end is None else self.top_names[end]), *(blobs or [])]
        self._fill("data", kwargs)
        self._forward(first, last)
        return {name: self._blob(name).data for name in wanted}

    def _forward(self, first: int, last: int) -> float:
        """Run layers by number; the loss, after a whole pass."""
        self._run_by_user()
        names = self._layer_names
        with self._arrays.passed_on():
            if (first, last) == (0, len(names) - 1):
                self._plan_whole()
                self._net.forward()
            elif not self._net.forward_uncut(names[first], names[last]):
                self._net.plan_as(stepping=True)
                self._net.forward_uncut(names[first], names[last])
        return self._net.loss

    def _plan_whole(self) -> None:
        """After a part that cut between layers in place: gradients need the versions of their blob again."""
        if self._has_gradients and self._hides_needed_data and not self._net.watchers:
            self._net.plan_as(stepping=False)

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrayed:
        """Run backward from layer `start`, by default the last, down to `end`; returns {input: diff}.

        diffs : names to return besides. kwargs : every output's gradient. Returns the gradients of the
        bottoms of layer `end` where that is given; they show the blobs, as in `forward`. Gradients of
        parameters are added to what is there (`clear_param_diffs`). Raises as `forward`.
        """
        first, last = self._range(end, start)
        wanted = [*(self.inputs if end is None else self.bottom_names[end]), *(diffs or [])]
        self._fill("diff", kwargs)
        self._backward(last, first)
        return {name: self._blob(name).diff for name in wanted}

    def _backward(self, last: int, first: int) -> None:
        if self._solver_tests:
            raise NetError(
                "a solver's test net runs forward only; make one that runs backward as well with "
                "caffe.Net(file, caffe.TEST), and solver.share_weights(net)"
            )
        if not self._has_gradients:
            return  # no layer runs backward: a deployed net without force_backward, as in Caffe
        # On the plan of the forward pass before it, whosever that was: it holds what backward needs.
        names = self._layer_names
        whole = (first, last) == (0, len(names) - 1)
        with self._arrays.passed_on():
            if whole:
                self._net.backward()
            else:
                self._net.backward(names[last], names[first])

    def forward_all(self, blobs: Sequence[str] | None = None, **kwargs: Any) -> Arrayed:
        """`forward` for any number of inputs, in batches; returns {name: array} with one entry per input.

        kwargs : every input's array, (M, ...). The last batch is filled up with zeros; these are dropped
        again.
        """
        return batches.forward_all(self, blobs or (), kwargs)

    def forward_backward_all(
        self, blobs: Sequence[str] | None = None, diffs: Sequence[str] | None = None, **kwargs: Any
    ) -> tuple[Arrayed, Arrayed]:
        """`forward` and `backward` in batches; returns ({name: data}, {name: diff}) over all of them.

        kwargs : arrays of inputs, and gradients of outputs, (M, ...); either may be left out.
        """
        return batches.forward_backward_all(self, blobs or (), diffs or (), kwargs)

    def _batch(self, arrays: Mapping[str, Any]) -> Iterator[dict[str, np.ndarray]]:
        """The arrays cut into batches of the net's size."""
        return batches.cut(arrays, self._net.batch_size)

    def _range(self, start: str | None, end: str | None) -> tuple[int, int]:
        return self._layer(start, 0), self._layer(end, len(self._layers_shown) - 1)

    def _layer(self, name: str | None, default: int) -> int:
        if name is None:
            return default
        names = self._layer_names
        if name not in names:
            raise NetError(f"there is no layer {name!r}{closest(name, names)}")
        return names.index(name)

    def _blob(self, name: str) -> Blob:
        if name not in self._blobs_shown:
            raise NetError(f"there is no blob {name!r}{closest(name, self._blobs_shown)}")
        return self._blobs_shown[name]

    def _fill(self, role: str, given: Mapping[str, Any]) -> None:
        """Write `data` of all inputs, or `diff` of all outputs; nothing where nothing is given."""
        what, names = ("input", self.inputs) if role == "data" else ("output", self.outputs)
        if given and set(given) != set(names):
            raise NetError(f"{what}s given: {sorted(given)}; the net's are {list(names)}: give them all")
        advice = _RESHAPE if role == "data" else "give a gradient of the output's shape"
        for name, value in given.items():
            shape, array = self._blobs_shown[name].shape, np.asarray(value)
            try:
                if array.shape[:1] != shape[:1]:  # one for the whole batch would be spread over it
                    raise ValueError
                self._arrays.write(self._net.blobs[name], role, array)
            except ValueError as error:
                if array.shape == shape:  # what it holds are no numbers
                    raise
                found = f"{what} {name!r} is {shape}, but the array is {array.shape}"
                raise NetError(f"{found}; {advice.format(name)}") from error
