"""What a worker is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from wfstore.errors import AlreadyRecorded, InvalidInput
from wfstore.ids import DEFAULT_TENANT, uuid7
from wfstore.leases import DEFAULT_QUEUE
from wfstore.worker.errors import PermanentError

_PERMANENT = (PermanentError, InvalidInput, AlreadyRecorded)
_MARGIN = 0.9


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a worker is told, checked; `Worker` says what each means."""

    tenant: UUID | str = DEFAULT_TENANT
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    concurrency: int = 10
    claim_at_once: int | None = None
    lease: timedelta = timedelta(seconds=30)
    poll_interval: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(seconds=30)
    drain_timeout: timedelta = timedelta(seconds=30)
    answer_timeout: timedelta | None = None
    start_patience: timedelta = timedelta(seconds=60)
    worker_id: str | None = None
    permanent: tuple[type[Exception], ...] = ()
    listen: bool = True
    writers: int = 3
    handler_connections: int = 4
    prepare_threshold: int | None = 5
    clock: Callable[[], datetime] = utc_now

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            InvalidInput: it names the setting.
        """
        if not self.queues or not all(self.queues):
            raise InvalidInput("a worker serves at least one queue, and each has a name")
        for name in ("concurrency", "writers", "handler_connections"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is at least 1, not {getattr(self, name)}")
        for name in ("lease", "poll_interval", "answer_timeout"):
            value = getattr(self, name)
            if value is not None and value <= timedelta(0):
                raise InvalidInput(f"{name} is longer than nothing, not {value}")
        for name in ("longest_pause", "drain_timeout", "start_patience"):
            if getattr(self, name) < timedelta(0):
                raise InvalidInput(f"{name} is no shorter than nothing, not {getattr(self, name)}")

    @property
    def identity(self) -> str:
        """Return who the worker is: as it was told, or host and process."""
        return self.worker_id or f"{socket.gethostname()}-{os.getpid()}-{str(uuid7())[-6:]}"

    @property
    def never_again(self) -> tuple[type[Exception], ...]:
        """Return the errors after which another try would be no use."""
        return (*_PERMANENT, *self.permanent)

    @property
    def answer_seconds(self) -> float:
        """Return how long the server may take to answer: a third of the lease, but 2 to 10 seconds."""
        if self.answer_timeout is not None:
            return self.answer_timeout.total_seconds()
        return min(10.0, max(2.0, self.lease.total_seconds() / 3))

    @property
    def believed_seconds(self) -> float:
        """Return how long after it was prolonged a lease is taken for held: a tenth less than the server says."""
        return self.lease.total_seconds() * _MARGIN
