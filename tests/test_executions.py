"""Executions: enqueue, claim, prolong, finish; every state against every operation; the fence in a race."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

import wfstore
from tests.executionkit import (
    LATER,
    LEASE,
    NOW,
    Admin,
    add_workflow,
    blocked_by,
    claim,
    claimed,
    count,
    ending,
    enqueue,
    forget_executions,
    history,
    pid_of,
    queued,
    result,
    rows,
    until,
)
from wfstore import ClaimedExecution, NewExecution, Role, Store, uuid7
from wfstore.errors import AlreadyFinished, InvalidInput, LeaseLost, NotFound
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus

# --- enqueue ------------------------------------------------------------------------------------------------


def test_what_is_enqueued_is_new_in_history_and_queue(store: Store) -> None:
    workflow_id, parent = add_workflow(store), uuid7()
    wanted = NewExecution(
        workflow_id=workflow_id,
        mode=ExecutionMode.WEBHOOK,
        triggered_by="ada",
        parent_execution_id=parent,
        metadata={"order": 7},
        queue="mail",
        priority=-3,
        visible_at=NOW,
        max_attempts=2,
        concurrency_key="ada",
    )
    [made] = store.executions.enqueue(wanted)
    assert (made.execution_id, made.workflow_id, made.workflow_revision) == (wanted.execution_id, workflow_id, 1)
    assert made.created
    found = history(store, made.execution_id)
    assert (found.status, found.mode, found.triggered_by) == ("NEW", "WEBHOOK", "ada")
    assert (found.parent_execution_id, found.metadata) == (parent, {"order": 7})
    assert (found.start_time, found.end_time) == (None, None)
    entry = queued(store, made.execution_id)
    assert (entry.status, entry.queue, entry.priority, entry.visible_at) == ("NEW", "mail", -3, NOW)
    assert (entry.attempt, entry.max_attempts, entry.worker_id, entry.concurrency_key) == (0, 2, None, "ada")


def test_many_are_enqueued_in_their_order_and_none_too(store: Store) -> None:
    workflows = [add_workflow(store, name=f"w{number}") for number in range(3)]
    executions = [NewExecution(workflow_id=workflows[number % 3]) for number in range(20)]
    made = store.executions.enqueue(*executions)
    assert [(each.execution_id, each.workflow_id) for each in made] == [
        (each.execution_id, each.workflow_id) for each in executions
    ]
    assert store.executions.enqueue() == []


def test_the_same_id_again_is_left_as_it_is(store: Store, worker: Store, admin: Admin) -> None:
    execution = NewExecution(workflow_id=add_workflow(store), visible_at=NOW)
    other = NewExecution(workflow_id=execution.workflow_id, visible_at=LATER)
    store.executions.enqueue(execution)
    claim(worker)
    before = rows(admin)
    again = store.executions.enqueue(replace(execution, priority=9, queue="elsewhere"))
    assert [each.created for each in again] == [False]
    assert rows(admin) == before
    assert [each.created for each in store.executions.enqueue(execution, other)] == [False, True]


@pytest.mark.parametrize("case", ["unknown", "of another tenant"])
def test_an_unknown_workflow_is_refused_and_nothing_is_written(
    case: str, store: Store, other_tenant: UUID, admin: Admin
) -> None:
    good = NewExecution(workflow_id=add_workflow(store))
    stranger = uuid7() if case == "unknown" else add_workflow(store.for_tenant(other_tenant))
    with pytest.raises(NotFound, match="workflow"):
        store.executions.enqueue(good, NewExecution(workflow_id=stranger))
    assert (count(admin, "workflow_executions"), count(admin, "execution_queue")) == (0, 0)


def test_an_execution_runs_the_version_of_its_enqueuing(store: Store, worker: Store) -> None:
    workflow_id = add_workflow(store)
    enqueue(store, workflow_id)
    store.workflows.replace(workflow_id, {"name": "other", "nodes": [], "connections": []}, revision=1)
    enqueue(store, workflow_id)
    assert [lease.workflow_revision for lease in claim(worker, limit=9)] == [1, 2]


# --- claim --------------------------------------------------------------------------------------------------


def test_a_claim_says_what_a_worker_needs(store: Store, worker: Store) -> None:
    parent = uuid7()
    lease = claimed(store, worker, metadata={"a": [1]}, parent_execution_id=parent, mode=ExecutionMode.TRIGGER)
    assert (lease.tenant_id, lease.attempt, lease.max_attempts) == (store.tenant_id, 1, 20)
    assert (lease.lease_until, lease.start_time) == (NOW + LEASE, int(NOW.timestamp() * 1000))
    assert (lease.metadata, lease.parent_execution_id, lease.mode) == ({"a": [1]}, parent, "TRIGGER")
    assert history(store, lease.execution_id).status == "RUNNING"
    entry = queued(store, lease.execution_id)
    assert (entry.status, entry.worker_id, entry.visible_at) == ("RUNNING", "w", NOW + LEASE)


def test_nothing_is_claimed_before_it_is_due(store: Store, worker: Store) -> None:
    [identifier] = enqueue(store, add_workflow(store), visible_at=NOW + timedelta(seconds=10))
    assert claim(worker) == []
    assert claim(worker, now=NOW + timedelta(seconds=9, microseconds=999_999)) == []
    assert [lease.execution_id for lease in claim(worker, now=NOW + timedelta(seconds=10))] == [identifier]


def test_the_most_urgent_come_first_up_to_the_limit(store: Store, worker: Store) -> None:
    workflow_id = add_workflow(store)
    made = {}
    for priority, seconds in product((0, 5, -5), (3, 1, 2)):
        due = NOW - timedelta(seconds=seconds)
        for identifier in enqueue(store, workflow_id, 2, priority=priority, visible_at=due):
            made[identifier] = (-priority, due, identifier)
    expected = sorted(made, key=made.__getitem__)
    assert claim(worker, limit=0) == []
    for place, limit in ((0, 1), (1, 4), (5, 100)):
        found = {lease.execution_id for lease in claim(worker, limit=limit)}
        assert found == set(expected[place : place + limit])


def test_a_claim_comes_in_its_order(store: Store, worker: Store, admin: Admin) -> None:
    workflow_id = add_workflow(store)
    executions = [NewExecution(workflow_id=workflow_id, priority=n * 7919 % 101, visible_at=NOW) for n in range(3_000)]
    store.executions.enqueue(*executions)
    admin.execute("ANALYZE")
    urgent = sorted(executions, key=lambda each: (-each.priority, each.execution_id))
    leases = claim(worker, limit=2_000)
    assert {lease.execution_id for lease in leases} == {each.execution_id for each in urgent[:2_000]}
    assert [lease.execution_id for lease in leases] == [each.execution_id for each in urgent[:2_000]]


def test_queues_and_tenants_are_apart(store: Store, worker: Store, other_tenant: UUID) -> None:
    other, workflow_id = store.for_tenant(other_tenant), add_workflow(store)
    [ours] = enqueue(store, workflow_id)
    [mail] = enqueue(store, workflow_id, queue="mail")
    [theirs] = enqueue(other, add_workflow(other))
    assert [lease.execution_id for lease in claim(worker, limit=9)] == [ours]
    assert [lease.execution_id for lease in claim(worker, limit=9, queue="mail")] == [mail]
    [lease] = claim(worker.for_tenant(other_tenant), limit=9)
    assert (lease.execution_id, lease.tenant_id) == (theirs, other_tenant)
    assert store.executions.get(execution_id=theirs) is None
    with pytest.raises(NotFound):
        store.executions.cancel(theirs)
    with pytest.raises(LeaseLost):
        worker.executions.finish(ending(lease))


def test_a_lease_that_is_over_is_due_again_with_the_next_attempt(store: Store, worker: Store) -> None:
    first = claimed(store, worker)
    assert claim(worker, now=first.lease_until - timedelta(microseconds=1)) == []
    [second] = claim(worker, now=first.lease_until, worker_id="other")
    assert (second.execution_id, second.attempt) == (first.execution_id, 2)
    assert second.start_time == first.start_time
    assert queued(store, first.execution_id).worker_id == "other"


def test_attempts_are_exhausted(store: Store, worker: Store) -> None:
    [identifier] = enqueue(store, add_workflow(store), max_attempts=2)
    assert [lease.attempt for lease in claim(worker)] == [1]
    assert [lease.attempt for lease in claim(worker, now=LATER)] == [2]
    assert claim(worker, now=LATER + 100 * LEASE) == []
    assert queued(store, identifier).attempt == 2


def test_a_heartbeat_prolongs_what_is_held_and_names_it(store: Store, worker: Store) -> None:
    workflow_id = add_workflow(store)
    enqueue(store, workflow_id, 3)
    leases = claim(worker, limit=3)
    lost, kept = leases[0], leases[1:]
    store.executions.cancel(lost.execution_id)
    alive = worker.executions.heartbeat(leases, lease=2 * LEASE, now=NOW)
    assert alive == {lease.execution_id for lease in kept}
    assert claim(worker, limit=9, now=NOW + 2 * LEASE - timedelta(microseconds=1)) == []
    assert len(claim(worker, limit=9, now=NOW + 2 * LEASE)) == 2
    assert worker.executions.heartbeat([], lease=LEASE) == set()


def test_eight_workers_at_once_share_the_work_of_two_tenants_without_overlap(
    store: Store, database: str, other_tenant: UUID
) -> None:
    tenants = [store.tenant_id, other_tenant]
    for tenant in tenants:
        enqueue(store.for_tenant(tenant), add_workflow(store.for_tenant(tenant)), 100)
    gate = threading.Barrier(8)
    with wfstore.connect(database, role=Role.WORKER, min_size=8, max_size=8) as workers:

        def work(number: int) -> list[ClaimedExecution]:
            own, found = workers.for_tenant(tenants[number % 2]), []
            gate.wait(timeout=30)
            while got := claim(own, limit=7, worker_id=f"w{number}"):
                found += got
            return found

        with ThreadPoolExecutor(8) as pool:
            found = [lease for leases in pool.map(work, range(8)) for lease in leases]
    assert len(found) == len({lease.execution_id for lease in found}) == 200
    assert {lease.attempt for lease in found} == {1}
    assert [sum(lease.tenant_id == tenant for lease in found) for tenant in tenants] == [100, 100]


# --- finish, cancel -----------------------------------------------------------------------------------------


def test_an_end_is_written_whole_and_leaves_the_queue(store: Store, worker: Store) -> None:
    lease = claimed(store, worker)
    worker.executions.finish(
        ending(
            lease,
            ExecutionStatus.ERROR,
            start_time=1_000,
            end_time=2_500,
            run_data={"passes": 2},
            error_message="it broke",
            error_details={"at": "node b"},
        )
    )
    found = history(store, lease.execution_id)
    assert (found.status, found.start_time, found.end_time) == ("ERROR", 1_000, 2_500)
    assert (found.run_data, found.error_message) == ({"passes": 2}, "it broke")
    assert found.error_details == {"at": "node b"}
    assert store.executions.get_queue_entry(execution_id=lease.execution_id) is None


def test_of_many_ends_those_of_lost_leases_are_left(store: Store, worker: Store) -> None:
    enqueue(store, add_workflow(store), 3)
    leases = claim(worker, limit=3)
    stale = replace(leases[1], attempt=7)
    done = worker.executions.finish_many([ending(leases[0]), ending(stale), ending(leases[2])])
    assert done == {leases[0].execution_id, leases[2].execution_id}
    assert history(store, stale.execution_id).status == "RUNNING"
    assert worker.executions.finish_many([]) == set()


@pytest.mark.parametrize(
    "facts",
    [{"status": ExecutionStatus.RUNNING}, {"start_time": 10, "end_time": 9}, {"error_message": "a\0b"}],
    ids=["not final", "ends before it starts", "NUL"],
)
def test_an_end_that_cannot_be_stored_changes_nothing(
    facts: dict[str, object], store: Store, worker: Store, admin: Admin
) -> None:
    lease = claimed(store, worker)
    before = rows(admin)
    with pytest.raises(InvalidInput):
        worker.executions.finish(replace(ending(lease), **facts))  # type: ignore[arg-type]
    assert rows(admin) == before


def test_cancelling_ends_it_and_its_worker_learns_so(store: Store, worker: Store) -> None:
    lease = claimed(store, worker)
    store.executions.cancel(lease.execution_id, now=NOW + timedelta(seconds=1))
    found = history(store, lease.execution_id)
    begin = int(NOW.timestamp() * 1_000)
    assert (found.status, found.start_time, found.end_time) == ("CANCELED", begin, begin + 1_000)
    with pytest.raises(LeaseLost, match="attempt 1"):
        worker.node_executions.record(result(lease))
    with pytest.raises(AlreadyFinished, match="CANCELED"):
        store.executions.cancel(lease.execution_id)
    with pytest.raises(NotFound):
        store.executions.cancel(uuid7())


# --- every state, every operation ---------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    store: Store
    worker: Store
    identifier: UUID
    held: ClaimedExecution
    """The last lease that was given out; of one never claimed, what its first claim would give."""


def _new(store: Store, worker: Store, **facts: Any) -> World:
    [identifier] = enqueue(store, add_workflow(store), **facts)
    # A lease looks the same for every execution; this one is of an execution that ends at once.
    [other] = enqueue(store, add_workflow(store), queue="other")
    [lease] = claim(worker, queue="other")
    worker.executions.finish(ending(lease))
    store.executions.delete(execution_id=other)
    return World(store, worker, identifier, replace(lease, execution_id=identifier))


def _running(store: Store, worker: Store, **facts: Any) -> World:
    lease = claimed(store, worker, **facts)
    return World(store, worker, lease.execution_id, lease)


def _taken_over(store: Store, worker: Store) -> World:
    first = _running(store, worker)
    [lease] = claim(worker, now=LATER)
    return replace(first, held=lease)


def _finished(status: ExecutionStatus) -> Callable[[Store, Store], World]:
    def make(store: Store, worker: Store) -> World:
        world = _running(store, worker)
        worker.executions.finish(ending(world.held, status))
        return world

    return make


def _cancelled(store: Store, worker: Store) -> World:
    world = _running(store, worker)
    store.executions.cancel(world.identifier)
    return world


STATES: dict[str, Callable[[Store, Store], World]] = {
    "new": _new,
    "scheduled": lambda store, worker: _new(store, worker, visible_at=LATER + LEASE),
    "running": lambda store, worker: _running(store, worker, visible_at=NOW),
    "lease over": _running,
    "taken over": _taken_over,
    "exhausted": lambda store, worker: _running(store, worker, max_attempts=1),
    "succeeded": _finished(ExecutionStatus.SUCCESS),
    "failed": _finished(ExecutionStatus.ERROR),
    "cancelled": _cancelled,
}
CLOCK = dict.fromkeys(STATES, NOW) | {"lease over": LATER, "exhausted": LATER, "taken over": LATER}

Outcome = str | type[Exception]
"""The status that history shows afterwards, or the refusal."""
REFUSED = "refused"


def _claim(world: World, state: str) -> Outcome:
    return "RUNNING" if claim(world.worker, now=CLOCK[state]) else REFUSED


def _heartbeat(change: int) -> Callable[[World, str], Outcome]:
    def operate(world: World, state: str) -> Outcome:
        lease = replace(world.held, attempt=world.held.attempt + change)
        alive = world.worker.executions.heartbeat([lease], lease=2 * LEASE, now=CLOCK[state])
        return "RUNNING" if alive else REFUSED

    return operate


def _record(change: int) -> Callable[[World, str], Outcome]:
    def operate(world: World, state: str) -> Outcome:
        world.worker.node_executions.record(result(replace(world.held, attempt=world.held.attempt + change)))
        return "RUNNING"

    return operate


def _finish(change: int) -> Callable[[World, str], Outcome]:
    def operate(world: World, state: str) -> Outcome:
        world.worker.executions.finish(ending(replace(world.held, attempt=world.held.attempt + change)))
        return "SUCCESS"

    return operate


def _cancel(world: World, state: str) -> Outcome:
    world.store.executions.cancel(world.identifier)
    return "CANCELED"


def _delete(world: World, state: str) -> Outcome:
    return "gone" if world.store.executions.delete(execution_id=world.identifier) else REFUSED


OPERATIONS: dict[str, Callable[[World, str], Outcome]] = {
    "claim": _claim,
    "heartbeat": _heartbeat(0),
    "heartbeat of another attempt": _heartbeat(-1),
    "record": _record(0),
    "record of another attempt": _record(-1),
    "finish": _finish(0),
    "finish of another attempt": _finish(-1),
    "finish of a coming attempt": _finish(+1),
    "cancel": _cancel,
    "delete": _delete,
}


def _expected(state: str, operation: str) -> Outcome:
    never_claimed = state in ("new", "scheduled")
    ended = state in ("succeeded", "failed", "cancelled")
    match operation:
        case "claim":
            return "RUNNING" if state in ("new", "lease over") else REFUSED
        case "cancel":
            return AlreadyFinished if ended else "CANCELED"
        case "delete":
            return "gone" if ended else REFUSED
        case "heartbeat":
            return REFUSED if ended or never_claimed else "RUNNING"
        case "record":
            return LeaseLost if ended or never_claimed else "RUNNING"
        case "finish":
            return LeaseLost if ended or never_claimed else "SUCCESS"
        case "heartbeat of another attempt":
            return REFUSED
        case _:
            return LeaseLost


@pytest.mark.parametrize("state", STATES)
def test_every_operation_is_a_transition_or_a_refusal_that_changes_nothing(
    state: str, store: Store, worker: Store, admin: Admin
) -> None:
    for operation, operate in OPERATIONS.items():
        if operation.endswith("another attempt") and state in ("new", "scheduled"):
            continue  # there is no attempt before the first
        cell = f"{state}, {operation}"
        forget_executions(admin)
        world = STATES[state](store, worker)
        before, expected = rows(admin), _expected(state, operation)
        if isinstance(expected, type):
            with pytest.raises(expected):
                operate(world, state)
        else:
            assert operate(world, state) == expected, cell
        if expected is REFUSED or isinstance(expected, type):
            assert rows(admin) == before, cell
        elif expected == "gone":
            assert rows(admin) == {"execution_queue": [], "workflow_executions": [], "node_executions": []}, cell
        else:
            assert rows(admin) != before, cell
            assert history(store, world.identifier).status == expected, cell
            waiting = store.executions.get_queue_entry(execution_id=world.identifier)
            assert (waiting is None) == ExecutionStatus(expected).is_final, cell


# --- the fence in a race ------------------------------------------------------------------------------------


def _heartbeat_or_raise(worker: Store, lease: ClaimedExecution) -> None:
    if not worker.executions.heartbeat([lease], lease=LEASE):
        raise LeaseLost("not prolonged")


RACERS: dict[str, Callable[[Store, ClaimedExecution], object]] = {
    "record": lambda worker, lease: worker.node_executions.record(result(lease)),
    "finish": lambda worker, lease: worker.executions.finish(ending(lease)),
    "heartbeat": _heartbeat_or_raise,
}


class _TakeOverFailed(Exception):
    pass


@pytest.mark.parametrize("racer", RACERS)
def test_a_write_that_waits_for_a_take_over_is_refused_after_it(
    racer: str, store: Store, worker: Store, database: str, admin: Admin
) -> None:
    lease = claimed(store, worker)
    with wfstore.connect(database, role=Role.WORKER) as old, ThreadPoolExecutor(1) as pool:
        with worker.transaction() as transaction:
            [taken] = transaction.executions.claim(queue="default", worker_id="new", limit=1, lease=LEASE, now=LATER)
            late = pool.submit(RACERS[racer], old, lease)
            until(lambda: blocked_by(admin, pid_of(transaction.connection)), "the old worker waits")
        with pytest.raises(LeaseLost):
            late.result(timeout=30)
    assert taken.attempt == 2
    assert count(admin, "node_executions") == 0
    entry = queued(store, lease.execution_id)
    assert (entry.attempt, entry.worker_id, entry.visible_at) == (2, "new", LATER + LEASE)


@pytest.mark.parametrize("racer", RACERS)
def test_a_write_that_waits_for_a_take_over_that_fails_goes_through(
    racer: str, store: Store, worker: Store, database: str, admin: Admin
) -> None:
    lease = claimed(store, worker)
    with wfstore.connect(database, role=Role.WORKER) as old, ThreadPoolExecutor(1) as pool:
        with pytest.raises(_TakeOverFailed), worker.transaction() as transaction:
            transaction.executions.claim(queue="default", worker_id="new", limit=1, lease=LEASE, now=LATER)
            late = pool.submit(RACERS[racer], old, lease)
            until(lambda: blocked_by(admin, pid_of(transaction.connection)), "the old worker waits")
            raise _TakeOverFailed
        late.result(timeout=30)
    assert count(admin, "node_executions") == (racer == "record")
    assert count(admin, "execution_queue") == (racer != "finish")


def test_nobody_takes_over_while_a_result_is_being_written(
    store: Store, worker: Store, database: str, admin: Admin
) -> None:
    lease = claimed(store, worker)
    with wfstore.connect(database, role=Role.WORKER) as other, ThreadPoolExecutor(1) as pool:
        with worker.transaction() as transaction:
            transaction.node_executions.record(result(lease))
            assert claim(other, now=LATER) == []  # a claim does not wait, it goes on to what is free
            cancelling = pool.submit(store.executions.cancel, lease.execution_id)
            until(lambda: blocked_by(admin, pid_of(transaction.connection)), "the cancelling waits")
        cancelling.result(timeout=30)
    assert history(store, lease.execution_id).status == "CANCELED"
    assert [row.node_id for row in worker.node_executions.all_of(lease.execution_id)] == ["a"]


def test_of_a_batch_that_waits_for_a_take_over_only_that_execution_is_refused(
    store: Store, worker: Store, database: str, admin: Admin
) -> None:
    enqueue(store, add_workflow(store), 3)
    leases = claim(worker, limit=3)
    with wfstore.connect(database, role=Role.WORKER) as old, ThreadPoolExecutor(1) as pool:
        with worker.transaction() as transaction:
            [taken] = transaction.executions.claim(queue="default", worker_id="new", limit=1, lease=LEASE, now=LATER)
            late = pool.submit(old.node_executions.record_many, [result(lease) for lease in leases])
            until(lambda: blocked_by(admin, pid_of(transaction.connection)), "the old worker waits")
        refusals = late.result(timeout=30)
    assert [type(refusal) for refusal in refusals] == [
        LeaseLost if lease.execution_id == taken.execution_id else type(None) for lease in leases
    ]
    stored = {identifier for [identifier] in admin.execute("SELECT execution_id FROM node_executions")}
    assert stored == {lease.execution_id for lease in leases} - {taken.execution_id}


def test_what_an_attempt_has_written_no_older_attempt_overwrites(store: Store, database: str, admin: Admin) -> None:
    """Four workers take four executions from each other without end, and all write the same rows."""
    enqueue(store, add_workflow(store), 4, max_attempts=10_000)
    gate = threading.Barrier(4)
    latest: dict[tuple[UUID, str], int] = {}
    refused = 0

    with wfstore.connect(database, role=Role.WORKER, min_size=4, max_size=4) as workers:

        def write(number: int) -> list[tuple[UUID, str, int] | None]:
            gate.wait(timeout=30)
            stored: list[tuple[UUID, str, int] | None] = []
            for step in range(40):
                leases = claim(workers, limit=4, now=NOW + step * 2 * LEASE, worker_id=f"w{number}")
                for lease, node in product(leases, ("a", "b")):
                    facts = {"status": NodeStatus.RUNNING, "output_data": lease.attempt}
                    try:
                        workers.node_executions.record(result(lease, node, **facts))
                        stored.append((lease.execution_id, node, lease.attempt))
                    except LeaseLost:
                        stored.append(None)
            return stored

        with ThreadPoolExecutor(4) as pool:
            for told in [each for stored in pool.map(write, range(4)) for each in stored]:
                if told is None:
                    refused += 1
                else:
                    latest[told[:2]] = max(latest.get(told[:2], 0), told[2])
    found = admin.execute("SELECT execution_id, node_id, output_data FROM node_executions").fetchall()
    assert {(execution_id, node): attempt for execution_id, node, attempt in found} == latest
    assert refused > 0, "no lease was ever lost: this was no race"
