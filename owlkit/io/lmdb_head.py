"""Whether the file of an LMDB set can be trusted, as far as its length and its two heads tell."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple


class _Head(NamedTuple):
    """What is looked at of one head. root : page of the records' tree. last_page : the highest in use."""

    magic: int
    version: int
    page_bytes: int
    depth: int
    entries: int
    root: int
    last_page: int
    transaction: int


# A head stands at the start of each of the first two pages. After a page header of 16 bytes: magic, version,
# map address and size; the tree of free pages, whose first field is the page size; the tree of records; last
# page, transaction. Source: struct MDB_meta and MDB_db of LMDB's mdb.c, on 64-bit machines.
_LAYOUT = struct.Struct("<16x I I 16x I 44x 6x H 24x Q Q Q Q")
_MAGIC = 0xBEEFC0DE
_PAGE_BYTES = tuple(512 << n for n in range(8))
_DEEPEST = 32  # CURSOR_STACK of mdb.c: no tree is higher


def damage(data: Path) -> str | None:
    """Why a data.mdb cannot be read, with the next action, or None.

    LMDB maps the file and trusts it: reading beyond the end of one that was cut short (a copy that broke off)
    ends the process, where this function gives a reason. What lies within the pages is not looked at.
    """
    found = _damage(data)
    return (
        f"{data.parent} cannot be read as an LMDB set: {found}; copy or convert it again" if found else None
    )


def _damage(data: Path) -> str | None:
    length = data.stat().st_size
    with data.open("rb") as stream:
        first = stream.read(_LAYOUT.size)
        if len(first) < _LAYOUT.size or _Head(*_LAYOUT.unpack(first)).magic != _MAGIC:
            return f"{data.name} is no LMDB file"
        page_bytes = _Head(*_LAYOUT.unpack(first)).page_bytes
        if page_bytes not in _PAGE_BYTES:
            return f"{data.name} is damaged, its pages have {page_bytes} bytes"
        stream.seek(page_bytes)
        second = stream.read(_LAYOUT.size)
    if len(second) < _LAYOUT.size:
        return f"{data.name} was cut short to {length:,} bytes"
    head = max((_Head(*_LAYOUT.unpack(part)) for part in (first, second)), key=lambda head: head.transaction)
    needed = (head.last_page + 1) * page_bytes
    if needed > length:
        return f"{data.name} was cut short, it has {length:,} bytes of {needed:,}"
    if head.entries and (head.root > head.last_page or not 0 < head.depth < _DEEPEST):
        return f"{data.name} is damaged, its head names page {head.root} of {head.last_page + 1}"
    return None
