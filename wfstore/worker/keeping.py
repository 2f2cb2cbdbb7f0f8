"""The leases of a worker: prolonged together, and taken for lost in time when that fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import psycopg

from wfstore.aio.store import AsyncStore
from wfstore.errors import WfstoreError
from wfstore.worker.backoff import Backoff
from wfstore.worker.health import Health
from wfstore.worker.run import Run
from wfstore.worker.settings import Settings

_log = logging.getLogger("wfstore.worker")


class Keeper:
    """Executions that are in their handlers, and their leases."""

    def __init__(self, store: AsyncStore, settings: Settings, health: Health, freed: Callable[[], None]) -> None:
        self._store = store
        self._settings = settings
        self._health = health
        self._freed = freed
        self._runs: dict[asyncio.Task[None], Run] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The runs, as tasks."""
        return set(self._runs)

    def items(self) -> list[tuple[asyncio.Task[None], Run]]:
        """The runs with their tasks."""
        return list(self._runs.items())

    def add(self, run: Run, task: asyncio.Task[None]) -> None:
        """Keep a lease until its run has ended."""
        self._runs[task] = run
        self._health.running = len(self._runs)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._runs[task]
        self._health.running = len(self._runs)
        self._freed()
        if not task.cancelled() and (error := task.exception()) is not None:
            # not the handler's: what could not be written of its end is tried again when the lease ends
            self._health.note(error, self._settings.clock())
            _log.error("an execution was left to its lease", exc_info=error)

    async def heartbeats(self) -> None:
        """Prolong all leases, each third of their time; sooner after a failure."""
        third = self._settings.lease.total_seconds() / 3
        backoff = Backoff(longest=third)
        pause = third
        while True:
            await asyncio.sleep(pause)
            try:
                await self.prolong()
            except (WfstoreError, psycopg.Error) as error:
                self._health.note(error, self._settings.clock())
                _log.warning("the leases could not be prolonged: %s", error)
                pause = next(backoff)
            else:
                backoff.reset()
                pause = third

    async def prolong(self) -> None:
        """Prolong all leases in one statement; stop the runs whose lease is lost."""
        held = [run for run in self if not run.holding.lost.is_set()]
        if not held:
            return
        begin = time.monotonic()
        alive = await self._store.executions.heartbeat(
            [run.holding.lease for run in held], lease=self._settings.lease, now=self._settings.clock()
        )
        self._health.last_heartbeat_at = self._settings.clock()
        for run in held:
            if run.holding.lease.execution_id in alive:
                run.holding.until = begin + self._settings.believed_seconds
            else:
                run.stop("another worker has it, or it was canceled")

    async def expirations(self) -> None:
        """Stop the runs whose leases could not be prolonged: somebody else may soon have them."""
        while True:
            await asyncio.sleep(self._settings.lease.total_seconds() / 20)
            now = time.monotonic()
            for run in self:
                if now >= run.holding.until:
                    run.stop("it could not be prolonged in time")
