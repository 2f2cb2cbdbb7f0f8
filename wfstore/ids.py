"""Ids: UUIDv7, made by the client, so that a retry repeats the same id and a batch needs no round trip."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

SYSTEM_TENANT = UUID("00000000-0000-0000-0000-000000000000")
"""Owns what all tenants may read."""

DEFAULT_TENANT = UUID("00000000-0000-7000-8000-000000000001")
"""The tenant of a database that has only one."""

LAST_ID = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Above every id: where a descending page begins."""

FIRST_ID = UUID("00000000-0000-0000-0000-000000000000")
"""Below every id: where an ascending page begins."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7(at: datetime | None = None) -> UUID:
    """Make a UUIDv7 (RFC 9562) of now, or of `at`: 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000 if at is None else _milliseconds(at)
    random = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)


def time_of(identifier: UUID) -> datetime:
    """Return the time that a UUIDv7 carries, in UTC; ValueError for another version."""
    if identifier.version != 7:
        raise ValueError(f"{identifier} is not a UUIDv7; it carries no time")
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def floor_id(at: datetime) -> UUID:
    """Return the bound below every UUIDv7 of this millisecond or later: where a window of time begins."""
    return UUID(int=_milliseconds(at) << 80)


def _milliseconds(at: datetime) -> int:
    """Unix milliseconds, rounded down; in whole numbers, as a float of seconds is short of some of them."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError(f"{at} has no UUIDv7: its milliseconds do not fit into 48 bits")
    return milliseconds
