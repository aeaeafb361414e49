"""Dictionaries of a net's parts, and what they say of a name that is not there."""

from __future__ import annotations

import copy
import pickle

import pytest

from owlkit.core.errors import NetError
from owlkit.core.names import Named, NamedInOrder, UnknownNameError

KINDS = pytest.mark.parametrize("kind", [Named, NamedInOrder])
WHAT = ("blob", "net.blobs")


@KINDS
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cov1", r"^there is no blob 'cov1' \(did you mean 'conv1'\?\); net\.blobs has conv1, ip2$"),
        ("zzz", r"^there is no blob 'zzz'; net\.blobs has conv1, ip2$"),
        ("relu", r"^there is no blob 'relu': the layer of that name makes 'ip2'$"),
        (0, r"^net\.blobs goes by names, found 0; by number: list\(net\.blobs\.values\(\)\)\[0\]$"),
        (None, r"^net\.blobs goes by names, found None$"),
    ],
)
def test_a_name_that_is_not_there(kind: type[Named[int]], name: str, message: str) -> None:
    parts = kind({"conv1": 1, "ip2": 2}, WHAT, {"relu": "the layer of that name makes 'ip2'"})
    with pytest.raises(KeyError, match=message) as caught:  # who catches KeyError still does
        parts[name]
    assert isinstance(caught.value, NetError)
    assert repr(pickle.loads(pickle.dumps(caught.value))) == repr(caught.value)


def test_few_and_many_names() -> None:
    """Splits, which are inserted where a blob is read twice, are not listed."""
    with pytest.raises(UnknownNameError, match=r"net\.blobs has a, a_split$"):
        Named(dict.fromkeys(("a", "a_a_0_split_0", "a_a_0_split_1", "a_a_0_split", "a_split"), 0), WHAT)["zz"]
    with pytest.raises(UnknownNameError, match=r"net\.blobs is empty"):
        Named((), WHAT)["a"]
    with pytest.raises(UnknownNameError, match=r"b10, b11, \.\.\.: list\(net\.blobs\) gives all 40$"):
        Named({f"b{i}": i for i in range(40)}, WHAT)["zz"]


@KINDS
def test_all_else_is_as_with_a_dict(kind: type[Named[int]]) -> None:
    plain = {"b": 1, "a": 2}
    parts = kind(plain, WHAT, {"c": "a hint"})
    assert (parts == plain, list(parts), list(parts.items()), len(parts)) == (
        True,
        ["b", "a"],
        [("b", 1), ("a", 2)],
        2,
    )
    assert ("a" in parts, "c" in parts, parts.get("c"), parts.get("c", 3)) == (True, False, None, 3)
    assert (parts.pop("c", 4), parts.setdefault("a", 5)) == (4, 2)
    for other in (pickle.loads(pickle.dumps(parts)), copy.copy(parts), copy.deepcopy(parts)):
        assert other == plain
        assert other | {} == plain
    loaded = pickle.loads(pickle.dumps(parts))
    with pytest.raises(KeyError, match="a hint"):
        loaded["c"]
