"""How a worker is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Health:
    """Facts for probes and logs; watch `last_successful_claim_at`, which moves even when the queue is empty."""

    worker_id: str
    started_at: datetime | None = None
    last_successful_claim_at: datetime | None = None
    """When the database last answered a claim, whether or not there was something to do."""
    last_heartbeat_at: datetime | None = None
    running: int = 0
    """Executions that are in a handler now."""
    claimed: int = 0
    finished: int = 0
    failed: int = 0
    """Attempts that failed, whether they are tried again or not."""
    suspended: int = 0
    lost: int = 0
    """Leases that went to somebody else, or were canceled, while a handler ran."""
    released: int = 0
    """Leases that were handed back unfinished when the worker stopped."""
    listening: bool = False
    """Whether it hears of new work at once; if not, it polls."""
    draining: bool = False
    last_error: str | None = None
    last_error_at: datetime | None = None

    def note(self, error: BaseException, at: datetime) -> None:
        """Keep the last error."""
        self.last_error = f"{type(error).__name__}: {error}"
        self.last_error_at = at
