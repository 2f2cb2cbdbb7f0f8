"""Claims: as many as there is room for, as soon as there may be something, and now and then in any case."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from wfstore.aio.store import AsyncStore
from wfstore.errors import WfstoreError
from wfstore.leases import ClaimedExecution
from wfstore.worker.backoff import Backoff, jitter
from wfstore.worker.health import Health
from wfstore.worker.settings import Settings

_log = logging.getLogger("wfstore.worker")


class Claimer:
    """Claims executions of a worker's queues while there is room."""

    def __init__(
        self,
        store: AsyncStore,
        settings: Settings,
        health: Health,
        *,
        room: Callable[[], int],
        begin: Callable[[ClaimedExecution, float], None],
    ) -> None:
        """`room` says how many more may run; `begin` starts one, told until when its lease may be taken for held."""
        self._store = store
        self._settings = settings
        self._health = health
        self._room = room
        self._begin = begin
        self._stirred = asyncio.Event()
        self._hungry = True
        self._stopping = False
        self._turn = 0

    def wake(self) -> None:
        """Look for work: there may be some."""
        self._hungry = True
        self._stirred.set()

    def make_room(self) -> None:
        """Go on if there was more than there was room for."""
        self._stirred.set()

    def stop(self) -> None:
        """Claim no more; `run` returns when the claim that is under way has ended."""
        self._stopping = True
        self._stirred.set()

    async def run(self) -> None:
        """Claim until `stop` is called; while the database is away, ever more rarely."""
        backoff = Backoff()
        poll_at = 0.0
        while not self._stopping:
            self._stirred.clear()
            if self._hungry and self._room() > 0:
                self._hungry = False  # what comes while the claim is under way counts again
                try:
                    await self._claim()
                except (WfstoreError, psycopg.Error) as error:
                    self._health.note(error, self._settings.clock())
                    _log.warning("nothing could be claimed: %s", error)
                    await self._rest(next(backoff))
                    self._hungry = True
                    continue
                backoff.reset()
                poll_at = time.monotonic() + self._settings.poll_interval.total_seconds() * jitter()
            if not (self._hungry and self._room() > 0):
                await self._wait(poll_at)

    async def _claim(self) -> None:
        """Claim once from each queue, another one first each time."""
        queues = self._settings.queues
        self._turn = (self._turn + 1) % len(queues)
        for queue in queues[self._turn :] + queues[: self._turn]:
            room = self._room()
            if room <= 0 or self._stopping:
                self._hungry = True
                return
            await self._claim_from(queue, min(room, self._settings.claim_at_once or room))
        self._health.last_successful_claim_at = self._settings.clock()

    async def _claim_from(self, queue: str, limit: int) -> None:
        begin = time.monotonic()
        leases = await self._store.executions.claim(
            queue=queue,
            worker_id=self._health.worker_id,
            limit=limit,
            lease=self._settings.lease,
            now=self._settings.clock(),
        )
        for lease in leases:
            self._health.claimed += 1
            self._begin(lease, begin + self._settings.believed_seconds)
        if len(leases) == limit:
            self._hungry = True

    async def _wait(self, poll_at: float) -> None:
        """Wait until something stirs; the time alone makes hungry, too, however often it stirs."""
        left = poll_at - time.monotonic()
        if self._hungry or left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._hungry else left):
                    await self._stirred.wait()
        self._hungry = self._hungry or time.monotonic() >= poll_at

    async def _rest(self, pause: float) -> None:
        """Rest after a failure: nothing but `stop` ends it sooner."""
        end = time.monotonic() + pause
        while not self._stopping and (left := end - time.monotonic()) > 0:
            self._stirred.clear()
            try:
                async with asyncio.timeout(left):
                    await self._stirred.wait()
            except TimeoutError:
                return
