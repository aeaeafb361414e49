"""Which of cuDNN's plans computes a problem: the first of its own ranking, or the fastest of those timed."""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Cudnn, Driver
from owlkit.core.gpu.gpu import OutOfMemoryError
from owlkit.kernels import Unsupported
from owlkit.kernels.cudnn import kept
from owlkit.kernels.cudnn.problem import Problem
from owlkit.kernels.cudnn.timing import CONDITIONS, Stopwatch, fill, ready

MOST_WORKSPACE = 1 << 30  # bytes: AlexNet's first layer takes half of that for 256 images
SHARE_OF_MEMORY = 16  # and no more than this part of the GPU's memory
MOST_TIMED = 12  # of several dozen plans; the ranking puts the slow ones last

_log = logging.getLogger("owlkit")


@dataclass(frozen=True)
class Rules:
    """What a plan may do, and how it is chosen.

    tf32 : round float32 to TF32. deterministic : only sums in a fixed order. workspace : at most so many
    bytes. timed : choose by timing.
    """

    tf32: bool
    deterministic: bool
    workspace: int
    timed: bool

    def barred(self, frontend: Any, dtype: str) -> list[Any]:
        """The numerical notes that a plan must not have."""
        notes = frontend.numerical_note
        # Sums are float32 and factors keep their type, whatever is faster.
        found = [notes.DOWN_CONVERT_INPUTS, notes.REDUCED_PRECISION_REDUCTION]
        # Winograd's transforms of 4x4 tiles only add and halve: no worse than the plain sum. Larger ones have
        # factors that cancel: with 6x6 a 3x3 convolution's error is four times as large, with 13x13 more so.
        found += [notes.WINOGRAD_TILE_6x6, notes.WINOGRAD_TILE_13x13]
        if dtype == "float32" and not self.tf32:
            found.append(notes.TENSOR_CORE)
        if self.deterministic:
            found.append(notes.NONDETERMINISTIC)
        return found


class Plan:
    """A plan that is ready. name : cuDNN's for engine and knobs. workspace : bytes it needs.

    Its kernels go with its graph, which outlives it until all that is queued is done: whoever was the last to
    use the plan may be gone before that.
    """

    def __init__(self, driver: Driver, graph: Any, name: str, workspace: int) -> None:
        self._library, self._graph = driver.cudnn(), graph
        self.name, self.workspace = name, workspace
        weakref.finalize(self, _part_with, driver, graph).atexit = False

    @property
    def engine(self) -> str:
        """As cuDNN numbers it: "eng62"."""
        return self.name.partition("_")[0]

    def __call__(self, places: dict[int, int], workspace: int) -> None:
        """Queue it. places : addresses by the problem's uids. workspace : address of that much memory."""
        self._library.execute(self._graph, places, workspace)


def _part_with(driver: Driver, graph: Any) -> None:
    with suppress(DeviceError):  # what the GPU has failed at shows where somebody asks for the result
        driver.hold(graph)


def make_plan(device: GpuDevice, problem: Problem) -> Plan:
    """The plan for a problem: one that is known, one kept on disk, or one chosen now.

    Raises Unsupported where cuDNN is missing or has no plan, with the reason.
    """
    library = open_library(device)
    rules = rules_of(device)
    barred = [note.name for note in rules.barred(library.frontend, problem.x.dtype)]
    key = f"{library.about}\n{rules}\n{barred}\n{problem}" + (f"\n{CONDITIONS}" if rules.timed else "")
    known = device.gpu.choices
    with device.gpu.lock, library.lock:  # not while a capture forbids to take memory
        found: Plan | None = known.get(key)
        if found is None:
            found = _from_disk(device, library, key) or _choose(device, library, problem, rules, key)
            known.keep(key, found)
    return found


def open_library(device: GpuDevice) -> Cudnn:
    """cuDNN on the device's GPU; raises Unsupported where it cannot be used. A line says so, once."""
    try:
        return device.gpu.driver.cudnn()
    except DeviceError as why:
        _say_missing(str(why))
        raise Unsupported(str(why)) from None


@cache
def _say_missing(why: str) -> None:
    _log.warning("owlkit: without cuDNN, convolutions are products of matrices (slower): %s", why)


def rules_of(device: GpuDevice) -> Rules:
    """What a device's options ask of its plans."""
    _, total = device.gpu.driver.memory()
    most = min(MOST_WORKSPACE, total // SHARE_OF_MEMORY)
    return Rules(device.tf32, device.deterministic, most, device.tune)


def _from_disk(device: GpuDevice, library: Cudnn, key: str) -> Plan | None:
    """The plan that is kept under this key, where it can be read and is accepted."""
    found = kept.read(library.cache, key)
    if found is None:
        return None
    try:
        graph = library.load(found.content)
        return Plan(device.gpu.driver, graph, found.facts["name"], found.facts["workspace"])
    except (RuntimeError, library.frontend.cudnnGraphNotSupportedError) as error:
        _log.warning("owlkit: a plan kept in %s is refused and chosen anew: %s", library.cache, error)
        return None


def _choose(device: GpuDevice, library: Cudnn, problem: Problem, rules: Rules, key: str) -> Plan:
    try:
        graph = _planned(library, problem, rules)
        plans = _plans(device.gpu.driver, graph, rules)
        found = _fastest(device, problem, plans) if rules.timed else next(plans, None)
        if found is None:
            raise Unsupported(f"cuDNN has no plan for {problem.kind} within {rules.workspace >> 20} MB")
        index, plan = found
        graph.build_plan_at_index(index)  # what the graph runs, and serializes
    except (RuntimeError, library.frontend.cudnnGraphNotSupportedError) as error:
        raise Unsupported(f"cuDNN: {str(error).strip().partition(chr(10))[0]}") from error
    facts = {"name": plan.name, "workspace": plan.workspace}
    kept.write(library.cache, key, kept.Kept(facts, bytes(graph.serialize())))
    return plan


def _planned(library: Cudnn, problem: Problem, rules: Rules) -> Any:
    """The graph with its ranked list of plans, none of them built."""
    frontend, graph = library.frontend, problem.build(library)
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([frontend.heur_mode.A, frontend.heur_mode.FALLBACK])
    graph.deselect_numeric_notes(rules.barred(frontend, problem.x.dtype))
    graph.deselect_workspace_greater_than(rules.workspace)
    return graph


def _plans(driver: Driver, graph: Any, rules: Rules) -> Iterator[tuple[int, Plan]]:
    """(number, plan) of those that can be built, best first; the graph runs the one that came last."""
    for index in range(graph.get_execution_plan_count()):
        try:
            graph.build_plan_at_index(index)
        except driver.cudnn().frontend.cudnnGraphNotSupportedError:
            continue  # barred above, or not for this GPU
        workspace = graph.get_workspace_size_plan_at_index(index)
        if workspace <= rules.workspace:
            yield index, Plan(driver, graph, graph.get_plan_name_at_index(index), workspace)


def _fastest(
    device: GpuDevice, problem: Problem, plans: Iterator[tuple[int, Plan]]
) -> tuple[int, Plan] | None:
    """The fastest of the first plans, by runs on memory that is taken for them; None where none runs."""
    gpu, candidates = device.gpu, islice(plans, MOST_TIMED)
    first = next(candidates, None)
    times: list[tuple[float, int, Plan]] = []
    try:
        watch = Stopwatch(device, open_library(device))
        buffers = {uid: gpu.allocate(d.nbytes) for uid, d in problem.arguments.items()}
        for uid, buffer in buffers.items():
            fill(gpu, buffer.pointer, problem.arguments[uid])
        places = {uid: buffer.pointer for uid, buffer in buffers.items()}
        for index, plan in chain([first] if first else [], candidates):
            space = gpu.allocate(plan.workspace)
            seconds = _seconds(device, watch, partial(plan, places, space.pointer))
            times.append((seconds, index, plan))
    except OutOfMemoryError as why:
        _log.warning("owlkit: cuDNN's plans are not all timed: %s", why)
        if not times:
            return first
    ran = [timed for timed in times if timed[0] < math.inf]
    return min(ran, key=itemgetter(0))[1:] if ran else None


def _seconds(device: GpuDevice, watch: Stopwatch, work: Callable[[], None]) -> float:
    """How long the work takes; infinite where it fails."""
    try:
        return watch.seconds(ready(device, work))
    except DeviceError as why:
        _log.warning("owlkit: a plan of cuDNN's fails and is left out: %s", why)
        return math.inf
