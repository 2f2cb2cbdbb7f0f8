"""A lease as its worker sees it: held until something says otherwise, or until its time is over."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wfstore.errors import DatabaseUnavailable, LeaseLost, OutcomeUnknown
from wfstore.leases import ClaimedExecution
from wfstore.worker.backoff import Backoff
from wfstore.worker.errors import Suspended

T = TypeVar("T")


class Holding:
    """A lease, whether it is still held, and what to do about it. Belongs to the event loop of its worker."""

    def __init__(self, lease: ClaimedExecution, until: float) -> None:
        self.lease = lease
        self.until = until
        """When this side must take it for lost, by `time.monotonic()`."""
        self.suspended = False
        self.lost = threading.Event()
        """Set when the handler has nothing to write any more; threads may look at it."""
        self._gone = asyncio.Event()
        self._reason = ""

    def lose(self, reason: str) -> None:
        """Take the lease for gone; whoever waits in `pause` is told."""
        if not self.lost.is_set():
            self._reason = reason
            self.lost.set()
            self._gone.set()

    def suspend(self) -> None:
        """Note that the lease was given back by the handler itself."""
        self.suspended = True
        self.lose("it was suspended")

    def check(self) -> None:
        """Raise where nothing may be written any more: LeaseLost, or Suspended by the handler itself."""
        if self.suspended:
            raise Suspended
        if not self.lost.is_set() and time.monotonic() >= self.until:
            self.lose("it could not be prolonged in time")
        if self.lost.is_set():
            whose = f"execution {self.lease.execution_id}: the lease of attempt {self.lease.attempt}"
            raise LeaseLost(
                f"{whose} is gone: {self._reason}",
                hint="Stop working on it; whoever has it now goes on from the last stored node.",
            )

    async def pause(self, seconds: float) -> None:
        """Rest, as long as the lease is held."""
        self.check()
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            return
        self.check()

    async def wait_for(self, event: asyncio.Event) -> None:
        """Wait for something that happens in this process, as long as the lease is held."""
        waiting = [asyncio.ensure_future(each.wait()) for each in (event, self._gone)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        self.check()

    async def insist(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Call the store under the lease, again and again while the database is away and the lease is held.

        The operation must be one that may be repeated.
        """
        backoff = Backoff()
        while True:
            self.check()
            try:
                return await operation()
            except (DatabaseUnavailable, OutcomeUnknown):
                await self.pause(next(backoff))
            except LeaseLost:
                if not self.suspended:
                    self.lose("another worker has it, or it was canceled")
                self.check()
                raise
