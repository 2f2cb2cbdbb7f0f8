"""Bytes to JSON values, with errors that say where the fault is.

orjson decodes (several times faster than the standard library). The standard library's decoder reads a text only
after orjson has refused it, because it tells more: where the text breaks off, or, for what it lets through and
PostgreSQL's jsonb does not (lone surrogates, NaN), which value it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson

from wfstore.errors import InvalidDocument

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPED_NUL = rb"\u0000"


def decode(raw: bytes) -> Any:
    """The JSON value in `raw` (UTF-8), storable as jsonb, or `InvalidDocument` with line and column or path."""
    raw = raw.removeprefix(_BYTE_ORDER_MARK)  # some Windows programs begin every text with it
    if not raw.strip():
        raise InvalidDocument("the text is empty")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument(_reason(raw, error)) from error
    # Also found where a backslash stands before it as text; the walk tells.
    if _ESCAPED_NUL in raw and (fault := next(_unstorable(value), None)):
        raise InvalidDocument(fault)
    return value


def _reason(raw: bytes, refusal: orjson.JSONDecodeError) -> str:
    try:
        value = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return f"line {line}: not UTF-8 text: byte {error.start:,} is 0x{raw[error.start]:02x}"
    except json.JSONDecodeError as error:
        text = "more follows after the end of the document" if error.msg == "Extra data" else error.msg
        return f"line {error.lineno}, column {error.colno}: not JSON: {text}"
    except (RecursionError, ValueError):  # ValueError: an integer of thousands of digits
        value = None
    fault = next(_unstorable(value), None)
    return fault or f"line {refusal.lineno}, column {refusal.colno}: not JSON: {refusal.msg}"


def _unstorable(document: Any) -> Iterator[str]:
    """Each value in `document`, in its order, that jsonb refuses: as `path: reason`."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, value = stack.pop()
        where = path or "the document"
        if isinstance(value, dict):
            for key in value:
                if reason := _text_fault(key):
                    yield f"{where}: the key {key!r} {reason}"
            stack += [(f"{path}.{key}" if path else key, value[key]) for key in reversed(value)]
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", value[index]) for index in reversed(range(len(value)))]
        elif isinstance(value, str):
            if reason := _text_fault(value):
                yield f"{where}: {reason}, which PostgreSQL cannot store"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{where}: must be a finite number"


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "has a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "has half of a surrogate pair"
    return None
