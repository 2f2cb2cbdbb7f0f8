"""Failing on each face: back-off, dead letters, cancelling, running again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tests import facekit
from tests.executionkit import (
    LATER,
    LEASE,
    NOW,
    Admin,
    add_workflow,
    claim,
    count,
    ending,
    enqueue,
    history,
    queued,
    result,
    rows,
)
from tests.queuekit import listening, meeting, one, status, together
from wfstore import ClaimedExecution, NewExecution, Store, uuid7
from wfstore.errors import AlreadyFinished, InvalidInput, LeaseLost, NotFound, WfstoreError
from wfstore.leases import Failure, RetryPolicy
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus

face, app, hand = facekit.face, facekit.app, facekit.hand
MICRO = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def workflow_id(app: Store) -> UUID:
    return add_workflow(app)


@pytest.fixture
def lease(app: Store, hand: Store, workflow_id: UUID) -> ClaimedExecution:
    return one(app, hand, workflow_id)


def fail(hand: Store, lease: ClaimedExecution, at: datetime = NOW, **facts: Any) -> Any:
    return hand.executions.fail(Failure(lease=lease, error_message="it broke", **facts), now=at)


# --- back-off -----------------------------------------------------------------------------------------------


def test_waits_grow_to_the_longest_and_are_jittered_within_bounds(app: Store, hand: Store, workflow_id: UUID) -> None:
    policy = RetryPolicy(max_attempts=9, wait=2 * SECOND, factor=3, longest_wait=100 * SECOND)
    lease, at = one(app, hand, workflow_id, retry=policy), NOW
    waits = []
    for number in range(1, 9):
        told = fail(hand, lease, at)
        assert (told.retried, told.failures) == (True, number)
        waits.append((told.visible_at - at).total_seconds())
        assert claim(hand, now=told.visible_at - MICRO) == []
        [lease] = claim(hand, now=told.visible_at)
        assert (lease.attempt, lease.failures) == (number + 1, number)
        at = told.visible_at
    for wait, full in zip(waits, [2, 6, 18, 54, 100, 100, 100, 100], strict=True):
        assert 0.9 * full - 1e-5 <= wait <= full, waits
    assert len(set(waits[-4:])) > 1, "no jitter"
    told = fail(hand, lease, at)
    assert (told.retried, told.failures, told.visible_at) == (False, 9, None)


def test_what_fails_together_does_not_come_back_together(app: Store, hand: Store, workflow_id: UUID) -> None:
    enqueue(app, workflow_id, 50, retry=RetryPolicy(wait=100 * SECOND))
    told = hand.executions.fail_many([Failure(lease=each, error_message="") for each in claim(hand, limit=50)], now=NOW)
    waits = sorted((each.visible_at - NOW).total_seconds() for each in told.values() if each.visible_at)
    assert len(waits) == 50
    assert (waits[0] < 93, waits[-1] > 97, max(b - a for a, b in pairwise(waits)) < 5) == (True, True, True)


def test_no_policy_overflows(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    for policy in (
        RetryPolicy(max_attempts=10**9, factor=1e308, wait=timedelta(days=3650), longest_wait=timedelta(days=3650)),
        RetryPolicy(max_attempts=10**9, factor=1.0, wait=timedelta(0), longest_wait=timedelta(0)),
        RetryPolicy(max_attempts=10**9, factor=20, wait=SECOND),
    ):
        lease = one(app, hand, workflow_id, retry=policy)
        admin.execute("UPDATE execution_queue SET failures = 100000000")
        told = fail(hand, lease)
        assert told.retried
        assert told.visible_at - NOW <= policy.longest_wait
        app.executions.cancel(lease.execution_id)


def test_an_explicit_wait_is_kept_to_the_microsecond(app: Store, hand: Store, workflow_id: UUID) -> None:
    for wait in (timedelta(0), timedelta(seconds=7, microseconds=3), timedelta(days=30)):
        told = fail(hand, one(app, hand, workflow_id), wait=wait)
        assert told.visible_at == NOW + wait
        app.executions.cancel(told.execution_id)


def test_a_failure_is_kept_in_history_until_it_succeeds(app: Store, hand: Store, lease: ClaimedExecution) -> None:
    fail(hand, lease, wait=timedelta(0), error_details={"code": 7})
    found = history(app, lease.execution_id)
    assert (found.status, found.error_message, found.error_details) == ("NEW", "it broke", {"code": 7})
    [again] = claim(hand)
    hand.executions.finish(ending(again))
    found = history(app, lease.execution_id)
    assert (found.status, found.error_message) == ("SUCCESS", None)


def test_of_many_failures_those_of_lost_leases_are_left(app: Store, hand: Store, workflow_id: UUID) -> None:
    enqueue(app, workflow_id, 3)
    held, lost, other = claim(hand, limit=3)
    app.executions.cancel(lost.execution_id)
    told = hand.executions.fail_many([Failure(lease=each, error_message="") for each in (held, lost, other)], now=NOW)
    assert told.keys() == {held.execution_id, other.execution_id}
    with pytest.raises(LeaseLost, match=str(lost.execution_id)):
        fail(hand, lost)
    assert hand.executions.fail_many([]) == {}


def test_waits_that_make_no_sense_are_refused_by_name(hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    before = rows(admin)
    for wait in (-MICRO, timedelta.max):
        with pytest.raises(InvalidInput, match=f"{lease.execution_id}: the wait before its retry"):
            fail(hand, lease, wait=wait)
    for facts in ({"error_details": object()}, {"error_details": {1: 2}}):
        with pytest.raises(InvalidInput, match="error_details"):
            fail(hand, lease, **facts)
    with pytest.raises(InvalidInput, match="time zone"):
        fail(hand, lease, NOW.replace(tzinfo=None))
    for limit in (0, -1):
        with pytest.raises(InvalidInput, match="at least one execution"):
            claim(hand, limit=limit)
    for span in (timedelta(0), -LEASE, timedelta.max):
        with pytest.raises(InvalidInput, match="a lease cannot be"):
            claim(hand, lease=span)
        with pytest.raises(InvalidInput, match="a lease cannot be"):
            hand.executions.heartbeat([lease], lease=span)
    with pytest.raises(InvalidInput, match="the queue is empty"):
        claim(hand, queue="")
    assert rows(admin) == before


# --- dead letters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["not retryable", "too often", "its lease ran out"])
def test_what_is_given_up_is_a_dead_letter(how: str, app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    lease = one(
        app, hand, workflow_id, queue="mail", retry=RetryPolicy(max_attempts=5 if how == "not retryable" else 1)
    )
    at = LATER if how == "its lease ran out" else NOW
    if how == "its lease ran out":
        assert claim(hand, queue="mail", now=at) == []
    else:
        assert fail(hand, lease, retry=how == "too often").retried is False
    assert status(admin, lease.execution_id) == "ERROR"
    found = history(app, lease.execution_id)
    assert found.end_time == int(at.timestamp() * 1000)
    [letter] = app.dead_letters.page(before_id=uuid7(), limit=9)
    assert app.dead_letters.get(execution_id=lease.execution_id) == letter
    assert (letter.execution_id, letter.workflow_id, letter.queue) == (lease.execution_id, workflow_id, "mail")
    assert (letter.failures, letter.reason, letter.died_at) == (1, found.error_message, at)
    assert letter.reason
    assert app.for_tenant(uuid7()).dead_letters.page(before_id=uuid7(), limit=9) == []


def test_a_dead_letter_is_replayed_once_in_its_old_place(
    app: Store, hand: Store, workflow_id: UUID, database: str, admin: Admin
) -> None:
    facts = {"queue": "mail", "priority": 3, "concurrency_key": "k", "metadata": {"order": 1}}
    lease = one(app, hand, workflow_id, **facts)
    fail(hand, lease, retry=False)
    with listening(database) as ears:
        made = app.dead_letters.replay(lease.execution_id)
        assert ears.heard() == ["mail"]
    entry, found = queued(app, made.execution_id), history(app, made.execution_id)
    assert (entry.queue, entry.priority, entry.concurrency_key) == ("mail", 3, "k")
    assert (found.mode, found.retry_of_execution_id, found.metadata) == ("RETRY", lease.execution_id, {"order": 1})
    assert status(admin, lease.execution_id) == "ERROR"
    with pytest.raises(NotFound, match="no dead letter"):
        app.dead_letters.replay(lease.execution_id)
    assert count(admin, "execution_queue") == 1


def test_of_two_replays_at_once_one_is_refused(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    fail(hand, lease, retry=False)

    def replay(store: Any) -> Any:
        return store.dead_letters.replay(lease.execution_id)

    with meeting(app, admin, replay, lambda: replay(app)) as [late], pytest.raises(NotFound):
        late.result(timeout=30)
    assert count(admin, "execution_queue") == 1


def test_dead_letters_are_dismissed(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    enqueue(app, workflow_id, 3)
    leases = claim(hand, limit=3)
    hand.executions.fail_many([Failure(lease=each, error_message="", retry=False) for each in leases])
    first, *others = [each.execution_id for each in leases]
    assert app.dead_letters.dismiss(first, uuid7()) == [first]
    assert app.dead_letters.dismiss(first) == []
    letters = app.dead_letters.page(before_id=uuid7(), limit=9)
    assert {each.execution_id for each in letters} == set(others)
    assert status(admin, first) == "ERROR"


# --- cancel -------------------------------------------------------------------------------------------------


def _write_all(hand: Store) -> dict[str, Callable[[ClaimedExecution], Any]]:
    return {
        "record": lambda lease: hand.node_executions.record(result(lease)),
        "take_signal": lambda lease: hand.executions.take_signal(lease, "go", consumer="a:0"),
        "suspend": lambda lease: hand.executions.suspend(lease, until=LATER),
        "fail": lambda lease: fail(hand, lease),
        "finish": lambda lease: hand.executions.finish(ending(lease)),
    }


def test_a_canceled_worker_learns_it_at_its_next_write_of_each_kind(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    assert app.executions.cancel(lease.execution_id, now=NOW) == [lease.execution_id]
    before = rows(admin)
    for write in _write_all(hand).values():
        with pytest.raises(LeaseLost, match=f"execution {lease.execution_id}: the lease of attempt 1 is lost"):
            write(lease)
    assert hand.executions.heartbeat([lease], lease=LEASE) == set()
    assert [type(each) for each in hand.node_executions.record_many([result(lease)])] == [LeaseLost]
    assert hand.executions.finish_many([ending(lease)]) == set()
    assert hand.executions.fail_many([Failure(lease=lease, error_message="")]) == {}
    assert rows(admin) == before


def test_a_cancel_that_waits_for_the_end_comes_too_late(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    with (
        meeting(
            hand,
            admin,
            lambda tx: tx.executions.finish(ending(lease)),
            lambda: app.executions.cancel(lease.execution_id),
        ) as [late],
        pytest.raises(AlreadyFinished, match="SUCCESS"),
    ):
        late.result(timeout=30)


@pytest.mark.parametrize("write", ["record", "take_signal", "suspend", "fail", "finish"])
def test_a_write_that_waits_for_a_cancel_is_refused(
    write: str, app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    with (
        meeting(
            app,
            admin,
            lambda tx: tx.executions.cancel(lease.execution_id, now=NOW),
            lambda: _write_all(hand)[write](lease),
        ) as [late],
        pytest.raises(LeaseLost),
    ):
        late.result(timeout=30)
    assert status(admin, lease.execution_id) == "CANCELED"
    assert (count(admin, "node_executions"), count(admin, "dead_letters")) == (0, 0)


def test_a_tree_of_children_is_canceled_whole(
    app: Store, hand: Store, lease: ClaimedExecution, workflow_id: UUID, admin: Admin
) -> None:
    """Running, waiting, scheduled, parked; what ended before stays as it ended, strangers run on."""

    def child(parent: UUID, **facts: Any) -> UUID:
        return enqueue(app, workflow_id, parent_execution_id=parent, **{"queue": "tree"} | facts)[0]

    ended, waits, runs = (child(lease.execution_id) for _ in range(3))
    of_ended = child(ended, queue="elsewhere")
    leases = {each.execution_id: each for each in claim(hand, queue="tree", limit=9)}
    hand.executions.finish(ending(leases[ended]))
    hand.executions.suspend(leases[waits], signal="go", now=NOW)
    later = child(waits, visible_at=LATER)
    ready = child(later)
    stranger = enqueue(app, workflow_id, queue="tree")
    told = app.executions.cancel(lease.execution_id)
    assert sorted(told) == sorted([lease.execution_id, waits, runs, later, ready])
    assert {status(admin, each) for each in told} == {"CANCELED"}
    assert [status(admin, each) for each in (ended, of_ended, *stranger)] == ["SUCCESS", "ready", "ready"]
    with pytest.raises(LeaseLost):
        hand.executions.finish(ending(leases[runs]))


def test_a_parent_whose_wait_times_out_as_its_last_child_is_given_up_runs_again(
    app: Store, hand: Store, lease: ClaimedExecution, workflow_id: UUID, admin: Admin
) -> None:
    """One claim finds both: the end of the child, too, would wake the parent."""
    [child] = enqueue(
        app, workflow_id, parent_execution_id=lease.execution_id, retry=RetryPolicy(max_attempts=1), visible_at=NOW
    )
    assert [each.execution_id for each in claim(hand)] == [child]
    assert hand.executions.suspend(lease, children=True, until=NOW + SECOND, now=NOW)
    [again] = claim(hand, limit=9, now=LATER)
    assert (again.execution_id, again.woken_by) == (lease.execution_id, "TIME")
    assert history(app, child).status == "ERROR"
    assert count(admin, "dead_letters") == 1


def test_a_ring_of_parents_is_canceled_once(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    first, second = uuid7(), uuid7()
    app.executions.enqueue(
        NewExecution(workflow_id=workflow_id, execution_id=first, parent_execution_id=second),
        NewExecution(workflow_id=workflow_id, execution_id=second, parent_execution_id=first),
    )
    assert sorted(app.executions.cancel(first)) == sorted([first, second])
    assert count(admin, "execution_queue") == 0


def test_cancels_at_once_from_both_ends_of_a_tree(
    app: Store, hand: Store, lease: ClaimedExecution, workflow_id: UUID, admin: Admin
) -> None:
    """Each execution is canceled by one of them, and none of them fails but for having come too late."""
    ids = [lease.execution_id]
    for _ in range(6):
        ids += enqueue(app, workflow_id, parent_execution_id=ids[-1])

    def cancel(identifier: UUID) -> list[UUID]:
        try:
            return app.executions.cancel(identifier)
        except AlreadyFinished:
            return []

    told = together(*(lambda each=each: cancel(each) for each in ids))
    assert sorted(each for part in told for each in part) == sorted(ids)
    assert {status(admin, each) for each in ids} == {"CANCELED"}


# --- again --------------------------------------------------------------------------------------------------

GRAPH = {"a": "b", "b": "cx", "c": "bd", "d": "e", "e": "", "x": "y", "y": "", "lone": "", "self": "self"}
"""A loop b → c → b on the way, a branch at b, a node alone, one that leads to itself."""


def graph(app: Store) -> UUID:
    nodes = [{"node_id": node, "node_type": "ACTION"} for node in GRAPH]
    pairs = [(one, other) for one, others in GRAPH.items() for other in ([others] if others in GRAPH else others)]
    edges = [{"source_node_id": source, "target_node_id": target} for source, target in pairs]
    return app.workflows.add({"name": "g", "nodes": nodes, "connections": edges}).id


def results_of(app: Store, execution_id: UUID) -> dict[tuple[str, int], Any]:
    found = app.node_executions.page_results(
        execution_id=execution_id, after_node_id="", after_run_index=-1, limit=1000
    )
    return {(row.node_id, row.run_index): (row.status, row.output_data, row.end_time) for row in found}


@pytest.mark.parametrize(
    ("node", "taken"),
    [
        ("a", {"lone", "self"}),
        ("b", {"a", "lone", "self"}),
        ("c", {"a", "lone", "self"}),
        ("d", {"a", "b", "c", "x", "y", "lone", "self"}),
        ("x", {"a", "b", "c", "d", "e", "lone", "self"}),
        ("lone", {"a", "b", "c", "d", "e", "x", "y", "self"}),
        ("self", {"a", "b", "c", "d", "e", "x", "y", "lone"}),
    ],
)
def test_a_retry_takes_over_exactly_what_the_node_does_not_lead_to(
    node: str, taken: set[str], app: Store, hand: Store
) -> None:
    lease = one(app, hand, graph(app))
    hand.node_executions.record_many(
        [result(lease, each, output_data=[each, n], run_index=n, end_time=5) for each in GRAPH for n in range(2)]
    )
    hand.executions.finish(ending(lease, ExecutionStatus.ERROR))
    made = app.executions.retry(lease.execution_id, from_node=node)
    old = results_of(app, lease.execution_id)
    assert results_of(app, made.execution_id) == {key: row for key, row in old.items() if key[0] in taken}
    assert len(old) == 2 * len(GRAPH)


def test_a_retry_takes_over_no_result_that_is_not_a_success(app: Store, hand: Store) -> None:
    lease = one(app, hand, graph(app))
    kinds = dict(zip("abcdexy", NodeStatus, strict=True))
    hand.node_executions.record_many([result(lease, node, status=kind) for node, kind in kinds.items()])
    hand.executions.finish(ending(lease, ExecutionStatus.ERROR))
    made = app.executions.retry(lease.execution_id, from_node="lone")
    assert {row[0] for row in results_of(app, made.execution_id).values()} == {"SUCCESS", "SKIPPED"}


def test_a_retry_runs_the_old_version_as_a_new_execution(
    app: Store, hand: Store, database: str, other_tenant: UUID
) -> None:
    workflow_id = graph(app)
    lease = one(app, hand, workflow_id, metadata={"order": 1}, parent_execution_id=uuid7())
    hand.node_executions.record(result(lease, "a"))
    hand.executions.finish(ending(lease))
    app.workflows.replace(workflow_id, {"name": "other", "nodes": [], "connections": []}, revision=1)
    with listening(database) as ears:
        made = app.executions.retry(lease.execution_id, from_node="b")
        assert ears.heard() == ["default"]
        new = NewExecution(workflow_id=uuid7(), queue="mail", priority=4, delay=LEASE, mode=ExecutionMode.WEBHOOK)
        other = app.executions.retry(lease.execution_id, new=new, now=NOW)
        assert ears.heard() == []
    assert made.workflow_revision == other.workflow_revision == 1
    for each in (made, other):
        found = history(app, each.execution_id)
        assert (found.mode, found.workflow_id, found.parent_execution_id) == ("RETRY", workflow_id, None)
        assert found.retry_of_execution_id == lease.execution_id
    assert history(app, made.execution_id).metadata == {"order": 1}
    entry = queued(app, other.execution_id)
    assert (entry.queue, entry.priority, entry.visible_at) == ("mail", 4, NOW + LEASE)
    assert list(results_of(app, made.execution_id)) == [("a", 0)]
    assert results_of(app, other.execution_id) == {}
    [again] = claim(hand, now=datetime.now(NOW.tzinfo))
    assert (again.retry_of_execution_id, again.workflow_revision) == (lease.execution_id, 1)
    with pytest.raises(NotFound):
        app.for_tenant(other_tenant).executions.retry(lease.execution_id)


def test_a_retry_under_a_key_is_one_execution(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    hand.executions.finish(ending(lease))
    new = NewExecution(workflow_id=lease.workflow_id, idempotency_key="again")
    first = app.executions.retry(lease.execution_id, new=new)
    second = app.executions.retry(lease.execution_id, new=replace(new, execution_id=uuid7()))
    assert (first.created, second.created) == (True, False)
    assert first.execution_id == second.execution_id
    assert count(admin, "execution_queue") == 1


def test_what_cannot_be_run_again(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    with pytest.raises(InvalidInput, match="has not ended, it is RUNNING"):
        app.executions.retry(lease.execution_id)
    hand.executions.finish(ending(lease))
    before = rows(admin)
    bad = NewExecution(workflow_id=lease.workflow_id, queue="")
    calls: list[tuple[type[WfstoreError], Any]] = [
        (InvalidInput, lambda: app.executions.retry(lease.execution_id, from_node="nowhere")),
        (InvalidInput, lambda: app.executions.retry(lease.execution_id, new=bad)),
        (NotFound, lambda: app.executions.retry(uuid7())),
        (NotFound, lambda: app.dead_letters.replay(lease.execution_id)),
    ]
    for error, call in calls:
        with pytest.raises(error):
            call()
    assert rows(admin) == before
