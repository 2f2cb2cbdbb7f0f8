"""What an engine and its users ask for, with little history and with much: it must stay flat."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

import psycopg

import wfstore
from benchmarks import leases, measuring
from benchmarks.bench import Bench, Sizes
from benchmarks.leases import Nodes
from benchmarks.model import Group, Measure, Opened, Row, Sample, Subject, group, prepared
from benchmarks.payload import documents
from benchmarks.rows.claims import endings
from benchmarks.seeding import History, seed
from wfstore import ClaimedExecution, Role, Store

SMALL = 10_000
_LATEST = UUID(int=2**128 - 1)
_EARLIEST = UUID(int=0)
_PAGE = 50
_CLAIM = 10
_LEASE = timedelta(minutes=10)
_SAMPLE = 500  # executions that are looked up again and again, from all of the history
_UNREAD = 8_000  # executions that are looked up once: their pages may still be on the disk
_LIMIT = 1.5  # times as long as with ten thousand

CLAIM, FINISH, RECORD = "claim of 10", "finish of 10", "node result"
FIRST = "execution by key, read for the first time"
POINT, NODES, WORKFLOW, OLD, FAILED, CANCELED, COUNTS, TIMES = (
    "execution by key", "its node results", "page of a workflow", "page of a workflow, amid its history",
    "page of failed ones", "page of canceled ones", "counts by status", "how long they took",
)  # fmt: skip
_BOUNDLESS = {FIRST}  # says what the disk costs; what fits into memory has none of that
_NAMES = {
    CLAIM: "claim", FINISH: "finish", RECORD: "record", POINT: "point-read", NODES: "node-results",
    WORKFLOW: "page-workflow", OLD: "page-amid", FAILED: "page-failed", CANCELED: "page-canceled",
    COUNTS: "status-counts", TIMES: "performance", FIRST: "point-read-first",
}  # fmt: skip


class _Size:
    """A database with so much history, and its readers and workers."""

    def __init__(self, bench: Bench, stack: ExitStack, executions: int) -> None:
        database = stack.enter_context(bench.database())
        self._times = max(20, round(80 * bench.sizes.seconds))
        self._history: History = seed(bench, database, executions)
        self._app: Store = stack.enter_context(wfstore.connect(bench.url(database, Role.APP)))
        self._worker: Store = stack.enter_context(wfstore.connect(bench.url(database, Role.WORKER), role=Role.WORKER))
        some = _some_executions(database)
        self._known, self._unread = some[:_SAMPLE], some[_SAMPLE:]
        self._middle = sorted(self._known)[len(self._known) // 2]
        self._source = random.Random(1)  # noqa: S311 - no secret
        [lease] = leases.claimed(bench, database, 1)
        self._walk = Nodes(lease, *documents(2))
        for each in self._known:
            self._app.executions.get(execution_id=each)
            self._app.node_executions.whole_of(each)

    def claim(self) -> Sample:
        """Claim ten, again and again; so many more are ready."""
        claimed: list[ClaimedExecution] = []
        sample = measuring.latency(lambda: claimed.extend(self._claim()), self._enqueued())
        self._worker.executions.finish_many(endings(claimed))
        return sample

    def finish(self) -> Sample:
        """Finish ten, again and again; so many more are running."""
        times = self._enqueued()
        waiting: list[list[ClaimedExecution]] = []
        while claimed := self._claim():
            waiting.append(claimed)
        return measuring.latency(lambda: self._worker.executions.finish_many(endings(waiting.pop())), times)

    def _enqueued(self) -> int:
        """Enqueue what is claimed, ten by ten, while a latency is taken so many times."""
        times = max(10, self._times // _CLAIM)
        leases.enqueue(self._app, self._history.workflows[0], (times + times // 10 + 1) * _CLAIM)
        return times

    def _claim(self) -> list[ClaimedExecution]:
        return self._worker.executions.claim(queue="default", worker_id="benchmark", limit=_CLAIM, lease=_LEASE)

    def _repeat(self, call: Callable[[], object]) -> Sample:
        return measuring.latency(call, self._times)

    def handlers(self) -> dict[str, Callable[[], Sample]]:
        """How each question is measured here."""
        executions, nodes = self._app.executions, self._app.node_executions
        workflow = self._history.workflows[7]

        def one() -> UUID:
            return self._source.choice(self._known)

        def unread() -> UUID:
            return self._unread.pop() if self._unread else one()

        def page(before: UUID) -> object:
            return executions.page_by_workflow(workflow_id=workflow, before_id=before, limit=_PAGE)

        reads: dict[str, Callable[[], object]] = {
            RECORD: lambda: self._worker.node_executions.record(self._walk.next()),
            POINT: lambda: executions.get(execution_id=one()),
            FIRST: lambda: executions.get(execution_id=unread()),
            NODES: lambda: nodes.whole_of(one()),
            WORKFLOW: lambda: page(_LATEST),
            OLD: lambda: page(self._middle),
            FAILED: lambda: executions.page_failed(before_id=_LATEST, limit=_PAGE),
            CANCELED: lambda: executions.page_canceled(before_id=_LATEST, limit=_PAGE),
            COUNTS: lambda: self._app.monitoring.by_status(since_id=_EARLIEST),
            TIMES: lambda: self._app.monitoring.performance(since_id=_EARLIEST),
        }
        measures: dict[str, Callable[[], Sample]] = {name: partial(self._repeat, call) for name, call in reads.items()}
        seldom = {name: partial(measuring.latency, reads[name], max(3, self._times // 10)) for name in (COUNTS, TIMES)}
        return {**measures, **seldom, CLAIM: self.claim, FINISH: self.finish}


def _some_executions(database: str) -> list[UUID]:
    """Ids of executions, from all of the history."""
    with closing(psycopg.connect(database)) as connection:
        found = connection.execute(
            "SELECT execution_id FROM workflow_executions ORDER BY random() LIMIT %s", [_SAMPLE + _UNREAD]
        )
        return [identifier for (identifier,) in found]


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Seed a database for each size."""
    with ExitStack() as stack:
        sizes = {at: _Size(bench, stack, at).handlers() for at in sorted({each.at or 0 for each in wanted})}

        def handler(name: str, at: int) -> Measure:
            return sizes[at][name]

        yield prepared(wanted, {name: partial(handler, name) for name in _NAMES})


def points(largest: int) -> list[int]:
    """The sizes that are measured: the smallest, the largest, and tens between them for the plot."""
    return sorted({SMALL, largest, *(size for size in (largest // 100, largest // 10) if size > SMALL)})


def _rows(largest: int) -> Iterator[Row]:
    for what, name in _NAMES.items():
        for at in points(largest):
            if at == largest and what not in _BOUNDLESS:
                yield Row(name, Subject(what, at), (Subject(what, SMALL),), "at most", _LIMIT)
            elif at != SMALL:
                named = name if at == largest else f"{name}-{at}"
                yield Row(named, Subject(what, at), (Subject(what, SMALL),), "at most")


def group_of(sizes: Sizes) -> Group:
    """The group for a largest history."""
    return group(
        "history",
        f"Milliseconds with {sizes.history:,} executions and {3 * sizes.history:,} node results of history",
        "ms",
        list(_rows(sizes.history)),
        opening,
        axis="executions of history",
    )
