"""Executions: enqueue, claim, prolong, finish; the fence in a race. All states by all operations: test_queue_table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
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
    history,
    pid_of,
    queued,
    result,
    rows,
    until,
)
from wfstore import ClaimedExecution, NewExecution, Role, Store, uuid7
from wfstore.errors import AlreadyFinished, InvalidInput, LeaseLost, NotFound
from wfstore.leases import Failure, RetryPolicy
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
        retry=RetryPolicy(max_attempts=2, wait=timedelta(seconds=3), factor=4, longest_wait=timedelta(seconds=5)),
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
    assert (entry.attempt, entry.failures, entry.max_attempts) == (0, 0, 2)
    assert (entry.worker_id, entry.concurrency_key, entry.parked_by) == (None, "ada", None)
    assert entry.ready


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


def test_who_loses_its_lease_too_often_is_given_up(store: Store, worker: Store) -> None:
    [identifier] = enqueue(store, add_workflow(store), queue="mail", retry=RetryPolicy(max_attempts=2))
    assert [(lease.attempt, lease.failures) for lease in claim(worker, queue="mail")] == [(1, 0)]
    [second] = claim(worker, queue="mail", now=LATER)
    assert (second.attempt, second.failures) == (2, 1)
    assert claim(worker, queue="mail", now=LATER + LEASE - timedelta(microseconds=1)) == []
    assert queued(store, identifier).attempt == 2
    assert claim(worker, queue="mail", now=LATER + LEASE) == []
    found = history(store, identifier)
    assert (found.status, found.end_time) == ("ERROR", int((LATER + LEASE).timestamp() * 1000))
    assert "2 attempts" in (found.error_message or "")
    assert store.executions.get_queue_entry(execution_id=identifier) is None
    [letter] = store.dead_letters.page(before_id=uuid7(), limit=9)
    assert (letter.execution_id, letter.queue, letter.failures) == (identifier, "mail", 2)
    assert (letter.reason, letter.died_at) == (found.error_message, LATER + LEASE)
    with pytest.raises(LeaseLost):
        worker.executions.finish(ending(second))


def test_waiting_costs_no_attempt(store: Store, worker: Store) -> None:
    """What waits a hundred times has not failed once."""
    lease = claimed(store, worker, retry=RetryPolicy(max_attempts=1))
    for wait in range(1, 101):
        assert worker.executions.suspend(lease, until=NOW, now=NOW)
        [lease] = claim(worker)
        assert (lease.attempt, lease.failures, lease.woken_by) == (wait + 1, 0, "TIME")


def test_a_worker_whose_lease_ran_out_works_on_until_a_claim_has_seen_it(store: Store, worker: Store) -> None:
    lease = claimed(store, worker)
    worker.node_executions.record(result(lease, "late"))
    # Claims by others, of nothing but what time has made due, take the lease away.
    assert [each.attempt for each in claim(worker, now=LATER, worker_id="other")] == [2]
    with pytest.raises(LeaseLost):
        worker.node_executions.record(result(lease, "later"))
    assert worker.executions.heartbeat([lease], lease=LEASE, now=LATER) == set()
    assert [row.node_id for row in worker.node_executions.all_of(lease.execution_id)] == ["late"]


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
    [
        {"status": ExecutionStatus.RUNNING},
        {"status": ExecutionStatus.NEW},
        {"status": "NONSENSE"},
        {"error_message": "a\0b"},
        {"end_time": 2**63},
        {"run_data": {1: 2}},
        {"error_details": object()},
    ],
    ids=["not final", "new", "no status", "NUL", "out of range", "a key that is no string", "no JSON"],
)
def test_an_end_that_cannot_be_stored_changes_nothing(
    facts: dict[str, object], store: Store, worker: Store, admin: Admin
) -> None:
    lease = claimed(store, worker)
    before = rows(admin)
    with pytest.raises(InvalidInput):
        worker.executions.finish(replace(ending(lease), **facts))  # type: ignore[arg-type]
    assert rows(admin) == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"end_time": 1}, (int(NOW.timestamp() * 1000), int(NOW.timestamp() * 1000))),
        ({"start_time": 10, "end_time": 9}, (10, 10)),
        ({"start_time": 10, "end_time": 12}, (10, 12)),
    ],
    ids=["before its claim", "before its start", "as given"],
)
def test_a_clock_that_is_behind_ends_nothing_before_it_began(
    given: dict[str, Any], kept: tuple[int, int], store: Store, worker: Store
) -> None:
    lease = claimed(store, worker)
    worker.executions.finish(ending(lease, **given))
    found = history(store, lease.execution_id)
    assert (found.start_time, found.end_time) == kept


def test_cancelling_before_its_start_ends_at_its_start(store: Store, worker: Store) -> None:
    lease = claimed(store, worker)
    store.executions.cancel(lease.execution_id, now=NOW - LEASE)
    found = history(store, lease.execution_id)
    assert found.end_time == found.start_time == int(NOW.timestamp() * 1000)


@pytest.mark.parametrize("what", ["finish_many", "fail_many"])
def test_a_stale_lease_beside_the_valid_one_does_not_speak_for_it(
    what: str, store: Store, worker: Store, admin: Admin
) -> None:
    """A worker that took over from itself hands in both: which one is stored would be left to chance."""
    stale = claimed(store, worker)
    [valid] = claim(worker, now=LATER)
    before = rows(admin)
    with pytest.raises(InvalidInput, match=f"{stale.execution_id} .* twice"):
        if what == "finish_many":
            worker.executions.finish_many([ending(valid), ending(stale, ExecutionStatus.ERROR)])
        else:
            worker.executions.fail_many([Failure(lease=lease, error_message="") for lease in (valid, stale)])
    assert rows(admin) == before


def test_the_statements_themselves_go_by_the_attempt(store: Store, worker: Store) -> None:
    """Without the check above: the ends of both attempts in one statement, in either order."""
    for order in (1, -1):
        stale = claimed(store, worker)
        [valid] = claim(worker, now=LATER)
        both: list[tuple[ClaimedExecution, str]] = [(stale, "ERROR"), (valid, "SUCCESS")][::order]
        done = worker.executions._run(
            "finish_many",
            tenant_ids=[lease.tenant_id for lease, _ in both],
            execution_ids=[lease.execution_id for lease, _ in both],
            attempts=[lease.attempt for lease, _ in both],
            statuses=[status for _, status in both],
            **{key: [None, None] for key in ("start_times", "run_data", "error_messages", "error_details")},
            end_times=[2**50, 2**50],
        )
        assert len(done) == 1
        assert history(store, valid.execution_id).status == "SUCCESS"


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
    worker.executions.heartbeat(leases[1:], lease=9 * LEASE, now=NOW)
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
    enqueue(store, add_workflow(store), 4, retry=RetryPolicy(max_attempts=10_000))
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
