"""Arrays in PostgreSQL's binary form: each element with its length before it, none quoted.

An encoder takes the elements of one SQL type, None among them. What it does not know (an id as a string, a time
without a zone) raises TypeError or struct.error: such an array goes as text, as psycopg writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.wire.fields import NULL, jsonb, length, microseconds

_ALIKE = 4
"""From so many elements on it pays to look whether all are equal, as a batch's tenants and kinds of nodes are."""

Encoder = Callable[[Sequence[Any]], list[bytes]]

_HEADER = struct.Struct(">iiIii")  # dimensions, whether NULLs may occur, type of the elements, length, lower bound
_EMPTY = struct.Struct(">iiI")


def array(elements: Sequence[Any], encode: Encoder, oid: int) -> bytes:
    """Return a one-dimensional array of elements of the type that `oid` names."""
    if not elements:
        return _EMPTY.pack(0, 0, oid)
    count = len(elements)
    header = _HEADER.pack(1, 1, oid, count, 1)
    if count >= _ALIKE and encode in _ALIKE_IF_EQUAL and elements.count(elements[0]) == count:
        return header + b"".join(encode(elements[:1])) * count
    return b"".join([header, *encode(elements)])


def _uuids(elements: Sequence[UUID | None]) -> list[bytes]:
    head = length(16)
    return [NULL if each is None else head + each.int.to_bytes(16, "big") for each in elements]


def _texts(elements: Sequence[str | None]) -> list[bytes]:
    pieces: list[bytes] = []
    for each in elements:
        if each is None:
            pieces.append(NULL)
        else:
            text = str.encode(each)
            pieces += (length(len(text)), text)
    return pieces


def json_texts(elements: Sequence[bytes | None]) -> list[bytes]:
    """Encode texts of JSON, in UTF-8, for a jsonb array."""
    pieces: list[bytes] = []
    for each in elements:
        pieces += (NULL,) if each is None else jsonb(each)
    return pieces


def _packed(form: str) -> Encoder:
    pack, size = struct.Struct(f">i{form}").pack, struct.calcsize(f">{form}")

    def encode(elements: Sequence[Any]) -> list[bytes]:
        return [NULL if each is None else pack(size, each) for each in elements]

    return encode


def _times(elements: Sequence[datetime | None]) -> list[bytes]:
    pack = struct.Struct(">iq").pack
    return [NULL if each is None else pack(8, microseconds(each)) for each in elements]


def _booleans(elements: Sequence[bool | None]) -> list[bytes]:
    pieces = {None: NULL, True: length(1) + b"\x01", False: length(1) + b"\x00"}
    if any(each is not None and not isinstance(each, bool) for each in elements):
        raise TypeError("neither true nor false")
    return [pieces[each] for each in elements]


ENCODERS: Mapping[str, tuple[Encoder, int]] = {
    "uuid": (_uuids, 2950),
    "text": (_texts, 25),
    "smallint": (_packed("h"), 21),
    "integer": (_packed("i"), 23),
    "bigint": (_packed("q"), 20),
    "boolean": (_booleans, 16),
    "double precision": (_packed("d"), 701),
    "timestamptz": (_times, 1184),
}
"""By the name of the elements' type: what encodes them, and the type's OID."""

_ALIKE_IF_EQUAL = frozenset(
    [json_texts, *(encode for name, (encode, _) in ENCODERS.items() if name not in ("boolean", "double precision"))]
)
"""What makes the same of elements that are equal in Python, unlike 0.0 and -0.0, or True and 1."""

ARRAY_OIDS: Mapping[str, int] = {
    "uuid": 2951,
    "text": 1009,
    "smallint": 1005,
    "integer": 1007,
    "bigint": 1016,
    "boolean": 1000,
    "double precision": 1022,
    "timestamptz": 1185,
    "jsonb": 3807,
}
"""The type of the array itself. These are the same in every PostgreSQL."""
