"""Errors of handlers and steps, as the store keeps them."""

from __future__ import annotations

import traceback
from typing import Any

from wfstore.errors import WfstoreError

_LONGEST_MESSAGE = 2_000
_LONGEST_TRACE = 8_000


def error_data(error: BaseException, *, tries: int) -> dict[str, Any]:
    """Return what is stored of the error of a step."""
    return {"type": type(error).__name__, "message": message(error, kind=False), "tries": tries}


def message(error: BaseException, *, kind: bool = True) -> str:
    """Return one line of an error; `kind`: with the name of its class, where it is not wfstore's own."""
    text = str(error) or type(error).__name__
    if kind and str(error) and not isinstance(error, WfstoreError):
        text = f"{type(error).__name__}: {text}"
    return storable(text)[:_LONGEST_MESSAGE]


def details(error: BaseException) -> dict[str, Any]:
    """Return what is stored beside the message of a failed attempt: the class and where it came from."""
    lines = "".join(traceback.format_exception(error))
    return {"type": type(error).__name__, "traceback": storable(lines)[-_LONGEST_TRACE:]}


def storable(text: str) -> str:
    """Return what a text column takes, whatever the message quotes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
