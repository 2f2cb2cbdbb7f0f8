"""What a value may hold if it is to be stored, and how it reads afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from wfstore.documents import limits
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.paths import member
from wfstore.errors import InvalidDocument
from wfstore.jsonb import keeping_floats, without_negative_zeros

_MOST_FINDINGS = 100
_INTEGERS = range(-(2**63), 2**64)
_TOO_DEEP = f"is nested more than {limits.MAX_LEVELS} levels deep"


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as the database keeps it."""

    value: Any
    """As it will read: tuples are lists, -0.0 is 0.0."""
    text: bytes
    """The same as JSON in its canonical form: keys sorted, no spaces, UTF-8, numbers as jsonb keeps them."""


def fault_of(value: Any, path: str, *, texts_only: bool = False) -> str | None:
    """Return what JSON or PostgreSQL cannot hold of a value, with its path, or None if there is nothing.

    With `texts_only` nothing but texts is looked at: arguments of queries may be more than JSON.
    """
    for where, problem in _faults(value, path, texts_only):
        return f"{where}: {problem}" if where else problem
    return None


def as_stored(document: Any) -> Any:
    """Return a document as it will read once it was stored.

    Raises:
        InvalidDocument: as of `stored`.
    """
    return stored(document).value


def stored(document: Any) -> Stored:
    """Return a document as it will be kept, and as it will read.

    Raises:
        InvalidDocument: JSON or PostgreSQL cannot hold it, or it is larger than a document may be.
    """
    try:
        text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise InvalidDocument.of(
            _unstorable(document) or [_finding("", f"the document is not JSON: {error}")]
        ) from error
    _refuse(limits.of_size(text))
    kept = without_negative_zeros(keeping_floats(text))
    _refuse(limits.of_size(kept))
    value = orjson.loads(kept)
    # orjson writes null for NaN; a NUL passes orjson and fails in PostgreSQL
    if value != document or b"\\u0000" in text:
        _refuse(_unstorable(document))
    return Stored(value, kept)


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise InvalidDocument.of(findings)


def _unstorable(document: Any) -> list[Finding]:
    """Return the first faults, none behind a place that is nested too deep: what holds itself has no end."""
    found: list[Finding] = []
    for path, problem in _faults(document, "", texts_only=False):
        found.append(limits.of_depth(path, document) if problem == _TOO_DEEP else _finding(path, problem))
        if problem == _TOO_DEEP or len(found) == _MOST_FINDINGS:
            break
    return found


def _faults(value: Any, path: str, texts_only: bool) -> Iterator[tuple[str, str]]:
    """Give each path with what is wrong there, in the order of the document."""
    pending: list[tuple[str, Any, int]] = [(path, value, 0)]
    while pending:
        path, value, depth = pending.pop()
        if depth >= limits.MAX_LEVELS and isinstance(value, dict | list | tuple):
            yield path, _TOO_DEEP
        elif isinstance(value, dict):
            for key in value:
                problem = _text_fault(key) if isinstance(key, str) else "is no string"
                if problem:
                    yield path, f"the key {key!r} {problem}"
            pending += [(member(path, key), item, depth + 1) for key, item in reversed(value.items())]
        elif isinstance(value, list | tuple):
            items = list(enumerate(value))
            pending += [(f"{path}[{index}]", item, depth + 1) for index, item in reversed(items)]
        else:
            problem = _text_fault(value) if isinstance(value, str) else None if texts_only else _other_fault(value)
            if problem:
                yield path, problem


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


def _finding(path: str, problem: str) -> Finding:
    return Finding("unstorable", Severity.ERROR, path, problem)
