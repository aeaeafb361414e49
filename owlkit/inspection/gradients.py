"""check_gradients: whether backward computes the slope of forward, for a net or a single layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core import frontends
from owlkit.core.errors import NetError, closest
from owlkit.core.progress import Progress
from owlkit.inspection.gradcheck import nets, single
from owlkit.inspection.gradcheck.course import Course
from owlkit.inspection.gradcheck.one_layer import check_layer, failed_row, has_gradient, wanted_bottoms
from owlkit.inspection.gradcheck.probe import Probe, isolate, learns
from owlkit.inspection.gradcheck.report import GradientReport
from owlkit.inspection.gradcheck.settings import NotThere, Settings

if TYPE_CHECKING:
    from owlkit.layers.base import Layer
    from owlkit.net import Net

LOSS_DIRECTIONS = 4


def check_gradients(
    target: Any,
    bottoms: Sequence[Any] | None = None,
    *,
    layers: Sequence[str] | None = None,
    blob: str | None = None,
    at: Sequence[int] | None = None,
    inputs: Mapping[str, Any] | None = None,
    elements: int | str = "auto",
    directions: int | None = None,
    tolerance: float = 1e-5,
    step: float = 1e-5,
    seed: int = 0,
    progress: bool = True,
) -> GradientReport:
    """Compare every gradient that `backward` computes with central differences of `forward`, in float64.

    target : a Net, a definition (prototxt, NetParameter, NetSpec; its train net is built), or a layer: of a
        net, or a call of `L` without bottoms, such as L.InnerProduct(num_output=3).
        A net is rebuilt in float64 with the same weights, inputs and random state, and stays as it is. Each
        layer is checked by itself, at the values that it really reads, and then the loss of the whole.
    bottoms : for a layer: an array, or a shape (a tuple; filled with normal noise), for each of its bottoms.
    layers : names of the layers to check; by default all. inputs : blob name -> array, in place of what the
        net's inputs and data layers hold; a smaller batch of them takes less time.
    blob, at : of one layer only that blob (a bottom's name, or "blobs[0]"), and of it only the element at
        that index: what a larger check found is looked at again.
    elements : "all"; how many of each blob; or "auto": all of a small blob, a sample of a large one.
    directions : along how many random directions a blob is checked as a whole; None: a few where not every
        element is checked. A direction that is wrong is halved until the element to blame is found.
    tolerance : of the relative error |a - n| / max(|a|, |n|, 1 % of the blob's largest slope).
    step : of the differences, relative to the typical size of a blob's values. seed : of all that is random.
    progress : whether the check says how far it is: a live widget in a notebook that has one, else a line of
        text where it takes long. Ctrl-C returns what is known so far.
    Raises NetError for a layer, a blob or an element that does not exist, TypeError where `bottoms` are
    missing for a layer or given for a net.
    """
    target = getattr(target, "owlkit_net", target)  # of a caffe.Net
    if not _is_layer(target) and (bottoms is not None or single.is_call(target)):
        target = single.layer_of(target, bottoms, seed)
    index = None if at is None else tuple(int(i) for i in at)
    settings = Settings(elements, directions, tolerance, step, seed, blob or "", index)
    if _is_layer(target):
        report = GradientReport(target.name, settings)
        again = work = partial(_check_one, target, bottoms)
    else:
        net = nets.build(target, seed)
        _check_names(net, layers)
        report = GradientReport(net.name or "net", settings)
        work = partial(_check_net, lambda: net, layers, inputs or {})
        again = partial(_check_net, partial(nets.build, target, seed), layers, inputs or {})
    of_one = _is_layer(target) or (layers is not None and len(layers) == 1)
    if settings.blob and not of_one:
        raise NetError(f"blob={blob!r} is looked for in one layer; name it: layers=['NAME']")
    if index is not None and not settings.blob:
        raise NetError(f"at={index}: name the blob as well, blob='blobs[0]' or a bottom's name")
    report.closer = partial(_look_closer, target, bottoms, inputs, settings)
    report.again = partial(_carry_out, report, again, False)
    return _carry_out(report, work, progress)


def _look_closer(
    target: Any,
    bottoms: Sequence[Any] | None,
    inputs: Mapping[str, Any] | None,
    settings: Settings,
    layer: str,
    blob: str,
    at: tuple[int, ...],
) -> GradientReport:
    """The report on one element; shown nowhere."""
    layers = None if _is_layer(target) else [layer]
    same: dict[str, Any] = {"tolerance": settings.tolerance, "step": settings.step, "seed": settings.seed}
    return check_gradients(
        target, bottoms, layers=layers, blob=blob, at=at, inputs=inputs, progress=False, **same
    )


def _carry_out(report: GradientReport, work: Any, progress: bool) -> GradientReport:
    """Fill the report, which may be a second time."""
    listeners, until_wrong = report.course.listeners, report.course.until_wrong
    course = report.course = Course()
    course.listeners, course.until_wrong = listeners, until_wrong
    for found in (report.rows, report.loss, report.skipped, report.remarks):
        found.clear()
    report.interrupted = False
    course.progress = Progress(progress and not listeners and not frontends.display(report))
    try:
        for _ in work(report):
            pass
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        report.seconds = course.seconds
        course.finish()
    return report


def _is_layer(target: Any) -> bool:
    return all(hasattr(target, name) for name in ("param", "blobs", "propagate_down", "setup", "reshape"))


def _check_names(net: Net, layers: Sequence[str] | None) -> None:
    if isinstance(layers, str):
        raise TypeError(f"layers is a list of names; write layers=[{layers!r}]")
    for name in layers or ():
        if name not in net.layer_names:
            raise NetError(f"there is no layer {name!r}{closest(name, net.layer_names)}")


def _check_one(layer: Layer, bottoms: Sequence[Any] | None, report: GradientReport) -> Iterator[None]:
    """Yields after each step of the work; so do the functions below."""
    if bottoms is None:
        raise TypeError(
            f"{layer.name}: give an array or a shape for each bottom: check_gradients(layer, [(2, 3)])"
        )
    rng = np.random.default_rng(report.settings.seed)
    arrays = [rng.standard_normal(b) if isinstance(b, tuple) else np.asarray(b) for b in bottoms]
    names = [*layer.param.bottom, *(f"b{i}" for i in range(len(layer.param.bottom), len(arrays)))]
    tops = max(len(layer.param.top), type(layer).tops.minimum)
    in_place = bool(layer.param.bottom) and list(layer.param.bottom[:1]) == list(layer.param.top[:1])
    report.course.doing = layer.name
    _examine(layer, arrays, names[: len(arrays)], tops, in_place, report)
    yield


def _check_net(
    build: Callable[[], Net],
    layers: Sequence[str] | None,
    inputs: Mapping[str, Any],
    report: GradientReport,
) -> Iterator[None]:
    settings, course = report.settings, report.course
    twin, remarks = nets.in_float64(build(), inputs, settings.seed)
    report.remarks += remarks
    chosen = [node for node in twin.graph.nodes if layers is None or node.name in layers]
    if layers is None:
        chosen = [node for node in chosen if not nets.hands_on_labels(twin, node)]
    course.expected = nets.expected(chosen, settings)
    course.tell()
    for number, (node, arrays) in enumerate(nets.walk(twin)):
        if node not in chosen:
            continue
        course.doing = f"{node.name} ({number + 1} of {len(twin.graph.nodes)} layers)"
        _examine(node.layer, arrays, node.bottom_names, len(node.top), node.runs_in_place, report)
        yield
    whole = nets.LossProbe(twin)
    if layers is None and not whole.is_empty:
        course.doing = "the loss along random directions"
        rng = np.random.default_rng(settings.seed)
        for _ in range(LOSS_DIRECTIONS):
            try:
                report.loss.append(whole.check(settings, rng))
            except Exception as error:
                if not report.wrong:
                    raise
                # The layer that raised has a row that says so; the others' rows are worth having.
                report.remarks.append(f"the loss was not checked: {type(error).__name__}: {error}")
                return
            course.tick()
            yield


def _examine(
    layer: Layer,
    arrays: Sequence[np.ndarray],
    names: Sequence[str],
    tops: int,
    in_place: bool,
    report: GradientReport,
) -> None:
    """One layer; an error that it raises is its verdict, and the check of the net goes on."""
    settings = report.settings
    wanted = wanted_bottoms(layer, [array.size for array in arrays])
    if not has_gradient(type(layer), wanted, [learns(layer, i) for i in range(len(layer.blobs))]):
        if arrays:
            report.skipped.append(layer.name)
        return
    try:
        parts = isolate(layer, arrays, names, tops, in_place)
        probe = Probe(*parts, wanted, np.random.default_rng(settings.seed))
        check_layer(probe, settings, report.course, report.rows)
    except NotThere:
        raise
    except Exception as error:
        report.rows.append(failed_row(layer.name, layer.type, error, settings))
