"""PostgreSQL's types and Python's: what psycopg makes of a column, and what a parameter takes.

| PostgreSQL | Python |
| --- | --- |
| boolean | bool |
| smallint, integer, bigint, oid | int |
| real, double precision | float |
| numeric | Decimal |
| text, varchar, char, name, enums | str; a StrEnum or a Literal of such words |
| uuid | UUID |
| timestamp, timestamptz | datetime |
| date, time, interval | date, time, timedelta |
| bytea | bytes |
| json, jsonb | what JSON has: dict, list, str, int, float, bool, a model, Any |
| T[] | list[T] |
| a domain | what it narrows |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import psycopg

from wfstore.catalogue import CATALOGUE
from wfstore.sync.calling import call

_PYTHON: dict[str, type] = {
    "bool": bool,
    "int2": int,
    "int4": int,
    "int8": int,
    "oid": int,
    "float4": float,
    "float8": float,
    "numeric": Decimal,
    "text": str,
    "varchar": str,
    "bpchar": str,
    "name": str,
    "char": str,
    "uuid": UUID,
    "timestamp": datetime,
    "timestamptz": datetime,
    "date": date,
    "time": time,
    "interval": timedelta,
    "bytea": bytes,
    "void": str,
}
_JSON = ("json", "jsonb")
_NOT_IN_JSON = (UUID, datetime, date, time, timedelta, Decimal, bytes)
_SPELLED = {"bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float8": "double precision"}


@dataclass(frozen=True, slots=True)
class ServerType:
    """A type of the server's, as far as Python is concerned."""

    name: str
    """As people write it: `bigint`, `uuid[]`."""
    element: type | None
    """What psycopg makes of it, or of its elements; None for JSON, and for what this module knows nothing of."""
    is_json: bool = False
    is_array: bool = False

    @property
    def known(self) -> bool:
        """Whether Python has a type for it."""
        return self.is_json or self.element is not None

    @property
    def advice(self) -> str:
        """Return a hint for somebody who took it for something else."""
        return f"psycopg makes {self.spelled()} of it." if self.known else "Cast it, to text perhaps."

    def spelled(self, *, optional_elements: bool = False) -> str:
        """Return the annotation of a value of it."""
        element = "Any" if self.element is None else self.element.__name__
        if not self.is_array:
            return element
        if optional_elements and element != "Any":
            return f"list[{element}] | list[{element} | None]"  # lists are invariant
        return f"list[{element}]"


@dataclass
class ServerTypes:
    """The types of a database by OID, asked when needed."""

    connection: psycopg.Connection[Any]
    _known: dict[int, ServerType] = field(default_factory=dict)

    def __getitem__(self, oid: int) -> ServerType:
        if oid not in self._known:
            self._known[oid] = self._read(oid)
        return self._known[oid]

    def _read(self, oid: int) -> ServerType:
        found = call(CATALOGUE["checks.type"], self.connection, {"oid": oid})
        if found is None:
            return ServerType("unknown", None)
        if found.element is not None:
            element = self[found.element]
            # An array of arrays is the same type to the server.
            return ServerType(f"{element.name}[]", element.element, element.is_json, is_array=True)
        if found.base is not None:
            return self[found.base]
        if found.name in _JSON:
            return ServerType(found.name, None, is_json=True)
        python = str if found.kind == "e" else _PYTHON.get(found.name)
        return ServerType(_SPELLED.get(found.name, found.name), python)


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation taken apart: the types that a value may have, whether None is one, what pydantic was told."""

    members: tuple[Any, ...]
    optional: bool
    metadata: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any, metadata: tuple[Any, ...] = ()) -> Annotation:
        """Take an annotation apart."""
        parts = list(_members(annotation, metadata))
        members = tuple(member for member, _ in parts if member is not NoneType)
        return cls(members, len(members) < len(parts), tuple(each for _, data in parts for each in data))

    def fits(self, type: ServerType) -> bool:
        """Whether a value of the server's type, if it is not NULL, has one of the types."""
        return bool(self.members) and all(_fits(member, type) for member in self.members)

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The words that a text may be, if the annotation lists them."""
        words: set[str] = set()
        for member in self.members:
            if isinstance(member, type) and issubclass(member, Enum):
                words |= {str(each.value) for each in member}
            elif get_origin(member) is Literal:
                words |= {str(each) for each in get_args(member)}
            else:
                return None
        return frozenset(words)


def _members(annotation: Any, metadata: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from _members(inner, (*metadata, *more))
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _members(each, metadata)
    elif hasattr(annotation, "__supertype__"):  # NewType
        yield from _members(annotation.__supertype__, metadata)
    elif hasattr(annotation, "__value__"):  # type X = ...
        yield from _members(annotation.__value__, metadata)
    else:
        yield annotation, metadata


def _fits(member: Any, type: ServerType) -> bool:
    if type.is_array:
        if get_origin(member) is not list:
            return False
        [element] = get_args(member)
        return Annotation.of(element).fits(ServerType(type.name, type.element, type.is_json))
    if type.is_json:
        return member not in _NOT_IN_JSON
    if get_origin(member) is Literal:
        return all(isinstance(word, type.element or NoneType) for word in get_args(member))
    if type.element is None or not isinstance(member, _type):
        return False
    # A StrEnum is a str; but a bool is no int here, nor a datetime a date: those would change the value.
    return member is type.element or (issubclass(member, type.element) and issubclass(member, Enum))


_type = type  # the class, where an argument has its name
