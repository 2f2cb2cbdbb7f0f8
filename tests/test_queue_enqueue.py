"""Enqueuing on each face: one, many, within the caller's transaction, later, once; and who hears of it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest

from tests import facekit
from tests.executionkit import (
    LATER,
    LEASE,
    NOW,
    Admin,
    add_workflow,
    blocked_by,
    claim,
    count,
    enqueue,
    history,
    pid_of,
    queued,
)
from tests.facekit import Blocking, Face, until
from tests.queuekit import listening, one, status, together
from wfstore import NewExecution, Role, Store, uuid7
from wfstore.errors import InvalidInput, NotFound
from wfstore.leases import Failure, RetryPolicy
from wfstore.vocabulary import ExecutionMode

face, app, hand = facekit.face, facekit.app, facekit.hand
MICRO = timedelta(microseconds=1)


class _Failed(Exception):
    pass


def caller_connection(face: Face, database: str, **options: Any) -> Any:
    kind: Any = psycopg.Connection if face.name == "sync" else psycopg.AsyncConnection
    return face.run(kind.connect(database, **options))


def test_one_and_many_are_there_with_all_that_was_said_of_them(app: Store, hand: Store) -> None:
    workflow_id, parent = add_workflow(app), uuid7()
    full = NewExecution(
        workflow_id=workflow_id,
        mode=ExecutionMode.TRIGGER,
        triggered_by="ada",
        parent_execution_id=parent,
        metadata={"order": [7, None]},
        queue="mail",
        priority=5,
        delay=LEASE,
        retry=RetryPolicy(max_attempts=3),
    )
    [made] = app.executions.enqueue(full, now=NOW)
    assert (made.execution_id, made.created, made.workflow_revision) == (full.execution_id, True, 1)
    found, entry = history(app, made.execution_id), queued(app, made.execution_id)
    assert (found.mode, found.triggered_by, found.parent_execution_id) == ("TRIGGER", "ada", parent)
    assert found.metadata == {"order": [7, None]}
    assert (entry.queue, entry.priority, entry.visible_at, entry.ready) == ("mail", 5, NOW + LEASE, False)
    assert claim(hand, queue="mail", now=NOW + LEASE - MICRO) == []
    assert [lease.execution_id for lease in claim(hand, queue="mail", now=NOW + LEASE)] == [made.execution_id]
    many = [NewExecution(workflow_id=workflow_id, priority=n) for n in range(50)]
    assert [each.execution_id for each in app.executions.enqueue(*many)] == [each.execution_id for each in many]


def test_a_worker_enqueues_what_its_handlers_start(app: Store, hand: Store) -> None:
    lease = one(app, hand, add_workflow(app))
    [child] = hand.executions.enqueue(keyed(lease.workflow_id, parent_execution_id=lease.execution_id))
    assert child.created
    assert [each.execution_id for each in claim(hand)] == [child.execution_id]


# --- in the caller's transaction ----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_within_a_transaction_of_the_store(outcome: str, app: Store, hand: Store, database: str, admin: Admin) -> None:
    workflow_id = add_workflow(app)

    def body() -> UUID:
        with app.transaction() as tx:
            user = tx.users.create(id=uuid7(), email="a@b.c", name="A", avatar_url=None, role="editor")
            assert user
            [made] = tx.executions.enqueue(NewExecution(workflow_id=workflow_id, visible_at=NOW))
            assert claim(hand) == []
            assert ears.heard() == []
            if outcome == "rollback":
                raise _Failed
            return made.execution_id

    with listening(database) as ears:
        if outcome == "rollback":
            with pytest.raises(_Failed):
                body()
            assert (count(admin, "execution_queue"), count(admin, "users"), ears.heard()) == (0, 0, [])
        else:
            made = body()
            assert ears.heard() == ["default"]
            assert [lease.execution_id for lease in claim(hand)] == [made]


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
@pytest.mark.parametrize("autocommit", [False, True], ids=["implicit", "explicit"])
def test_within_a_connection_of_the_caller(
    outcome: str, autocommit: bool, face: Face, database: str, admin: Admin
) -> None:
    there = outcome == "commit"
    connection = caller_connection(face, database, autocommit=autocommit)
    with face.connect(database) as app, listening(database) as ears:
        if autocommit:
            face.run(connection.execute("BEGIN"))
        face.run(connection.execute("CREATE TABLE own (x int)"))
        within: Any = app.within(connection)
        within = Blocking(within) if face.name == "async" else within
        [made] = within.executions.enqueue(keyed(add_workflow(app)), now=NOW)
        assert (count(admin, "execution_queue"), ears.heard()) == (0, [])
        face.run(connection.execute(outcome.upper()))
        face.run(connection.close())
        assert ears.heard() == ["default"] * there
    with face.connect(database, role=Role.WORKER) as hand:
        assert [lease.execution_id for lease in claim(hand)] == [made.execution_id] * there
    assert admin.execute("SELECT to_regclass('own') IS NOT NULL").fetchone() == (there,)
    assert count(admin, "execution_keys") == there


def test_a_connection_that_commits_each_statement_by_itself_is_refused(face: Face, app: Store, database: str) -> None:
    connection = caller_connection(face, database, autocommit=True)
    with pytest.raises(InvalidInput, match="in no transaction"):
        app.within(connection)
    face.run(connection.close())


# --- idempotency keys ---------------------------------------------------------------------------------------


def keyed(workflow_id: UUID, key: str = "k", **facts: Any) -> NewExecution:
    return NewExecution(workflow_id=workflow_id, idempotency_key=key, **{"visible_at": NOW} | facts)


def test_the_same_key_is_the_same_execution(app: Store, hand: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    first, other = keyed(workflow_id), keyed(workflow_id, metadata={"other": 1})
    assert [each.created for each in app.executions.enqueue(first, now=NOW)] == [True]
    for again in (first, other, other):
        [told] = app.executions.enqueue(again, now=NOW)
        assert (told.created, told.execution_id) == (False, first.execution_id)
    assert count(admin, "workflow_executions") == count(admin, "execution_queue") == 1
    [lease] = claim(hand, limit=9)
    hand.executions.fail(Failure(lease=lease, error_message="no", retry=False), now=NOW)
    [told] = app.executions.enqueue(other, now=NOW)
    assert (told.created, told.execution_id) == (False, first.execution_id)  # also after its end


def test_a_key_is_forgotten_when_its_time_is_over(app: Store, admin: Admin) -> None:
    workflow_id, ttl = add_workflow(app), timedelta(minutes=5)
    first, second, third = (keyed(workflow_id, idempotency_ttl=ttl) for _ in range(3))
    app.executions.enqueue(first, now=NOW)
    [told] = app.executions.enqueue(second, now=NOW + ttl - MICRO)
    assert (told.created, told.execution_id) == (False, first.execution_id)
    [told] = app.executions.enqueue(second, now=NOW + ttl)
    assert (told.created, told.execution_id) == (True, second.execution_id)
    [told] = app.executions.enqueue(third, now=NOW + ttl)
    assert (told.created, told.execution_id) == (False, second.execution_id)
    assert count(admin, "execution_keys") == 1
    assert app.execution_keys.delete_expired(now=NOW + 2 * ttl, limit=9) == 1


def test_one_key_twice_in_a_batch_is_one_execution(app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    batch = [keyed(workflow_id, key) for key in "abacab"] + [NewExecution(workflow_id=workflow_id)]
    told = app.executions.enqueue(*batch, now=NOW)
    assert [each.created for each in told] == [True, True, False, True, False, False, True]
    firsts = {"a": batch[0], "b": batch[1], "c": batch[3]}
    expected = [firsts[each.idempotency_key or ""].execution_id for each in batch[:-1]] + [batch[-1].execution_id]
    assert [each.execution_id for each in told] == expected
    assert count(admin, "execution_queue") == 4


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_of_two_with_one_key_at_once_the_second_waits_for_the_first(outcome: str, app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    first, second = keyed(workflow_id), keyed(workflow_id)

    late: list[Future[Any]] = []

    def enqueue_first() -> None:
        with app.transaction() as tx:
            tx.executions.enqueue(first, now=NOW)
            late.append(pool.submit(app.executions.enqueue, second, now=NOW))
            pid = pid_of(cast(Any, tx.connection))
            until(lambda: blocked_by(admin, pid), "the second waits")
            if outcome == "rollback":
                raise _Failed

    with ThreadPoolExecutor(1) as pool:
        with nullcontext() if outcome == "commit" else pytest.raises(_Failed):
            enqueue_first()
        [told] = late[0].result(timeout=30)
    winner = first if outcome == "commit" else second
    assert (told.created, told.execution_id) == (outcome == "rollback", winner.execution_id)
    assert [row[0] for row in admin.execute("SELECT execution_id FROM execution_queue")] == [winner.execution_id]


def test_many_at_once_with_the_same_keys_in_any_order_make_each_once(app: Store, admin: Admin) -> None:
    workflow_id, keys = add_workflow(app), [f"k{n}" for n in range(20)]

    def call(order: int) -> list[Any]:
        return app.executions.enqueue(*(keyed(workflow_id, key) for key in keys[::order]), now=NOW)[::order]

    outcomes = together(*(lambda order=order: call(order) for order in (1, -1, 1, -1)))
    for column in zip(*outcomes, strict=True):
        assert len({each.execution_id for each in column}) == 1
        assert [each.created for each in column].count(True) == 1
    assert count(admin, "execution_queue") == len(keys)


def test_keys_are_a_tenants_own(app: Store, other_tenant: UUID) -> None:
    other = app.for_tenant(other_tenant)
    for store in (app, other):
        assert [each.created for each in store.executions.enqueue(keyed(add_workflow(store)), now=NOW)] == [True]


def test_a_call_that_fails_does_not_use_its_key_up(app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    with pytest.raises(NotFound):
        app.executions.enqueue(keyed(workflow_id), NewExecution(workflow_id=uuid7()), now=NOW)
    assert count(admin, "execution_keys") == 0
    assert [each.created for each in app.executions.enqueue(keyed(workflow_id), now=NOW)] == [True]


# --- who hears of it ----------------------------------------------------------------------------------------


def test_workers_hear_of_what_is_ready_and_of_nothing_else(app: Store, database: str) -> None:
    workflow_id = add_workflow(app)
    with listening(database) as ears:
        enqueue(app, workflow_id, 50, queue="mail")
        assert ears.heard() == ["mail"]
        enqueue(app, workflow_id, visible_at=LATER)
        app.executions.enqueue(NewExecution(workflow_id=workflow_id, delay=LEASE))
        assert ears.heard() == []
        with pytest.raises(NotFound):
            enqueue(app, uuid7())
        assert ears.heard() == []
        app.executions.enqueue(*(NewExecution(workflow_id=workflow_id, queue=name) for name in ("b", "a", "b")))
        assert ears.heard() == ["a", "b"]


# --- what makes no sense ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"queue": ""}, "the queue is empty"),
        ({"concurrency_key": ""}, "the concurrency key is empty"),
        ({"idempotency_key": ""}, "the idempotency key is empty"),
        ({"concurrency_limit": -1}, "the concurrency limit"),
        ({"delay": timedelta(seconds=-1)}, "the delay cannot be"),
        ({"delay": timedelta.max}, "the delay cannot be"),
        ({"delay": LEASE, "visible_at": NOW}, "a delay and a visible_at"),
        ({"visible_at": NOW.replace(tzinfo=None)}, "visible_at .* no time zone"),
        ({"idempotency_ttl": timedelta(0)}, "idempotency_ttl"),
        ({"metadata": [1]}, "metadata is a JSON object"),
        ({"metadata": {1: 2}}, "metadata.*key"),
        ({"metadata": {"a": {2}}}, "metadata"),
        ({"metadata": {"a": "\0"}}, "metadata"),
        ({"priority": 2**31}, "priorities"),
        ({"execution_id": uuid4()}, "not a UUIDv7"),
        ({"retry": RetryPolicy(max_attempts=0)}, "max_attempts cannot be 0"),
        ({"retry": RetryPolicy(factor=0.99)}, "the factor of its waits cannot be 0.99"),
        ({"retry": RetryPolicy(factor=float("nan"))}, "the factor of its waits cannot be nan"),
        ({"retry": RetryPolicy(factor=float("inf"))}, "the factor of its waits cannot be inf"),
        ({"retry": RetryPolicy(wait=timedelta(seconds=-1))}, "the wait before a retry"),
        ({"retry": RetryPolicy(longest_wait=timedelta(seconds=-1))}, "the longest wait before a retry"),
        ({"retry": RetryPolicy(longest_wait=timedelta.max)}, "the longest wait before a retry"),
        ({"triggered_by": "a\0"}, "triggered_by"),
        ({"mode": "NONSENSE"}, "mode"),
    ],
    ids=lambda value: "named" if isinstance(value, str) else " ".join(value),
)
def test_what_makes_no_sense_is_refused_by_name(facts: dict[str, Any], named: str, app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    with pytest.raises(InvalidInput, match=named):
        app.executions.enqueue(NewExecution(workflow_id=workflow_id), NewExecution(workflow_id=workflow_id, **facts))
    assert (count(admin, "workflow_executions"), count(admin, "execution_keys")) == (0, 0)


def test_one_execution_twice_in_a_call_is_refused(app: Store, admin: Admin) -> None:
    execution = NewExecution(workflow_id=add_workflow(app))
    with pytest.raises(InvalidInput, match=f"{execution.execution_id} is to be enqueued twice"):
        app.executions.enqueue(execution, execution)
    assert count(admin, "execution_queue") == 0


def test_what_comes_after_a_refusal_works(app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    with pytest.raises(InvalidInput):
        app.executions.enqueue(NewExecution(workflow_id=workflow_id), now=NOW.replace(tzinfo=None))
    [made] = app.executions.enqueue(NewExecution(workflow_id=workflow_id, retry=RetryPolicy(factor=1e308)))
    assert status(admin, made.execution_id) == "ready"
