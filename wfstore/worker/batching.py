"""Calls that come while one is under way share the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from wfstore.errors import DatabaseUnavailable, OutcomeUnknown

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_LARGEST = 500


class Batcher(Generic[Item, Answer]):
    """Gathers what callers hand in and sends it in batches, one at a time.

    Nothing waits on a timer: a lone caller is sent at once. An item that the database refuses fails its own caller,
    not those it shared a statement with.
    """

    def __init__(self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        """`send` writes a batch, all or nothing, and returns an answer for each item."""
        self._send = send
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Answer:
        """Hand an item in and return its answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await future

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
                await self._send_batch(batch)
        finally:
            self._sending = None
            for _, future in self._waiting:  # only when this task was cancelled
                future.cancel()

    async def _send_batch(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        wanted = [(item, future) for item, future in batch if not future.done()]
        if not wanted:
            return
        try:
            answers = await self._send([item for item, _ in wanted])
        except (DatabaseUnavailable, OutcomeUnknown) as error:
            for _, future in wanted:
                _fail(future, error)
        except Exception as error:
            if len(wanted) == 1:
                _fail(wanted[0][1], error)
                return
            # Nothing was written, and one of them is at fault: the halves find out which.
            middle = len(wanted) // 2
            await self._send_batch(wanted[:middle])
            await self._send_batch(wanted[middle:])
        else:
            for (_, future), answer in zip(wanted, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(future: asyncio.Future[Answer], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
