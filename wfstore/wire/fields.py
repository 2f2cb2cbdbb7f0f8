"""Fields in PostgreSQL's binary form, as arrays, parameters and COPY have them: a length as int4, then the bytes."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

length = struct.Struct("!i").pack
"""Packs the length of a field."""
NULL = length(-1)
JSONB_VERSION = b"\x01"
"""What a jsonb field begins with, before its text."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Return a time as timestamptz has it, since 2000; TypeError without a time zone."""
    return (at - _EPOCH) // _MICROSECOND


def jsonb(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the pieces of a jsonb field: length, version, text."""
    return length(len(text) + 1), JSONB_VERSION, text
