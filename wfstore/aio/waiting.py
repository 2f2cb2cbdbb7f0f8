"""What the async and the sync face do differently while they wait. Written by hand, once for each face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

sleep = asyncio.sleep


async def in_thread(function: Callable[[], T]) -> T:
    """Run something slow that knows nothing of the event loop."""
    return await asyncio.to_thread(function)


async def each(source: AsyncIterable[T] | Iterable[T]) -> AsyncIterator[T]:
    """Yield what a source gives, whether or not one has to wait for it."""
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
    else:
        for item in source:
            yield item
