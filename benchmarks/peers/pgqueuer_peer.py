"""pgqueuer: two queue managers in one process, each with a connection of asyncpg, batches of 100."""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from typing import Any

import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

asyncpg: Any = import_module("asyncpg")  # it has no types
_MANAGERS = 2
_BATCH = 100
_ENQUEUED_AT_ONCE = 1_000


def install(url: str) -> None:
    """Make its tables, all of them logged (its default)."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        await Queries.from_asyncpg_connection(connection).install()
        await connection.close()

    uvloop.run(run())


def measure(url: str, count: int, _steps: int) -> tuple[float, None]:
    """Enqueue no-op jobs, then drain the queue; jobs per second."""
    return uvloop.run(_measure(url, count)), None


async def _measure(url: str, count: int) -> float:
    connections = [await asyncpg.connect(url) for _ in range(_MANAGERS)]
    for begin in range(0, count, _ENQUEUED_AT_ONCE):
        size = min(_ENQUEUED_AT_ONCE, count - begin)
        await Queries.from_asyncpg_connection(connections[0]).enqueue(["noop"] * size, [b""] * size, [0] * size)
    done = 0

    async def noop(_job: Job) -> None:
        nonlocal done
        done += 1

    managers = [PgQueuer.from_asyncpg_connection(connection) for connection in connections]
    for manager in managers:
        manager.entrypoint("noop")(noop)
    begun = time.perf_counter()
    await asyncio.gather(*(manager.qm.run(batch_size=_BATCH, mode=QueueExecutionMode.drain) for manager in managers))
    seconds = time.perf_counter() - begun
    if done != count:
        raise RuntimeError(f"{done} of {count} jobs were run")
    for connection in connections:
        await connection.close()
    return count / seconds
