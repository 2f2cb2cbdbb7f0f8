"""Group commit: concurrent small writes of one process share a statement and a commit.

Each caller returns only when its own row is durable. Nothing waits on a timer: a writer that is free takes
what is there, so a lone caller is as fast as a direct call and a crowd shares the cost of a commit. A row
that the database refuses fails its own caller, not those it shared a statement with. What is of one execution
is written in the order of its calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from wfstore.aio.grouped import AsyncGroupCalls
from wfstore.aio.store import AsyncStore
from wfstore.grouping import Batch, Entry, Kind, cut_off, not_open, refuse_all, settle


class AsyncGroupWriter(AsyncGroupCalls):
    """Writes in groups: `async with AsyncGroupWriter(store) as writer: await writer.record(result)`.

    The end of the block waits until what was handed in is written. A block that raises does not wait: callers
    whose row was not sent yet get a WfstoreError, those whose row was on its way OutcomeUnknown. A caller that is
    cancelled does not know whether its row is written; what was not sent yet is not.
    """

    def __init__(
        self,
        store: AsyncStore,
        *,
        writers: int = 3,
        max_waiting: int = 10_000,
        tenants: Collection[UUID] = (),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Share `writers` connections of the store's pool, which should be at least that large.

        Args:
            store: where to; its role must be allowed to do what is called.
            writers: how many statements are under way at once.
            max_waiting: how many calls are taken in; more wait, in their order, until there is room.
            tenants: whose leases it may be given, beside the store's own tenant's.
            clock: what time it is.
        """
        super().__init__(store, writers, max_waiting, tenants, clock)
        self._count = writers
        self._open = False
        self._idle: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._open = True
        self._tasks = [asyncio.create_task(self._write()) for _ in range(self._count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if error is None:
                while self._idle:
                    self._stir()
                await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._idle.clear()
            refuse_all(self._grouping.leave(), not_open)

    def _make_answer(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    async def _answered(self, kind: Kind, detail: Any, entry: Entry) -> Any:
        if not self._open:
            raise not_open()
        self._grouping.add(kind, detail, entry)
        if self._idle:
            self._stir()
        return await entry.answer

    def _stir(self) -> None:
        idle = self._idle.pop()
        if not idle.done():
            idle.set_result(None)

    async def _write(self) -> None:
        while True:
            batch = self._grouping.take()
            if batch is not None:
                if self._idle and self._grouping.ready:
                    self._stir()
                await self._send(batch)
                await asyncio.sleep(0)  # who has got an answer may come back at once, and share the next statement
            elif self._open:
                idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
            else:
                return

    async def _send(self, batch: Batch) -> None:
        try:
            outcomes = await self._statements.send(batch.lane.kind, batch.lane.detail, batch.entries)
        except BaseException:  # this task was cancelled
            refuse_all(batch.entries, cut_off)
            raise
        finally:
            self._grouping.done(batch)
        settle(batch, outcomes)
