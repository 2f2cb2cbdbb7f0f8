"""Group commit: concurrent small writes of one process share a statement and a commit.

Each caller returns only when its own row is durable. Nothing waits on a timer: a writer that is free takes
what is there, so a lone caller is as fast as a direct call and a crowd shares the cost of a commit. A row
that the database refuses fails its own caller, not those it shared a statement with. Results of one key are
written in the order of their calls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self
from uuid import UUID

from wfstore.aio.store import AsyncStore
from wfstore.errors import DatabaseUnavailable, OutcomeUnknown, WfstoreError
from wfstore.leases import NodeResult

_SMALLEST_FULL_BATCH = 32

_Key = tuple[UUID, UUID, str, int]
_Waiting = tuple[NodeResult, "asyncio.Future[None]"]


class AsyncResultWriter:
    """Stores node results in groups: `async with AsyncResultWriter(store) as writer: await writer.record(r)`.

    The end of the block waits until what was handed in is stored. A block that raises does not wait: callers
    whose result was not sent yet get a WfstoreError, those whose result was on its way OutcomeUnknown.
    """

    def __init__(self, store: AsyncStore, *, writers: int = 2) -> None:
        """Share `writers` connections of the store's pool, which should be at least that large."""
        self._store = store
        self._count = writers
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: set[_Key] = set()
        self._wake = asyncio.Event()
        self._open = False
        self._tasks: list[asyncio.Task[None]] = []

    async def record(self, result: NodeResult) -> None:
        """Store a node's run; it is durable when this returns. Errors as of `store.node_executions.record`.

        A caller that is cancelled meanwhile does not know whether its result is stored; to repeat it is safe.
        """
        if not self._open:
            raise _not_open()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((result, future))
        self._wake.set()
        await future

    async def __aenter__(self) -> Self:
        self._open = True
        self._tasks = [asyncio.create_task(self._write()) for _ in range(self._count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._wake.set()
        try:
            if error is None:
                await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for _, future in self._waiting:
                _settle(future, _not_open())
            self._waiting.clear()

    async def _write(self) -> None:
        while True:
            batch = self._take()
            if batch:
                await self._store_taken(batch)
            elif self._open:
                self._wake.clear()
                await self._wake.wait()
            else:
                return

    def _take(self) -> list[_Waiting]:
        """Take up to half of what is outstanding, so that the other writer has work too.

        No key twice, and none that is on its way: its earlier result comes first.
        """
        size = max(_SMALLEST_FULL_BATCH, (len(self._waiting) + len(self._in_flight)) // 2)
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < size:
            result, future = self._waiting[0]
            if not future.cancelled():
                if result.key in self._in_flight:
                    break
                self._in_flight.add(result.key)
                batch.append((result, future))
            self._waiting.popleft()
        return batch

    async def _store_taken(self, batch: list[_Waiting]) -> None:
        try:
            await self._store_batch(batch)
        finally:
            for result, future in batch:
                self._in_flight.discard(result.key)
                if not future.done():  # only when this task was cancelled
                    _settle(future, _closed_meanwhile())
            self._wake.set()  # a result of the same key may be next

    async def _store_batch(self, batch: list[_Waiting]) -> None:
        try:
            refusals = await self._store.node_executions.record_many([result for result, _ in batch])
        except (DatabaseUnavailable, OutcomeUnknown) as error:  # what each of them would have met
            for _, future in batch:
                _settle(future, error)
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            # Nothing was written, and one of them is at fault: the halves find out which.
            middle = len(batch) // 2
            await self._store_batch(batch[:middle])
            await self._store_batch(batch[middle:])
        else:
            for (_, future), refusal in zip(batch, refusals, strict=True):
                _settle(future, refusal)


def _not_open() -> WfstoreError:
    return WfstoreError(
        "the result writer is not open; the result was not stored",
        hint="Record inside: async with AsyncResultWriter(store) as writer.",
    )


def _closed_meanwhile() -> OutcomeUnknown:
    return OutcomeUnknown(
        "the result writer was closed while the result was on its way",
        hint="It may or may not be stored. To record it again is safe.",
    )


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():  # settled before, or its caller has given up
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
