"""Durable node results: each call returns when its row is on disk. 1 kB in, 1 kB out, under the fence of a lease."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from uuid import UUID

import wfstore
from benchmarks import leases, measuring, peers, writers
from benchmarks.bench import Bench
from benchmarks.leases import Nodes
from benchmarks.model import Measure, Opened, Row, Sample, Subject, group, prepared
from benchmarks.payload import documents
from benchmarks.pgbench import DOCUMENTS, Pgbench, Tenancy, prepare
from wfstore import ClaimedExecution, Role
from wfstore.aio import AsyncStore, connect

GROUPED, DIRECT, BATCHES = "wfstore async, grouped", "wfstore async, direct", "wfstore async, record_many of 100"
THREADS, DIRECT_THREADS = "wfstore threads, grouped", "wfstore threads, direct"
TENANTS = "wfstore async, grouped, 100 tenants"
SESSION, PIPELINE, TRANSACTION = (
    "pgbench, tenant of the session", "pgbench, tenant set in one round trip", "pgbench, tenant set in three",
)  # fmt: skip
DBOS, ABSURD = Subject("DBOS, steps"), Subject("Absurd, steps")
TASKS = (1, 20, 200, 1_000)
THREAD_COUNTS = (1, 20, 64, 200)
_POOL = 8
_STEPS = 20  # of each execution of a peer, so that its beginning and end weigh little
_BATCH = 100
_TENANTS = 100

LIMIT = (
    *(Subject(SESSION, clients) for clients in (1, 8, 16, 32)),
    Subject(PIPELINE, 32),
    Subject(TRANSACTION, 32),
)
_LONE = (Subject(SESSION, 1),)


class _Stage:
    """A database with running executions, and how each subject writes their results."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        self._stack = stack
        self._seconds = bench.sizes.seconds
        self._database = stack.enter_context(bench.database())
        self._held = leases.claimed(bench, self._database, max(TASKS))
        self._documents = documents(DOCUMENTS)
        self._walks = self._nodes(self._held)  # shared: a node of an execution is written once
        self._runner = stack.enter_context(measuring.runner())
        self._url = bench.url(self._database, Role.WORKER)
        self._store = self._runner.run(connect(self._url, role=Role.WORKER, min_size=_POOL, max_size=_POOL))
        stack.callback(lambda: self._runner.run(self._store.close()))
        self._pgbench: Pgbench | None = None
        self.handlers: dict[str, Callable[[int], Measure]] = {
            GROUPED: self.grouped,
            TENANTS: self.many_tenants,
            DIRECT: self.direct,
            BATCHES: self.batches,
            THREADS: self.threads,
            DIRECT_THREADS: self.direct_threads,
            SESSION: partial(self.pgbench, "session"),
            PIPELINE: partial(self.pgbench, "pipeline"),
            TRANSACTION: partial(self.pgbench, "transaction"),
            DBOS.name: lambda _: stack.enter_context(peers.steps(bench, "dbos", steps=_STEPS)),
            ABSURD.name: lambda _: stack.enter_context(peers.steps(bench, "absurd", steps=_STEPS)),
        }

    def _nodes(self, held: Sequence[ClaimedExecution]) -> list[Nodes]:
        """A walk of nodes for each execution."""
        count = len(self._documents)
        return [
            Nodes(lease, self._documents[index % count], self._documents[(index + 1) % count])
            for index, lease in enumerate(held)
        ]

    def grouped(self, at: int) -> Measure:
        """So many tasks, each with an execution of its own, through one group writer."""
        walks = self._walks[:at]
        return lambda: self._runner.run(_through_writer(self._store, walks, self._seconds))

    def many_tenants(self, at: int) -> Measure:
        """The same, the executions being of a hundred tenants."""
        tenants = leases.tenants(self._database, _TENANTS)
        held = [
            lease
            for tenant in tenants
            for lease in leases.claimed(self._bench, self._database, max(1, at // _TENANTS), tenant=tenant)
        ]
        walks = self._nodes(held)
        return lambda: self._runner.run(_through_writer(self._store, walks, self._seconds, tenants))

    def direct(self, at: int) -> Measure:
        """So many tasks, each with a transaction for each result."""
        walks = self._walks[:at]
        calls = [partial(_record, self._store, walk) for walk in walks]
        return lambda: self._runner.run(measuring.crowd(calls, self._seconds))

    def batches(self, at: int) -> Measure:
        """So many tasks that have their results in hand, a hundred executions each."""
        walks = self._walks[: at * _BATCH]
        calls = [partial(_record_many, self._store, walks[turn::at]) for turn in range(at)]
        return lambda: _times(self._runner.run(measuring.crowd(calls, self._seconds)), _BATCH)

    def threads(self, at: int) -> Measure:
        """So many threads through one group writer."""
        store = self._sync_store()
        writer = self._stack.enter_context(writers.writer(store))
        walks = self._walks[:at]
        calls = [partial(_write, writer, walk) for walk in walks]
        return lambda: measuring.threads(calls, self._seconds)

    def direct_threads(self, at: int) -> Measure:
        """So many threads, each with a transaction for each result."""
        store = self._sync_store()
        calls = [partial(_write, store.node_executions, walk) for walk in self._walks[:at]]
        return lambda: measuring.threads(calls, self._seconds)

    def _sync_store(self) -> wfstore.Store:
        return self._stack.enter_context(wfstore.connect(self._url, role=Role.WORKER, min_size=_POOL, max_size=_POOL))

    def pgbench(self, tenancy: Tenancy, clients: int) -> Measure:
        """So many clients of pgbench with the single-row form of the statement."""
        if self._pgbench is None:
            self._pgbench = Pgbench(self._bench, self._database)
            prepare(self._database, self._held)
        return partial(self._pgbench.measure, tenancy, clients, self._seconds)


async def _through_writer(
    store: AsyncStore, walks: Sequence[Nodes], seconds: float, tenants: Collection[UUID] = ()
) -> Sample:
    """All executions go through one group writer."""
    async with writers.async_writer(store, tenants) as writer:
        return await measuring.crowd([partial(_write_async, writer, walk) for walk in walks], seconds)


async def _write_async(writer: writers.AsyncWriter, walk: Nodes) -> None:
    await writer.record(walk.next())


async def _record(store: AsyncStore, walk: Nodes) -> None:
    await store.node_executions.record(walk.next())


async def _record_many(store: AsyncStore, walks: Sequence[Nodes]) -> None:
    for refusal in await store.node_executions.record_many([walk.next() for walk in walks]):
        if refusal is not None:
            raise refusal


def _write(writer: writers.Writer, walk: Nodes) -> None:
    writer.record(walk.next())


def _times(sample: Sample, each: int) -> Sample:
    return Sample(sample.value * each, sample.p99_ms)


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare what the subjects need."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


def _rows() -> list[Row]:
    """The rows of the design, and what else a reader wants to know."""
    at_200 = Subject(GROUPED, 200)
    return [
        Row("async-200", at_200, LIMIT, wanted=4.0),
        Row("async-20", Subject(GROUPED, 20), LIMIT, wanted=1.5),
        Row("async-1000", Subject(GROUPED, 1_000), LIMIT, wanted=4.0),
        Row("async-1", Subject(GROUPED, 1), _LONE, note="one caller has nobody to share a commit with"),
        *(Row(f"direct-{at}", Subject(DIRECT, at), LIMIT) for at in (20, 200)),
        Row("batches", Subject(BATCHES, 2), LIMIT),
        Row("tenants-200", Subject(TENANTS, 200), LIMIT),
        *(Row(f"threads-{at}", Subject(THREADS, at), LIMIT, wanted=1.5) for at in THREAD_COUNTS[1:]),
        Row("threads-1", Subject(THREADS, 1), _LONE),
        *(Row(f"direct-threads-{at}", Subject(DIRECT_THREADS, at), LIMIT) for at in (1, 20)),
        Row("dbos", at_200, (DBOS,), wanted=120.0),
        Row("absurd", at_200, (ABSURD,), wanted=50.0),
    ]


GROUP = group(
    "node-results",
    "Durable node results per second, 1 kB in and 1 kB out",
    "/s",
    _rows(),
    opening,
    axis="callers at once",
)
