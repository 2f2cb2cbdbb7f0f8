"""Reading JSON so that nothing of it is lost without a word, and faults have a line and a column.

What a common parser lets pass is refused: of two equal keys the second would win, digits beyond what a double
holds would go, NaN is no JSON, and what PostgreSQL cannot store would fail later, far from its place.
"""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from wfstore.documents import fault_of
from wfstore.documents.findings import Finding
from wfstore.errors import InvalidDocument
from wfstore.imports.json_places import Start, find, shortened

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EXACT_DIGITS = 15
"""So many significant digits come back from a double as they went in."""
_INTEGERS = range(-(2**63), 2**64)
_INTEGER_DIGITS = 20


class InvalidText(InvalidDocument):
    """A text that is no JSON, or JSON that would not be kept as it is; `line` says where, counted from 1."""

    def __init__(
        self, message: str, *, line: int = 1, findings: Iterable[Finding] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, findings=findings, hint=hint)
        self.line = line


def read(raw: bytes, *, first_line: int = 1, first_column: int = 1) -> Any:
    """Return the one JSON value of a text in UTF-8.

    Args:
        raw: the text, with or without a byte order mark.
        first_line: the number of its first line in its file, for the messages.
        first_column: where it begins on that line.

    Raises:
        InvalidText: it is not exactly one JSON value, or one that would not be kept as it is. The message gives
            line and column, and the path within the value.
    """
    start = Start(first_line, first_column)
    text = _decoded(raw, start)
    if not text.strip(" \t\r\n"):
        raise InvalidText("is empty", line=first_line)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse_syntax(error, start)
    except (_Lossy, RecursionError, ValueError) as error:  # ValueError: an integer of thousands of digits
        _refuse(text, f"cannot be read: {error}", start)
    fault = _unstorable(value)
    if fault:
        _refuse(text, fault, start)
    return value


# --- the text -----------------------------------------------------------------------------------------------


def _decoded(raw: bytes, start: Start) -> str:
    if raw.startswith(_UTF16) or (len(raw) > 1 and 0 in raw[:2]):
        raise InvalidText("is UTF-16 or UTF-32; JSON is UTF-8", line=start.line)
    body = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        line, column = start.of(before, len(before))
        message = f"line {line}, column {column}: the byte 0x{body[error.start]:02x} is not UTF-8"
        raise InvalidText(message, line=line) from error


def _refuse_syntax(error: json.JSONDecodeError, start: Start) -> NoReturn:
    line, column = start.of(error.doc, error.pos)
    place = f"line {line}, column {column}"
    if error.msg != "Extra data":  # "Expecting value", "Unterminated string starting at", ...
        raise InvalidText(f"{place}: is no JSON: {error.msg.removesuffix(' at')}", line=line) from error
    rest = error.doc[error.pos : error.pos + 100]
    if rest.startswith(("{", "[")):
        raise InvalidText(f"{place}: a second JSON document begins here; one was expected", line=line) from error
    raise InvalidText(f"{place}: text follows the end of the JSON document: {shortened(rest)!r}", line=line) from error


def _refuse(text: str, otherwise: str, start: Start) -> NoReturn:
    """Say where it is what the parser stumbled over, which knows no place."""
    place = find(text, _fault_of_token, start)
    raise InvalidText(str(place or otherwise), line=place.line if place else start.line)


# --- values -------------------------------------------------------------------------------------------------


class _Lossy(Exception):
    """Something was read that would not be kept; its place is still to be found."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Lossy("a key stands twice in one object")
    return members


def _float(literal: str) -> float:
    value = float(literal)
    if (len(literal) > _EXACT_DIGITS or "e" in literal or "E" in literal) and not _is_exact(literal, value):
        raise _Lossy(f"the number {shortened(literal)} loses digits")
    return value


def _is_exact(literal: str, value: float) -> bool:
    """Whether the shortest text of the double, which is what is stored, is the same number."""
    try:
        return math.isfinite(value) and Decimal(literal) == Decimal(repr(value))
    except InvalidOperation:  # an exponent beyond those of Decimal
        return False


def _constant(literal: str) -> NoReturn:
    raise _Lossy(f"{literal} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _unstorable(value: Any) -> str | None:
    """Return what JSON or PostgreSQL cannot hold of a value, with its path."""
    try:
        # This is how a NUL is written; the text of the escape is too, behind one more backslash.
        suspect = b"\\u0000" in orjson.dumps(value)
    except orjson.JSONEncodeError:  # a lone surrogate, an integer beyond 64 bits, too deep
        suspect = True
    return fault_of(value, "") if suspect else None


def _fault_of_token(kind: str, literal: str) -> str | None:
    """Return what is wrong with a string, a number or a constant as it is written."""
    if kind == "constant":
        return "is no JSON"
    if kind == "string":
        return fault_of(json.loads(literal, strict=False), "") if "\\u" in literal else None
    if any(mark in literal for mark in ".eE"):
        value = float(literal)
        if _is_exact(literal, value):
            return None
        return f"loses digits: it would become {value}" if math.isfinite(value) else "is beyond what a double holds"
    # Python refuses to read thousands of digits; JSON has no leading zeros
    too_long = len(literal.lstrip("-")) > _INTEGER_DIGITS or int(literal) not in _INTEGERS
    return "is an integer beyond 64 bits" if too_long else None
