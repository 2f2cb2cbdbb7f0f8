"""What a value may hold if it is to be stored, and how it reads afterwards."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import orjson

from wfstore.errors import InvalidDocument

_DEEPEST = 254  # levels; orjson writes no more
_INTEGERS = range(-(2**63), 2**64)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# In a string it is found too: that costs a walk, no more.
_REWRITTEN = re.compile(rb"[0-9]e\+?[0-9]|-0\.0")


def fault_of(value: Any, path: str, *, texts_only: bool = False) -> str | None:
    """Return what JSON or PostgreSQL cannot hold of a value, with its path, or None if there is nothing.

    With `texts_only` nothing but texts is looked at: arguments of queries may be more than JSON.
    """
    pending: list[tuple[str, Any, int]] = [(path, value, 0)]
    while pending:
        path, value, depth = pending.pop()
        if depth > _DEEPEST:
            return f"{path}: is nested more than {_DEEPEST} levels deep"
        if isinstance(value, dict):
            for key in value:
                problem = _text_fault(key) if isinstance(key, str) else "is no string"
                if problem:
                    return f"{path}: the key {key!r} {problem}"
            pending += [(_member(path, key), item, depth + 1) for key, item in reversed(value.items())]
        elif isinstance(value, list | tuple):
            items = list(enumerate(value))
            pending += [(f"{path}[{index}]", item, depth + 1) for index, item in reversed(items)]
        else:
            problem = _text_fault(value) if isinstance(value, str) else None if texts_only else _other_fault(value)
            if problem:
                return f"{path}: {problem}" if path else problem
    return None


def as_stored(document: Any) -> Any:
    """Return a document as it will read once it was stored, so that what is hashed is what is kept.

    Tuples are lists. PostgreSQL keeps numbers as decimals: 1e16 reads as an integer, -0.0 as 0.0.

    Raises:
        InvalidDocument: JSON or PostgreSQL cannot hold it; the message gives the path of the fault.
    """
    try:
        text = orjson.dumps(document)
    except orjson.JSONEncodeError as error:
        raise InvalidDocument(fault_of(document, "") or f"the document is not JSON: {error}") from error
    form = orjson.loads(text)
    # orjson writes null for NaN; a NUL passes orjson and fails in PostgreSQL
    if form != document or b"\\u0000" in text:
        fault = fault_of(document, "")
        if fault:
            raise InvalidDocument(fault)
    return _numbers_as_stored(form) if _REWRITTEN.search(text) else form


def _member(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{key!r}]"
    return f"{path}.{key}" if path else key


def _text_fault(value: str) -> str | None:
    if "\0" in value:
        return "contains a NUL character, which PostgreSQL cannot store"
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return "contains a lone surrogate, which is no Unicode character"
    return None


def _other_fault(value: Any) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value}, which JSON has no number for"
    if isinstance(value, int):
        return None if value in _INTEGERS else "is an integer beyond 64 bits"
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return f"is of type {type(value).__name__}, which is not JSON"
    return None


def _numbers_as_stored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_as_stored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers_as_stored(item) for item in value]
    if isinstance(value, float):
        if value == 0:
            return 0.0
        if abs(value) >= 1e16:  # from here on orjson writes an exponent and PostgreSQL digits
            digits = int(Decimal(repr(value)))
            return digits if digits in _INTEGERS else value
    return value
