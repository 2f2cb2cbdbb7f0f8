"""Illegal transitions are impossible in the database: whoever writes, with whatever SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.executionkit import Admin, add_workflow, claimed, cloned, ending, enqueue, forget_executions, result
from wfstore import Role, Store, uuid7
from wfstore.errors import AlreadyFinished, AlreadyRecorded, IllegalTransition
from wfstore.vocabulary import ExecutionStatus, NodeStatus

ROLES = [Role.APP, Role.WORKER]
QUEUE_STATUSES = ("NEW", "RUNNING", "WAITING")
FINAL = ("SUCCESS", "ERROR", "CANCELED")
OTHER_VALUES = {
    "uuid": "00000000-0000-7000-8000-00000000ffff",
    "text": "TOOL",
    "int8": 7,
    "int4": 7,
    "jsonb": '{"other": 1}',
    "timestamptz": "2001-01-01 00:00:00+00",
}


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


@pytest.fixture(params=ROLES, ids=str)
def direct(request: pytest.FixtureRequest, database: str, store: Store, admin: Admin) -> Iterator[Admin]:
    """A session of a role, with no store in between."""
    forget_executions(admin)
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        connection.execute(f"SET ROLE wfstore_{request.param}")
        connection.execute("SELECT set_config('wfstore.tenant_id', %s, false)", [str(store.tenant_id)])
        yield connection


def refusal(connection: Admin, statement: str, *values: Any) -> str | None:
    """Run a statement that is to change one row; return with which SQLSTATE it was refused."""
    try:
        assert connection.execute(statement, values).rowcount == 1, f"no row: {statement}"
    except psycopg.Error as error:
        return error.sqlstate
    return None


def queue_row(admin: Admin, store: Store, status: str) -> UUID:
    """A row of the queue, with attempt and failures 5."""
    identifier = uuid7()
    admin.execute(
        "INSERT INTO execution_queue"
        " (tenant_id, execution_id, workflow_id, status, ready, attempt, failures, worker_id)"
        " VALUES (%s, %s, %s, %s, %s, 5, 5, %s)",
        [store.tenant_id, identifier, uuid7(), status, status == "NEW", "w" if status == "RUNNING" else None],
    )
    return identifier


def test_the_queue_goes_its_ways_and_no_other(direct: Admin, admin: Admin, store: Store) -> None:
    wrong = []
    changes = (-1, 0, 1, 2)
    for before, after, attempts, failures in product(QUEUE_STATUSES, QUEUE_STATUSES, changes, (-1, 0, 1)):
        told = refusal(
            direct,
            "UPDATE execution_queue SET status = %s, ready = false, worker_id = %s, attempt = attempt + %s,"
            " failures = failures + %s WHERE execution_id = %s",
            after,
            "w" if after == "RUNNING" else None,
            attempts,
            failures,
            queue_row(admin, store, before),
        )
        is_claim = (before, after) == ("NEW", "RUNNING")
        is_way = (before, after) not in (("NEW", "WAITING"), ("WAITING", "RUNNING"))
        expected = None if is_way and attempts == is_claim and failures >= 0 else IllegalTransition.sqlstate
        if told != expected:
            wrong.append(f"{before} to {after}, attempt {attempts:+}, failures {failures:+}: {told}, not {expected}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("RUNNING", "ready = true"),
        ("WAITING", "ready = true"),
        ("RUNNING", "parked_by = 'WORKFLOW'"),
        ("NEW", "parked_by = 'WORKFLOW'"),
        ("NEW", "worker_id = 'w'"),
        ("RUNNING", "worker_id = NULL"),
        ("NEW", "wait_signal = 'go'"),
        ("RUNNING", "wait_children = true"),
        ("NEW", "visible_at = NULL"),
        ("RUNNING", "visible_at = NULL"),
        ("WAITING", "visible_at = NULL"),
        ("NEW", "status = 'SUCCESS'"),
        ("NEW", "queue = ''"),
        ("NEW", "max_attempts = 0"),
        ("NEW", "attempt = -1"),
    ],
)
def test_no_row_says_two_things(status: str, change: str, direct: Admin, admin: Admin, store: Store) -> None:
    told = refusal(
        direct, f"UPDATE execution_queue SET {change} WHERE execution_id = %s", queue_row(admin, store, status)
    )
    assert told in (psycopg.errors.CheckViolation.sqlstate, IllegalTransition.sqlstate)


def history_row(admin: Admin, store: Store, workflow_id: UUID, status: str) -> UUID:
    identifier = uuid7()
    admin.execute(
        "INSERT INTO workflow_executions (tenant_id, execution_id, workflow_id, workflow_revision, status, start_time,"
        " end_time) VALUES (%s, %s, %s, 1, %s, 1, %s)",
        [store.tenant_id, identifier, workflow_id, status, 2 if status in FINAL else None],
    )
    return identifier


def test_history_goes_its_ways_and_no_other(direct: Admin, admin: Admin, store: Store) -> None:
    workflow_id, wrong = add_workflow(store), []
    for before, after in product(ExecutionStatus, ExecutionStatus):
        told = refusal(
            direct,
            "UPDATE workflow_executions SET status = %s, end_time = %s WHERE execution_id = %s",
            after,
            2 if after.is_final else None,
            history_row(admin, store, workflow_id, before),
        )
        forbidden = {"NEW": ("WAITING", "SUCCESS", "ERROR"), "WAITING": ("NEW", "SUCCESS", "ERROR")}.get(before, ())
        expected = IllegalTransition.sqlstate if after in forbidden else None
        if before.is_final and before != after:
            expected = AlreadyFinished.sqlstate
        if told != expected:
            wrong.append(f"{before} to {after}: {told}, not {expected}")
    assert not wrong, "\n".join(["", *wrong])


def columns(admin: Admin, table: str) -> dict[str, str]:
    text = "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s"
    return dict(admin.execute(text, [table]).fetchall())


@pytest.mark.parametrize("status", FINAL)
def test_of_an_ended_execution_nothing_changes_but_what_its_caller_keeps(
    status: str, direct: Admin, admin: Admin, store: Store
) -> None:
    identifier = history_row(admin, store, add_workflow(store), status)
    changing = {"status", "start_time", "end_time", "run_data", "metadata", "error_message", "error_details"}
    for column, kind in columns(admin, "workflow_executions").items():
        another_end = "ERROR" if status == "CANCELED" else "CANCELED"
        value = {"status": another_end, "start_time": 0}.get(column, OTHER_VALUES[kind])
        statement = f"UPDATE workflow_executions SET {column} = %s WHERE execution_id = %s"
        expected: str | None = AlreadyFinished.sqlstate
        if column == "metadata":
            expected = None
        elif column == "rare_status":
            expected = psycopg.errors.GeneratedAlways.sqlstate
        elif column not in changing:
            expected = psycopg.errors.InsufficientPrivilege.sqlstate
        assert refusal(direct, statement, value, identifier) == expected, column
    assert refusal(direct, "UPDATE workflow_executions SET status = status WHERE execution_id = %s", identifier) is None


@pytest.mark.parametrize("status", [status for status in NodeStatus if status.is_final])
def test_a_final_result_is_never_rewritten(
    status: NodeStatus, direct: Admin, admin: Admin, store: Store, worker: Store
) -> None:
    lease = claimed(store, worker)
    worker.node_executions.record(result(lease, status=status, start_time=1, end_time=2))
    denied = psycopg.errors.InsufficientPrivilege.sqlstate
    is_worker = direct.execute("SELECT current_user").fetchone() == ("wfstore_worker",)
    for column, kind in columns(admin, "node_executions").items():
        value = {"status": "RUNNING", "start_time": 0}.get(column, OTHER_VALUES[kind])
        statement = f"UPDATE node_executions SET {column} = %s WHERE execution_id = %s"
        of_its_key = column in {"tenant_id", "execution_id", "node_id", "run_index"}
        expected = AlreadyRecorded.sqlstate if is_worker and not of_its_key else denied
        assert refusal(direct, statement, value, lease.execution_id) == expected, column
    assert refusal(direct, "DELETE FROM node_executions WHERE execution_id = %s", lease.execution_id) == denied


def test_an_end_that_was_written_past_the_queue_stays(direct: Admin, store: Store, worker: Store, admin: Admin) -> None:
    """Somebody ends it in history by hand: its worker's end is refused, and the first end holds."""
    lease = claimed(store, worker)
    update = "UPDATE workflow_executions SET status = 'CANCELED', end_time = 2^50 WHERE execution_id = %s"
    assert refusal(direct, update, lease.execution_id) is None
    with pytest.raises(AlreadyFinished):
        worker.executions.finish(ending(lease))
    found = store.executions.get(execution_id=lease.execution_id)
    assert found is not None
    assert (found.status, found.end_time) == ("CANCELED", 2**50)


def test_no_role_sees_or_changes_what_is_another_tenants(
    direct: Admin, admin: Admin, store: Store, other_tenant_of_module: Store
) -> None:
    other = other_tenant_of_module
    [identifier] = enqueue(other, add_workflow(other))
    for table in ("execution_queue", "workflow_executions"):
        assert direct.execute(f"UPDATE {table} SET status = status WHERE execution_id = %s", [identifier]).rowcount == 0
    assert direct.execute("DELETE FROM execution_queue WHERE execution_id = %s", [identifier]).rowcount == 0


@pytest.fixture
def other_tenant_of_module(admin: Admin, store: Store) -> Store:
    tenant = uuid7()
    admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'Other')", [tenant, f"t{tenant}"])
    return store.for_tenant(tenant)
