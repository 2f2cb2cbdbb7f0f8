"""DBOS: async workflows started together in one process, a pool of twenty connections."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.measuring import runner
from benchmarks.payload import documents

_POOL = 20


def _launch(url: str) -> None:
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": url,
        "sys_db_pool_size": _POOL,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()


def install(url: str) -> None:
    """Make its tables."""
    _launch(url)
    DBOS.destroy()


@DBOS.step()
async def step(given: dict[str, Any]) -> dict[str, Any]:
    """Return what it was given, so that its result is 1 kB."""
    return given


@DBOS.workflow()
async def workflow(given: dict[str, Any], steps: int) -> None:
    """Run the steps one after the other."""
    for _ in range(steps):
        await step(given)


def measure(url: str, count: int, steps: int) -> tuple[float, None]:
    """Run so many workflows at once; steps per second."""
    _launch(url)
    try:
        with runner() as tasks:
            return tasks.run(_measure(count, steps)), None
    finally:
        DBOS.destroy()


async def _measure(count: int, steps: int) -> float:
    [given] = documents(1)
    begun = time.perf_counter()
    handles = [await DBOS.start_workflow_async(workflow, given, steps) for _ in range(count)]
    await asyncio.gather(*(handle.get_result() for handle in handles))
    return count * steps / (time.perf_counter() - begun)
