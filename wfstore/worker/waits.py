"""Sleeps, signals and children: waits that outlive the process, each decided once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from wfstore.aio.leasing import lease_lost
from wfstore.aio.store import AsyncStore
from wfstore.errors import InvalidInput, NotFound, PartitionOutOfWindow
from wfstore.leases import NewExecution, NodeResult
from wfstore.models import Execution
from wfstore.vocabulary import NodeStatus, NodeType
from wfstore.worker.errors import SignalTimedOut
from wfstore.worker.journal import Journal, Step, outcome
from wfstore.worker.results import Stored


async def sleep(journal: Journal, step: Step, duration: timedelta | None, until: datetime | None) -> None:
    """Wait for a time that is decided when the sleep begins, however often the handler runs."""
    if (duration is None) == (until is None):
        raise InvalidInput("a sleep has a duration or an end: it is one of them")
    if until is not None and until.tzinfo is None:
        raise InvalidInput(f"the end of a sleep is a time with a time zone, not {until}")
    with journal.working(step.key):
        stored = await journal.results.get(step.key)
        if stored is not None and stored.status.is_final:
            return
        step = await journal.completed(step, NodeType.FLOW)
        begin, end = _noted(journal, stored, until or journal.around.clock() + (duration or timedelta(0)))
        assert end is not None  # noqa: S101 - a sleep is never stored without one
        step = _noting(step, end)
        if stored is None:
            await journal.results.put(journal.result(step, NodeStatus.WAITING, begin))
        await journal.rest(end)
        await journal.results.put(_done(journal, step, begin, NodeStatus.SUCCESS))


async def wait_signal(journal: Journal, step: Step, name: str, timeout: timedelta | None) -> Any:
    """Return a signal's payload; suspend the execution until it comes."""
    with journal.waiting(), journal.working(step.key):
        stored = await journal.results.get(step.key)
        if stored is not None and stored.status.is_final:
            return outcome(step.key, stored)
        step = await journal.completed(step, NodeType.HUMAN_IN_THE_LOOP)
        begin, end = _noted(journal, stored, None if timeout is None else journal.around.clock() + timeout)
        step = _noting(step, end, signal=name)
        while True:
            final = await _signaled(journal, step, begin, name, end)
            if final is not None:
                await journal.results.put(final)
                return outcome(step.key, await journal.results.get(step.key))
            if stored is None:
                await journal.results.put(journal.result(step, NodeStatus.WAITING, begin))
                stored = await journal.results.get(step.key)
            await journal.suspend(until=end, signal=name)  # returns only if the signal came meanwhile


async def _signaled(journal: Journal, step: Step, begin: int, name: str, end: datetime | None) -> NodeResult | None:
    """Return the row that decides the wait; None: it goes on."""
    consumer = f"{step.node_id}:{step.run_index}"
    signal = await journal.holding.insist(
        lambda: journal.around.store.executions.take_signal(
            journal.lease, name, consumer=consumer, now=journal.around.clock()
        )
    )
    if signal is not None:
        return _done(journal, step, begin, NodeStatus.SUCCESS, output_data=orjson.dumps(signal.payload))
    if end is not None and journal.around.clock() >= end:
        late = SignalTimedOut(*step.key, {"type": SignalTimedOut.__name__, "message": f"no signal {name!r} in time"})
        return _done(journal, step, begin, NodeStatus.ERROR, error_data=late.error_data)
    return None


async def start_child(journal: Journal, step: Step, child: NewExecution) -> UUID:
    """Start an execution that is this one's child: once, and only while the lease is held."""
    with journal.working(step.key):
        stored = await journal.results.get(step.key)
        if stored is None or not stored.status.is_final:
            step = await journal.completed(step, NodeType.FLOW)
            begin = journal.milliseconds()
            started = {"execution_id": str(child.execution_id)}
            row = _done(journal, step, begin, NodeStatus.SUCCESS, output_data=orjson.dumps(started))
            await journal.holding.insist(lambda: _start(journal, child, row))
            journal.results.note(row)
        found = UUID(outcome(step.key, await journal.results.get(step.key))["execution_id"])
        journal.children[found] = None
        return found


async def _start(journal: Journal, child: NewExecution, row: NodeResult) -> None:
    """Enqueue a child and store which it is, in one transaction under the fence: an old worker starts none."""
    store = journal.around.store
    try:
        await _start_under_fence(store, journal, child, row)
    except PartitionOutOfWindow:
        await store.partitions.make(at=journal.around.clock())
        await _start_under_fence(store, journal, child, row)


async def _start_under_fence(store: AsyncStore, journal: Journal, child: NewExecution, row: NodeResult) -> None:
    async with store.transaction() as transaction:
        # locks the parent: one that is being canceled takes the child along, or refuses it
        held = await transaction.executions.heartbeat(
            [journal.lease], lease=journal.around.lease, now=journal.around.clock()
        )
        if not held:
            raise lease_lost(journal.lease)
        await transaction.executions.enqueue(child, now=journal.around.clock())
        await transaction.node_executions.record(row)


async def wait_children(journal: Journal) -> list[Execution]:
    """Wait until all children have ended; return those that the handler has started, in that order."""
    with journal.waiting():
        await journal.suspend(children=True)  # returns only when there is none left
    identifiers = list(journal.children)
    found: list[Execution] = await journal.holding.insist(
        lambda: journal.around.store.executions.get_many(execution_ids=identifiers)
    )
    by_id = {each.execution_id: each for each in found}
    if missing := [each for each in identifiers if each not in by_id]:
        raise NotFound(f"execution {missing[0]}, a child of {journal.lease.execution_id}, is not there any more")
    return [by_id[each] for each in identifiers]


def _noted(journal: Journal, stored: Stored | None, end: datetime | None) -> tuple[int, datetime | None]:
    """Return when a wait began and when it will end: as an earlier attempt has stored it, or as of now."""
    if stored is None:
        return journal.milliseconds(), end
    until = stored.input_data.get("until") if isinstance(stored.input_data, dict) else None
    begin = journal.milliseconds() if stored.start_time is None else stored.start_time
    return begin, None if until is None else datetime.fromisoformat(until)


def _noting(step: Step, end: datetime | None, **facts: Any) -> Step:
    until = None if end is None else end.isoformat()
    return replace(step, input_data=orjson.dumps(facts | {"until": until}))


def _done(journal: Journal, step: Step, begin: int, status: NodeStatus, **facts: Any) -> NodeResult:
    return journal.result(step, status, begin, end_time=max(begin, journal.milliseconds()), **facts)
