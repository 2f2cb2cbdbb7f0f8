"""The queue while another session holds a snapshot open, so that nothing that ends can be cleaned away."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial

import psycopg
from psycopg import IsolationLevel

import wfstore
from benchmarks import leases
from benchmarks.bench import Bench
from benchmarks.model import Opened, Row, Sample, Subject, group, prepared
from benchmarks.rows.claims import CONNECTIONS, drain_sync
from wfstore import Role

FREE, HELD = Subject("nobody holds a snapshot"), Subject("a snapshot is held")
_PORTION = 1_000  # executions at most that are enqueued, then claimed and finished


class _Stage:
    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        self._database = stack.enter_context(bench.database())
        self._app = stack.enter_context(wfstore.connect(bench.url(self._database, Role.APP)))
        self._worker = stack.enter_context(
            wfstore.connect(bench.url(self._database, Role.WORKER), role=Role.WORKER, max_size=CONNECTIONS)
        )
        self._workflow = leases.add_workflow(self._app)

    def measure(self, *, held: bool) -> Sample:
        """Work for a time, then take the rate of the portions that follow."""
        with closing(psycopg.connect(self._database, autocommit=True)) as connection:
            connection.execute("VACUUM execution_queue")
        with closing(psycopg.connect(self._database)) as other:
            if held:
                other.isolation_level = IsolationLevel.REPEATABLE_READ
                other.execute("SELECT count(*) FROM execution_queue")
            self._portions(self._bench.sizes.churn)
            done, seconds = self._portions(self._bench.sizes.seconds)
        return Sample(done / seconds)

    def _portions(self, seconds: float) -> tuple[int, float]:
        """Claim and finish for so long; how many, and the time that claiming and finishing took."""
        end = time.perf_counter() + seconds
        done, spent = 0, 0.0
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            while time.perf_counter() < end:
                leases.enqueue(self._app, self._workflow, min(_PORTION, self._bench.sizes.executions))
                begun = time.perf_counter()
                done += sum(pool.map(drain_sync, [self._worker] * CONNECTIONS))
                spent += time.perf_counter() - begun
        return done, spent


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare an empty queue."""
    with ExitStack() as stack:
        stage = _Stage(bench, stack)
        handlers = {
            FREE.name: lambda _: partial(stage.measure, held=False),
            HELD.name: lambda _: partial(stage.measure, held=True),
        }
        yield prepared(wanted, handlers)


GROUP = group(
    "snapshot",
    "Executions claimed and finished per second after a while of such work, threads",
    "/s",
    [Row("held", HELD, (FREE,), note="after half a minute of work; what ended stays in the queue's pages")],
    opening,
    most_rounds=2,
)
