"""The other small writes of many concurrent executions: enqueue, heartbeat and finish, grouped and one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import wfstore
from benchmarks import leases, measuring, writers
from benchmarks.bench import Bench
from benchmarks.model import Measure, Opened, Row, Sample, Subject, group, prepared
from benchmarks.rows.claims import drain_sync, endings
from wfstore import ClaimedExecution, NewExecution, Role
from wfstore.aio import AsyncStore, connect

_TASKS = 200
_POOL = 8
_LEASE = timedelta(hours=12)
_BATCH = 500
_FEWER = 5  # one by one, so many times fewer are written
ENQUEUE, HEARTBEAT, FINISH = "enqueue", "heartbeat", "finish"

_Call = Callable[[Any], Awaitable[object]]


class _Stage:
    """An empty queue; each measurement leaves it empty."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        database = stack.enter_context(bench.database())
        self._runner = stack.enter_context(measuring.runner())
        self._app = stack.enter_context(wfstore.connect(bench.url(database, Role.APP)))
        url = bench.url(database, Role.WORKER)
        self._worker = stack.enter_context(wfstore.connect(url, role=Role.WORKER))
        self._store = self._runner.run(connect(url, role=Role.WORKER, min_size=_POOL, max_size=_POOL))
        stack.callback(lambda: self._runner.run(self._store.close()))
        self._workflow = leases.add_workflow(self._app)
        measures = {ENQUEUE: self._enqueue, HEARTBEAT: self._heartbeat, FINISH: self._finish}
        self.handlers: dict[str, Callable[[int], Measure]] = {
            f"{what}, {how}": self._handler(partial(measure, grouped=how == "grouped"))
            for what, measure in measures.items()
            for how in ("grouped", "direct")
        }

    @staticmethod
    def _handler(measure: Measure) -> Callable[[int], Measure]:
        return lambda _at: measure

    def _enqueue(self, *, grouped: bool) -> Sample:
        new = [NewExecution(workflow_id=self._workflow) for _ in range(self._count(grouped))]
        sample = self._runner.run(_share(self._store, ENQUEUE, new, grouped=grouped))
        drain_sync(self._worker)
        return sample

    def _heartbeat(self, *, grouped: bool) -> Sample:
        held = self._claimed(_TASKS)
        sample = self._runner.run(_repeat(self._store, held, self._bench.sizes.seconds, grouped=grouped))
        self._worker.executions.finish_many(endings(held))
        return sample

    def _finish(self, *, grouped: bool) -> Sample:
        held = endings(self._claimed(self._count(grouped)))
        return self._runner.run(_share(self._store, FINISH, held, grouped=grouped))

    def _count(self, grouped: bool) -> int:
        return self._bench.sizes.executions // (1 if grouped else _FEWER)

    def _claimed(self, count: int) -> list[ClaimedExecution]:
        leases.enqueue(self._app, self._workflow, count)
        found: list[ClaimedExecution] = []
        while some := self._worker.executions.claim(queue="default", worker_id="w", limit=_BATCH, lease=_LEASE):
            found += some
        return found


async def _share(store: AsyncStore, what: str, items: Sequence[Any], *, grouped: bool) -> Sample:
    """Let the tasks take one item after the other until there are none."""
    waiting = list(items)
    took: list[float] = []
    async with AsyncExitStack() as stack:
        call = await _call(stack, store, what, grouped=grouped)

        async def work() -> None:
            while waiting:
                before = time.perf_counter()
                await call(waiting.pop())
                took.append((time.perf_counter() - before) * 1000)

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(_TASKS)))
        return measuring.rate(len(items), time.perf_counter() - begun, took)


async def _repeat(store: AsyncStore, held: Sequence[ClaimedExecution], seconds: float, *, grouped: bool) -> Sample:
    """Let each task prolong its lease again and again."""
    async with AsyncExitStack() as stack:
        call = await _call(stack, store, HEARTBEAT, grouped=grouped)
        return await measuring.crowd([partial(_nothing, call, lease) for lease in held], seconds)


async def _nothing(call: _Call, lease: ClaimedExecution) -> None:
    await call(lease)


async def _call(stack: AsyncExitStack, store: AsyncStore, what: str, *, grouped: bool) -> _Call:
    """The call of a kind, of a group writer or of the store."""
    if grouped:
        writer = await stack.enter_async_context(writers.async_writer(store))
        grouped_calls: dict[str, _Call] = {
            ENQUEUE: writer.enqueue,
            HEARTBEAT: lambda held: writer.heartbeat(held, _LEASE),
            FINISH: writer.finish,
        }
        return grouped_calls[what]
    direct: dict[str, _Call] = {
        ENQUEUE: store.executions.enqueue,
        HEARTBEAT: lambda lease: store.executions.heartbeat([lease], lease=_LEASE),
        FINISH: store.executions.finish,
    }
    return direct[what]


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare an empty queue."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


GROUP = group(
    "small-writes",
    f"Small writes per second, {_TASKS} tasks at once",
    "/s",
    [
        Row(what, Subject(f"{what}, grouped", _TASKS), (Subject(f"{what}, direct", _TASKS),))
        for what in (ENQUEUE, HEARTBEAT, FINISH)
    ],
    opening,
    most_rounds=3,
)
