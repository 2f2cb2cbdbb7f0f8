"""A query in the form that the server takes: `$1` for parameters, and what makes bytes of each argument."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer

from wfstore.jsonb import json_bytes
from wfstore.wire.arrays import ARRAY_OIDS, ENCODERS, array, json_texts

TEXT, BINARY = 0, 1
_JSONB = 3802
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")

Value = tuple[bytes | None, int]
"""What is sent of an argument, and whether it is text or binary."""
Encoder = Callable[[Any, str], Value]
"""Makes it of an argument and the parameter's name."""

Bound = tuple[list[bytes | None], list[int]]
"""The values and their formats."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is sent of a query."""

    text: bytes
    types: tuple[int, ...]
    """The types of the parameters; 0 where the server sees it from the context."""
    encoders: tuple[tuple[str, Encoder], ...]
    """For each `$n` the parameter's name, and what makes bytes of an argument."""

    def bind(self, arguments: Mapping[str, Any]) -> Bound:
        """Make bytes of the arguments.

        Raises:
            InvalidInput: one that is to be JSON is not.
            psycopg.Error, UnicodeEncodeError: PostgreSQL could not take one, as psycopg would say.
        """
        values: list[bytes | None] = []
        formats: list[int] = []
        for name, encode in self.encoders:
            value, form = encode(arguments[name], name)
            values.append(value)
            formats.append(form)
        return values, formats


def compiled(text: str, casts: Mapping[str, str]) -> Statement:
    """Return what is sent of a text with `%(name)s` for parameters, of which `casts` names types."""
    names = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
    places = {name: f"${place}" for place, name in enumerate(names, 1)}
    numbered = _PLACEHOLDER.sub(lambda match: places[match[1]], text).replace("%%", "%")
    types = [casts.get(name, "") for name in names]
    return Statement(
        text=numbered.encode(),
        types=tuple(ARRAY_OIDS.get(each.removesuffix("[]"), 0) if each.endswith("[]") else 0 for each in types),
        encoders=tuple((name, _encoder(each)) for name, each in zip(names, types, strict=True)),
    )


def _encoder(cast: str) -> Encoder:
    if cast == "jsonb":
        return _json
    if cast == "jsonb[]":
        return _json_array
    if cast.endswith("[]") and cast.removesuffix("[]") in ENCODERS:
        return _array_encoder(cast.removesuffix("[]"))
    return _scalar


def _json(value: Any, name: str) -> Value:
    return json_bytes(value, name), TEXT


def _json_array(values: Any, name: str) -> Value:
    return array([json_bytes(value, name) for value in values], json_texts, _JSONB), BINARY


def _array_encoder(element: str) -> Encoder:
    encode, oid = ENCODERS[element]

    def encoded(values: Any, name: str) -> Value:
        if values is None:
            return None, TEXT
        try:
            return array(values, encode, oid), BINARY
        except (AttributeError, TypeError, struct.error, OverflowError):
            return _by_psycopg(values), TEXT

    return encoded


def _scalar(value: Any, name: str) -> Value:
    write = _WRITERS.get(type(value))
    return (_by_psycopg(value) if write is None else write(value)), TEXT


def _text(value: str) -> bytes:
    if "\0" in value:  # to libpq it would be the end
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return str.encode(value)


def _by_psycopg(value: Any) -> bytes | None:
    """Write a value of any other kind as psycopg does."""
    if isinstance(value, str):
        return _text(value)
    [dumped] = Transformer().dump_sequence([value], [PyFormat.TEXT])
    return None if dumped is None else bytes(dumped)


_WRITERS: Mapping[type, Callable[[Any], bytes | None]] = {
    type(None): lambda value: None,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    str: _text,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    UUID: lambda value: value.hex.encode(),
    datetime: lambda value: str(value).encode(),
}
"""How the usual arguments are written; others are psycopg's to write."""


@lru_cache(maxsize=1_000)
def with_literals(text: str, arguments: tuple[tuple[str, str], ...]) -> bytes:
    """Return a text with its arguments in it, as utility statements take none from outside."""
    literals = {name: sql.Literal(value).as_string(None) for name, value in arguments}
    return (text % literals).encode()
