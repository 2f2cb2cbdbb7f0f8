"""procrastinate: one worker with a pool of two connections and many jobs at once; ended jobs are deleted."""

from __future__ import annotations

import time

import procrastinate

from benchmarks.measuring import runner

_CONNECTIONS = 2
_CONCURRENCY = 100
_ENQUEUED_AT_ONCE = 500


def _app(url: str) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
    return procrastinate.App(connector=connector)


def install(url: str) -> None:
    """Apply its schema."""

    async def run() -> None:
        async with _app(url).open_async() as app:
            await app.schema_manager.apply_schema_async()

    with runner() as tasks:
        tasks.run(run())


def measure(url: str, count: int, _steps: int) -> tuple[float, None]:
    """Defer no-op jobs, then run a worker until there are none; jobs per second."""
    with runner() as tasks:
        return tasks.run(_measure(url, count)), None


async def _measure(url: str, count: int) -> float:
    done = 0
    async with _app(url).open_async() as app:

        @app.task(name="noop")
        async def noop() -> None:
            nonlocal done
            done += 1

        for begin in range(0, count, _ENQUEUED_AT_ONCE):
            await noop.batch_defer_async(*({} for _ in range(min(_ENQUEUED_AT_ONCE, count - begin))))
        begun = time.perf_counter()
        await app.run_worker_async(
            wait=False,
            concurrency=_CONCURRENCY,
            listen_notify=False,
            delete_jobs="always",
            install_signal_handlers=False,
        )
        seconds = time.perf_counter() - begun
    if done != count:
        raise RuntimeError(f"{done} of {count} jobs were run")
    return count / seconds
