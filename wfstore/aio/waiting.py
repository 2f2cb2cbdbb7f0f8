"""What the async and the sync face do differently while they wait. Written by hand, once for each face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

sleep = asyncio.sleep


async def in_thread(function: Callable[[], T]) -> T:
    """Run something slow that knows nothing of the event loop."""
    return await asyncio.to_thread(function)
