"""Claim and finish no-op executions: batches of 100, two connections, a full queue; against queues of jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from uuid import UUID

import wfstore
from benchmarks import leases, measuring, peers
from benchmarks.bench import Bench
from benchmarks.model import Measure, Opened, Row, Sample, Subject, group, prepared
from wfstore import ClaimedExecution, Ending, Role, Store
from wfstore.aio import AsyncStore, connect
from wfstore.vocabulary import ExecutionStatus

ASYNC, THREADS = Subject("wfstore, async"), Subject("wfstore, threads")
PGQUEUER, PROCRASTINATE = Subject("pgqueuer"), Subject("procrastinate")
BATCH = 100
CONNECTIONS = 2
_LEASE = timedelta(minutes=10)
_SLOWER = 10  # procrastinate gets so many times fewer jobs


def endings(claimed: list[ClaimedExecution]) -> list[Ending]:
    """All of them end well, now."""
    now = int(time.time() * 1000)
    return [
        Ending(lease=each, status=ExecutionStatus.SUCCESS, end_time=max(now, each.start_time or 0)) for each in claimed
    ]


async def drain(store: AsyncStore) -> int:
    """Claim and finish until nothing is ready; how many."""
    done = 0
    while claimed := await store.executions.claim(queue="default", worker_id="benchmark", limit=BATCH, lease=_LEASE):
        done += len(await store.executions.finish_many(endings(claimed)))
    return done


def drain_sync(store: Store) -> int:
    """As `drain`, of the sync face."""
    done = 0
    while claimed := store.executions.claim(queue="default", worker_id="benchmark", limit=BATCH, lease=_LEASE):
        done += len(store.executions.finish_many(endings(claimed)))
    return done


class _Stage:
    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._count = bench.sizes.executions
        self._runner = stack.enter_context(measuring.runner())
        database = stack.enter_context(bench.database())
        url = bench.url(database, Role.WORKER)
        size = CONNECTIONS
        self._async = self._runner.run(connect(url, role=Role.WORKER, min_size=size, max_size=size))
        stack.callback(lambda: self._runner.run(self._async.close()))
        self._sync = stack.enter_context(wfstore.connect(url, role=Role.WORKER, min_size=size, max_size=size))
        self._app = stack.enter_context(wfstore.connect(bench.url(database, Role.APP)))
        self._workflow: UUID = leases.add_workflow(self._app)
        jobs = self._count
        self.handlers: dict[str, Callable[[int], Measure]] = {
            ASYNC.name: lambda _: self._drained_by_tasks,
            THREADS.name: lambda _: self._drained_by_threads,
            PGQUEUER.name: lambda _: stack.enter_context(peers.jobs(bench, "pgqueuer", jobs)),
            PROCRASTINATE.name: lambda _: stack.enter_context(peers.jobs(bench, "procrastinate", jobs // _SLOWER)),
        }

    def _drained_by_tasks(self) -> Sample:
        leases.enqueue(self._app, self._workflow, self._count)

        async def run() -> list[int]:
            return await asyncio.gather(*(drain(self._async) for _ in range(CONNECTIONS)))

        begun = time.perf_counter()
        done = sum(self._runner.run(run()))
        return self._sample(done, time.perf_counter() - begun)

    def _drained_by_threads(self) -> Sample:
        leases.enqueue(self._app, self._workflow, self._count)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            begun = time.perf_counter()
            done = sum(pool.map(drain_sync, [self._sync] * CONNECTIONS))
            return self._sample(done, time.perf_counter() - begun)

    def _sample(self, done: int, seconds: float) -> Sample:
        if done != self._count:
            raise RuntimeError(f"{done} of {self._count} executions were finished")
        return Sample(done / seconds)


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare an empty queue for each subject."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


GROUP = group(
    "claims",
    "Executions claimed and finished per second: no-op, batches of 100, two connections",
    "/s",
    [
        Row("pgqueuer", ASYNC, (PGQUEUER,), wanted=1.5),
        Row("procrastinate", ASYNC, (PROCRASTINATE,), wanted=35.0),
        Row("threads", THREADS, (PGQUEUER,), wanted=1.5),
    ],
    opening,
)
