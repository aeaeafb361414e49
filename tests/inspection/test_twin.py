"""The twin of a net, in which images are run."""

from __future__ import annotations

import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.errors import NetError
from owlkit.inspection.twin import Twin


def test_a_blob_that_is_no_first_top_is_refused() -> None:
    """The first was shown in its place."""
    n = NetSpec("two tops")
    n.data = L.Input(shape=dict(dim=[1, 4, 6, 6]))
    n.left, n.right = L.Slice(n.data, ntop=2, name="slice")
    n.out = L.Eltwise(n.left, n.right)
    twin = Twin(Net(n))
    assert twin.layer_of("left") == "slice"
    assert twin.layer_of("slice") == "slice"
    with pytest.raises(NetError, match=r"'right' is not the first top of layer 'slice'.*'left'"):
        twin.layer_of("right")
