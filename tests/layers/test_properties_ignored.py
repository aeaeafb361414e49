"""No option of the schema is ignored: for each there is a definition where it changes the result.

That is the shapes and values of tops, gradients and learned blobs; an option that is refused wherever it is
given has to be named by the refusal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import OwlkitError
from owlkit.layers import LAYERS
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from tests.support.kinds import KINDS
from tests.support.options import Definition, Picks, draw, set_option

TRIES = 400  # most options are met in the first ten; a few need company
KERNEL = "the device chooses the kernel, and no result changes"
#: Field -> why it may be given, although it changes nothing.
CHANGES_NOTHING = {"engine": KERNEL, "force_nd_im2col": KERNEL, "debug_info": "asks Caffe to log"}
OPTIONS = [
    (type_, message, name)
    for type_, kind in KINDS.items()
    for message in kind.params
    for name in getattr(caffe_pb2.LayerParameter(), message).DESCRIPTOR.fields_by_name
]


def outcome(definition: Definition) -> str | list[bytes]:
    """All that a layer computes, or the message of its refusal."""
    try:
        net = Net(definition.net, phase=definition.phase, seed=1, dtype="float64")
        drawn = [blob.data.tobytes() for blobs in net.params.values() for blob in blobs]
        with np.errstate(all="ignore"):
            for _ in range(2):  # running statistics and carried states show in the second pass
                net.forward(**definition.inputs)
            for blob in net.blobs.values():
                blob.diff[...] = np.arange(blob.count).reshape(blob.shape) - 1.5
            net.backward()
    except OwlkitError as refusal:
        return str(refusal)
    blobs = [*net.blobs.values(), *(blob for learned in net.params.values() for blob in learned)]
    return drawn + [repr(b.shape).encode() + b.data.tobytes() + b.diff.tobytes() for b in blobs]


def effect(type_: str, message: str, name: str) -> str:
    """ "changes" results, "refused" by name wherever it is given, or "ignored"."""
    kind, named, silent = KINDS[type_], 0, 0
    for seed in range(TRIES if name not in CHANGES_NOTHING else TRIES // 8):
        pick = Picks(seed)
        definition = draw(type_, pick, name if seed % 2 else "")
        options = getattr(definition.layer, message)
        before, value = outcome(definition), str(getattr(options, name))
        if isinstance(before, str):
            continue
        options.ClearField(name)
        set_option(options, options.DESCRIPTOR.fields_by_name[name], kind, pick)
        after = outcome(definition)
        if isinstance(after, str):
            named += name in after
        elif after != before:
            return "changes"
        else:
            silent += value != str(getattr(options, name))
    return "refused" if named and not silent else "ignored"


@pytest.mark.parametrize(("type_", "message", "name"), OPTIONS, ids=lambda part: str(part))
def test_no_option_is_ignored(type_: str, message: str, name: str) -> None:
    found = effect(type_, message, name)
    if name in CHANGES_NOTHING:
        assert name in str(LAYERS[type_].__doc__), f"{type_} does not say that {name} changes nothing"
        assert found != "changes", "take it from the list"
    else:
        assert found in ("changes", "refused"), f"{type_}: {message}.{name} has no effect"


def test_an_option_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(LAYERS["ELU"]):  # type: ignore[misc]
        def setup(self, bottom: Any, top: Any) -> None:
            self.alpha = 1.0

    monkeypatch.setitem(LAYERS, "ELU", Deaf)
    with pytest.raises(AssertionError, match=r"ELU: elu_param\.alpha has no effect"):
        test_no_option_is_ignored("ELU", "elu_param", "alpha")
