"""Group commit: concurrent small writes of one process share a statement and a commit.

Each caller returns only when its own row is durable. Nothing waits on a timer: a writer that is free takes
what is there, so a lone caller is as fast as a direct call and a crowd shares the cost of a commit. A row
that the database refuses fails its own caller, not those it shared a statement with.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from wfstore.aio.store import AsyncStore
from wfstore.errors import InvalidInput, WfstoreError
from wfstore.leases import NodeResult

_SMALLEST_FULL_BATCH = 32

_Waiting = tuple[NodeResult, "asyncio.Future[None]"]


class AsyncResultWriter:
    """Stores node results in groups: `async with AsyncResultWriter(store) as writer: await writer.record(r)`."""

    def __init__(self, store: AsyncStore, *, writers: int = 2) -> None:
        """Share `writers` connections of the store's pool, which should be at least that large."""
        self._store = store
        self._count = writers
        self._waiting: deque[_Waiting] = deque()
        self._in_flight = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def record(self, result: NodeResult) -> None:
        """Store a node's run; it is durable when this returns. Errors as of `store.node_executions.record`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((result, future))
        self._wake.set()
        await future

    async def __aenter__(self) -> AsyncResultWriter:
        self._tasks = [asyncio.create_task(self._write()) for _ in range(self._count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            batch = self._take()
            if not batch:
                self._wake.clear()
                continue
            self._in_flight += len(batch)
            try:
                await self._store_batch(batch)
            finally:
                self._in_flight -= len(batch)

    def _take(self) -> list[_Waiting]:
        """Take up to half of what is outstanding, so that the other writer has work too; no key twice."""
        outstanding = len(self._waiting) + self._in_flight
        size = max(_SMALLEST_FULL_BATCH, outstanding // 2)
        batch: list[_Waiting] = []
        keys = set()
        while self._waiting and len(batch) < size and self._waiting[0][0].key not in keys:
            entry = self._waiting.popleft()
            if entry[1].cancelled():
                continue
            keys.add(entry[0].key)
            batch.append(entry)
        return batch

    async def _store_batch(self, batch: list[_Waiting]) -> None:
        try:
            refusals = await self._store.node_executions.record_many([result for result, _ in batch])
        except InvalidInput as error:
            if len(batch) == 1:
                _settle(batch[0][1], error)
            else:  # one of them is at fault: each on its own finds out which
                for entry in batch:
                    await self._store_batch([entry])
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # whatever it is, it is what each caller would have met
            for _, future in batch:
                _settle(future, error)
            return
        for (_, future), refusal in zip(batch, refusals, strict=True):
            _settle(future, refusal)


def _settle(future: asyncio.Future[None], error: Exception | WfstoreError | None) -> None:
    if future.done():  # the caller has given up meanwhile
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
