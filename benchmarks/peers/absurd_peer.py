"""Absurd: async workers in one process, each with a connection and many tasks at once."""

from __future__ import annotations

import asyncio
import subprocess
import time
from typing import Any

from absurd_sdk import AsyncAbsurd, AsyncTaskContext

from benchmarks.measuring import runner
from benchmarks.payload import documents

_WORKERS = 8
_CONCURRENCY = 25
_QUEUE = "benchmark"


def install(url: str) -> None:
    """Apply the schema that its command line carries, and make a queue."""
    for arguments in (["init"], ["create-queue", _QUEUE]):
        subprocess.run(["absurdctl", arguments[0], "-d", url, *arguments[1:]], check=True, capture_output=True)


def measure(url: str, count: int, steps: int) -> tuple[float, None]:
    """Spawn the tasks, then let the workers run them; steps per second."""
    with runner() as tasks:
        return tasks.run(_measure(url, count, steps)), None


async def _measure(url: str, count: int, steps: int) -> float:
    [given] = documents(1)
    done = 0
    ended = asyncio.Event()

    async def task(_params: Any, context: AsyncTaskContext) -> None:
        nonlocal done

        async def step() -> dict[str, Any]:
            return given

        for turn in range(steps):
            await context.step(f"step-{turn}", step)
        done += 1
        if done == count:
            ended.set()

    workers = [AsyncAbsurd(url, queue_name=_QUEUE) for _ in range(_WORKERS)]
    for worker in workers:
        worker.register_task(name="benchmark")(task)
    for _ in range(count):
        await workers[0].spawn("benchmark", {})
    begun = time.perf_counter()
    running = [asyncio.create_task(worker.start_worker(concurrency=_CONCURRENCY)) for worker in workers]
    await ended.wait()
    seconds = time.perf_counter() - begun
    for worker in workers:
        worker.stop_worker()
    await asyncio.gather(*running)
    for worker in workers:
        await worker.close()
    return count * steps / seconds
