"""Waiting and being woken on each face: by time, by signals, by children; never lost, never twice."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests import facekit
from tests.executionkit import LATER, LEASE, NOW, Admin, add_workflow, claim, count, ending, enqueue, history, queued
from tests.facekit import Face, until
from tests.queuekit import listening, meeting, one, status, together
from wfstore import ClaimedExecution, NewExecution, Store, uuid7
from wfstore.errors import AlreadyFinished, InvalidInput, LeaseLost, NotFound
from wfstore.leases import Failure, Signal
from wfstore.sync.calling import Call
from wfstore.vocabulary import ExecutionStatus

face, app, hand = facekit.face, facekit.app, facekit.hand
MICRO = timedelta(microseconds=1)
PAYLOADS = [None, {"by": "ada", "ok": True}, [1, "x", None], "text", 0, False, {"emoji": "🧵"}]


@pytest.fixture
def workflow_id(app: Store) -> UUID:
    return add_workflow(app)


@pytest.fixture
def lease(app: Store, hand: Store, workflow_id: UUID) -> ClaimedExecution:
    return one(app, hand, workflow_id)


@pytest.fixture
def waiting(hand: Store, lease: ClaimedExecution) -> ClaimedExecution:
    assert hand.executions.suspend(lease, signal="go", now=NOW)
    return lease


def take(hand: Store, lease: ClaimedExecution, consumer: str = "a:0", **facts: Any) -> Signal | None:
    return hand.executions.take_signal(lease, facts.pop("name", "go"), consumer=consumer, **{"now": NOW} | facts)


# --- time ---------------------------------------------------------------------------------------------------


def test_a_wait_for_a_time_ends_then_and_not_before(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    assert hand.executions.suspend(lease, until=LATER, now=NOW)
    assert status(admin, lease.execution_id) == "waiting"
    assert history(app, lease.execution_id).status == "WAITING"
    assert claim(hand, now=LATER - MICRO) == []
    [again] = claim(hand, now=LATER)
    assert (again.attempt, again.failures, again.woken_by) == (2, 0, "TIME")
    assert (history(app, lease.execution_id).status, again.start_time) == ("RUNNING", lease.start_time)
    with pytest.raises(LeaseLost):
        hand.executions.suspend(lease, until=LATER)


# --- signals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_a_signal_after_the_wait_began_ends_it(
    payload: Any, app: Store, hand: Store, lease: ClaimedExecution, database: str
) -> None:
    assert hand.executions.suspend(lease, signal="go", until=LATER, now=NOW)
    with listening(database) as ears:
        app.executions.signal(lease.execution_id, "other", now=NOW)
        assert (claim(hand), ears.heard()) == ([], [])
        sent = app.executions.signal(lease.execution_id, "go", payload, now=NOW)
        assert ears.heard() == ["default"]
    [again] = claim(hand)
    assert again.woken_by == "SIGNAL"
    got = take(hand, again)
    assert got is not None
    assert (got.id, got.name, got.payload) == (sent, "go", payload)


def test_a_signal_before_the_wait_is_not_lost(
    app: Store, hand: Store, lease: ClaimedExecution, database: str, admin: Admin
) -> None:
    with listening(database) as ears:
        app.executions.signal(lease.execution_id, "go", 1, now=NOW)
        assert ears.heard() == []
    assert hand.executions.suspend(lease, signal="go", now=NOW) is False
    assert status(admin, lease.execution_id) == "running"
    got = take(hand, lease)
    assert got is not None
    assert got.payload == 1
    assert hand.executions.suspend(lease, signal="go", now=NOW) is True


def test_a_signal_before_the_first_claim_is_not_lost(app: Store, hand: Store, workflow_id: UUID) -> None:
    [identifier] = enqueue(app, workflow_id)
    app.executions.signal(identifier, "go", 1, now=NOW)
    [lease] = claim(hand)
    assert take(hand, lease) is not None


@pytest.mark.parametrize("first", ["signal", "suspend"])
def test_of_a_signal_and_a_wait_at_once_the_second_waits_and_nothing_is_lost(
    first: str, app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    def signal(store: Any) -> Any:
        return store.executions.signal(lease.execution_id, "go", now=NOW)

    def suspend(store: Any) -> Any:
        return store.executions.suspend(lease, signal="go", now=NOW)

    if first == "signal":
        with meeting(app, admin, signal, lambda: suspend(hand)) as [late]:
            assert late.result(timeout=30) is False
        [again] = [lease]
    else:
        with meeting(hand, admin, suspend, lambda: signal(app)) as [late]:
            late.result(timeout=30)
        [again] = claim(hand)
    assert take(hand, again) is not None


def test_a_hundred_signals_and_waits_at_once_lose_and_double_none(
    app: Store, hand: Store, lease: ClaimedExecution
) -> None:
    """One side signals, the other waits, takes and waits again, until it has all of them."""
    total = 100

    def send() -> list[Any]:
        return [app.executions.signal(lease.execution_id, "go", number, now=NOW) for number in range(total)]

    def receive() -> list[Any]:
        found: list[Any] = []
        held: ClaimedExecution | None = lease
        while len(found) < total:
            if held is None:
                held = next(iter(claim(hand)), None)
            elif got := take(hand, held, consumer=f"a:{len(found)}"):
                found.append((got.id, got.payload))
            elif hand.executions.suspend(held, signal="go", now=NOW):
                held = None
        return found

    sent, received = together(send, receive)
    assert received == list(zip(sent, range(total), strict=True))


def test_each_signal_goes_to_one_consumer_and_again_to_the_same(
    app: Store, hand: Store, lease: ClaimedExecution
) -> None:
    first, second = (app.executions.signal(lease.execution_id, "go", n, now=NOW) for n in (1, 2))
    for _ in range(2):  # as a successor asks after a crash
        got, other = take(hand, lease, "a:0"), take(hand, lease, "b:0")
        assert got is not None
        assert other is not None
        assert (got.id, other.id) == (first, second)
    assert take(hand, lease, "c:0") is None


def test_exactly_once_across_a_crash_of_its_consumer(app: Store, hand: Store, lease: ClaimedExecution) -> None:
    sent = app.executions.signal(lease.execution_id, "go", 1, now=NOW)
    took = take(hand, lease)
    [successor] = claim(hand, now=LATER)  # the first is gone, and nothing of what it did is stored
    with pytest.raises(LeaseLost):
        take(hand, lease)
    for _ in range(2):
        assert take(hand, successor) == took
    assert took is not None
    assert took.id == sent
    assert take(hand, successor, "a:1") is None


@pytest.mark.parametrize("same", [True, False], ids=["one consumer twice", "two consumers"])
def test_two_takes_at_once(same: bool, app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    """Of two consumers the second gets the next signal, not none because the first had its eye on it."""
    sent = [app.executions.signal(lease.execution_id, "go", now=NOW) for _ in range(2)]
    with meeting(
        hand, admin, lambda tx: take(tx, lease, "a:0"), lambda: take(hand, lease, "a:0" if same else "b:0")
    ) as [late]:
        got = late.result(timeout=30)
    assert got is not None
    assert got.id == sent[0 if same else 1]


def test_the_same_signal_again_does_nothing(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    """Also not when it was consumed long ago, and the execution waits for another of its name."""
    identifier = uuid7()
    for _ in range(2):
        assert app.executions.signal(lease.execution_id, "go", 1, signal_id=identifier, now=NOW) == identifier
    assert count(admin, "execution_signals") == 1
    assert take(hand, lease) is not None
    assert hand.executions.suspend(lease, signal="go", now=NOW)
    app.executions.signal(lease.execution_id, "go", 1, signal_id=identifier, now=NOW)
    assert status(admin, lease.execution_id) == "waiting"
    app.executions.signal(lease.execution_id, "go", 2, now=NOW)
    assert status(admin, lease.execution_id) == "ready"


def test_a_signal_that_expires_counts_until_then(app: Store, hand: Store, lease: ClaimedExecution) -> None:
    app.executions.signal(lease.execution_id, "go", expires_at=NOW + LEASE, now=NOW)
    assert take(hand, lease, now=NOW + LEASE) is None
    assert hand.executions.suspend(lease, signal="go", now=NOW + LEASE - MICRO) is False
    got = take(hand, lease, now=NOW + LEASE - MICRO)
    assert got is not None
    assert take(hand, lease, now=LATER) == got  # taken in time, it stays taken
    assert hand.executions.suspend(lease, signal="go", until=LATER, now=NOW + LEASE) is True


def test_a_wait_that_times_out_says_so(app: Store, hand: Store, lease: ClaimedExecution) -> None:
    assert hand.executions.suspend(lease, signal="go", until=LATER, now=NOW)
    [again] = claim(hand, now=LATER)
    assert again.woken_by == "TIME"
    assert take(hand, again, now=LATER) is None


def test_a_signal_and_a_time_out_at_once_wake_once(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    assert hand.executions.suspend(lease, signal="go", until=LATER, now=NOW)

    def signal(store: Any) -> Any:
        return store.executions.signal(lease.execution_id, "go", now=LATER)

    with meeting(hand, admin, lambda tx: claim(tx, now=LATER), lambda: signal(app)) as [late]:
        late.result(timeout=30)
    assert queued(app, lease.execution_id).attempt == 2
    assert claim(hand, now=LATER) == []
    assert take(hand, replace(lease, attempt=2), now=LATER) is not None


def test_a_signal_to_nobody_is_refused(
    app: Store, hand: Store, lease: ClaimedExecution, other_tenant: UUID, admin: Admin
) -> None:
    for stranger in (uuid7(), uuid4()):
        with pytest.raises(NotFound, match=str(stranger)):
            app.executions.signal(stranger, "go")
    with pytest.raises(NotFound):
        app.for_tenant(other_tenant).executions.signal(lease.execution_id, "go")
    hand.executions.finish(ending(lease))
    with pytest.raises(AlreadyFinished, match="SUCCESS"):
        app.executions.signal(lease.execution_id, "go")
    assert count(admin, "execution_signals") == 0


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_a_signal_in_the_callers_transaction(
    outcome: str, app: Store, waiting: ClaimedExecution, database: str, admin: Admin
) -> None:
    def body() -> None:
        with app.transaction() as tx:
            tx.executions.signal(waiting.execution_id, "go", now=NOW)
            assert ears.heard() == []
            if outcome == "rollback":
                raise ZeroDivisionError

    with listening(database) as ears:
        with nullcontext() if outcome == "commit" else pytest.raises(ZeroDivisionError):
            body()
        assert ears.heard() == ["default"] * (outcome == "commit")
    assert status(admin, waiting.execution_id) == ("ready" if outcome == "commit" else "waiting")


def test_who_loses_its_connection_after_the_commit_hears_that_it_is_done(
    face: Face, app: Store, waiting: ClaimedExecution, admin: Admin
) -> None:
    """Else a caller would send its signal again, as another one: the notification is no part of it."""

    def kill(results: list[Any]) -> list[str]:
        killing = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        """
        until(lambda: not admin.execute(killing).fetchall(), "all are gone")
        return ["default"]

    runner: Any = app._pool_runner
    arguments = {"tenant_id": app.tenant_id, "kind": "QUEUE", "name": "q", "reason": ""}
    pause = Call(runner.catalogue["execution_pauses.create"], arguments)
    assert face.run(runner.run(pause, woken=kill)) == [1]
    assert count(admin, "execution_pauses") == 1
    app.executions.signal(waiting.execution_id, "go", now=NOW)
    assert status(admin, waiting.execution_id) == "ready"


# --- children -----------------------------------------------------------------------------------------------


def with_children(app: Store, hand: Store, parent: ClaimedExecution, number: int = 2) -> list[ClaimedExecution]:
    """Let an execution wait for its children, which run in another queue."""
    enqueue(app, parent.workflow_id, number, parent_execution_id=parent.execution_id, queue="children")
    children = claim(hand, queue="children", limit=number)
    assert len(children) == number
    assert hand.executions.suspend(parent, children=True, now=NOW)
    return children


def test_a_parent_waits_for_the_last_of_its_children(
    app: Store, hand: Store, lease: ClaimedExecution, database: str, admin: Admin
) -> None:
    first, second = with_children(app, hand, lease)
    with listening(database) as ears:
        hand.executions.finish(ending(first))
        assert (status(admin, lease.execution_id), ears.heard()) == ("waiting", [])
        hand.executions.finish(ending(second))
        assert (status(admin, lease.execution_id), ears.heard()) == ("ready", ["default"])
    [again] = claim(hand)
    assert (again.execution_id, again.woken_by, again.failures) == (lease.execution_id, "CHILDREN", 0)


@pytest.mark.parametrize("how", ["error", "canceled", "dead", "lease over"])
def test_a_child_that_ends_badly_wakes_its_parent_too(
    how: str, app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    [child] = with_children(app, hand, lease, 1)
    match how:
        case "error":
            hand.executions.finish(ending(child, ExecutionStatus.ERROR))
        case "canceled":
            app.executions.cancel(child.execution_id)
        case "dead":
            hand.executions.fail(Failure(lease=child, error_message="no", retry=False), now=NOW)
        case _:
            admin.execute("UPDATE execution_queue SET max_attempts = 1 WHERE execution_id = %s", [child.execution_id])
            assert claim(hand, queue="children", now=LATER) == []
    assert status(admin, lease.execution_id) == "ready"


def test_a_child_that_fails_and_is_retried_wakes_nobody_yet(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    [child] = with_children(app, hand, lease, 1)
    hand.executions.fail(Failure(lease=child, error_message="no", wait=timedelta(0)), now=NOW)
    assert status(admin, lease.execution_id) == "waiting"
    [again] = claim(hand, queue="children")
    hand.executions.finish(ending(again))
    assert status(admin, lease.execution_id) == "ready"


def test_the_last_two_children_end_at_once(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    first, second = with_children(app, hand, lease)
    with meeting(
        hand, admin, lambda tx: tx.executions.finish(ending(first)), lambda: hand.executions.finish(ending(second))
    ) as [late]:
        late.result(timeout=30)
    assert status(admin, lease.execution_id) == "ready"
    assert queued(app, lease.execution_id).attempt == 1


@pytest.mark.parametrize("first", ["the child's end", "the wait"])
def test_a_child_ends_while_its_parent_begins_to_wait(
    first: str, app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    enqueue(app, lease.workflow_id, parent_execution_id=lease.execution_id, queue="children")
    [child] = claim(hand, queue="children")

    def end(store: Any) -> Any:
        return store.executions.finish(ending(child))

    def wait(store: Any) -> Any:
        return store.executions.suspend(lease, children=True, now=NOW)

    if first == "the wait":
        with meeting(hand, admin, wait, lambda: end(hand)) as [late]:
            late.result(timeout=30)
        assert status(admin, lease.execution_id) == "ready"
    else:
        with meeting(hand, admin, end, lambda: wait(hand)) as [late]:
            assert late.result(timeout=30) is False
        assert status(admin, lease.execution_id) == "running"


def test_without_children_there_is_nothing_to_wait_for(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    assert hand.executions.suspend(lease, children=True, until=LATER, now=NOW) is False
    assert status(admin, lease.execution_id) == "running"


def test_a_wait_for_children_times_out_and_hears_signals(
    app: Store, hand: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    enqueue(app, lease.workflow_id, parent_execution_id=lease.execution_id, queue="children")
    assert hand.executions.suspend(lease, children=True, until=LATER, signal="go", now=NOW)
    [again] = claim(hand, now=LATER)
    assert again.woken_by == "TIME"
    assert hand.executions.suspend(again, children=True, signal="go", now=NOW)
    app.executions.signal(lease.execution_id, "go", now=NOW)
    assert [each.woken_by for each in claim(hand)] == ["SIGNAL"]


def test_children_of_children(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    [child] = with_children(app, hand, lease, 1)
    enqueue(app, lease.workflow_id, parent_execution_id=child.execution_id, queue="grandchildren")
    [grandchild] = claim(hand, queue="grandchildren")
    assert hand.executions.suspend(child, children=True, now=NOW)
    hand.executions.finish(ending(grandchild))
    assert [status(admin, each.execution_id) for each in (child, lease)] == ["ready", "waiting"]
    [child] = claim(hand, queue="children")
    hand.executions.finish(ending(child))
    assert status(admin, lease.execution_id) == "ready"


def test_children_of_another_tenant_count_not(
    app: Store, hand: Store, lease: ClaimedExecution, other_tenant: UUID
) -> None:
    other = app.for_tenant(other_tenant)
    other.executions.enqueue(
        NewExecution(workflow_id=add_workflow(other), parent_execution_id=lease.execution_id), now=NOW
    )
    assert hand.executions.suspend(lease, children=True, now=NOW) is False


# --- what makes no sense ------------------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused_by_name(app: Store, hand: Store, lease: ClaimedExecution, admin: Admin) -> None:
    naive = NOW.replace(tzinfo=None)
    calls: dict[str, Any] = {
        "would wait for ever": lambda: hand.executions.suspend(lease),
        "the signal to wait for is empty": lambda: hand.executions.suspend(lease, signal=""),
        "until .* no time zone": lambda: hand.executions.suspend(lease, until=naive),
        "now .* no time zone": lambda: hand.executions.suspend(lease, until=LATER, now=naive),
        "the signal to take is empty": lambda: take(hand, lease, name=""),
        "the consumer of a signal is empty": lambda: take(hand, lease, ""),
        "the signal's name is empty": lambda: app.executions.signal(lease.execution_id, ""),
        "expires_at .* no time zone": lambda: app.executions.signal(lease.execution_id, "go", expires_at=naive),
        "before it is sent": lambda: app.executions.signal(lease.execution_id, "go", expires_at=NOW, now=NOW),
        "payload.*key": lambda: app.executions.signal(lease.execution_id, "go", {1: 2}),
        "payload": lambda: app.executions.signal(lease.execution_id, "go", object()),
        "payload.*": lambda: app.executions.signal(lease.execution_id, "go", {"a": "\0"}),
        "name": lambda: app.executions.signal(lease.execution_id, "a\0"),
    }
    before = queued(app, lease.execution_id)
    for named, call in calls.items():
        with pytest.raises(InvalidInput, match=named):
            call()
    assert queued(app, lease.execution_id) == before
    assert count(admin, "execution_signals") == 0
