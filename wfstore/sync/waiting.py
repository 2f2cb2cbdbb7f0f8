"""What the async and the sync face do differently while they wait. Written by hand, once for each face."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

sleep = time.sleep


def in_thread(function: Callable[[], T]) -> T:
    """Run something slow; the caller's thread is the one that waits."""
    return function()


def each(source: Iterable[T]) -> Iterator[T]:
    """Yield what a source gives."""
    yield from source
