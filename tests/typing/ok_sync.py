"""A program of the sync face that both type checkers must accept as it stands; it is never run."""

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

import psycopg

import wfstore
from wfstore import ClaimedExecution, Ending, NewExecution, queries
from wfstore.ids import FIRST_ID
from wfstore.models import (
    Claim,
    Execution,
    ExecutionCreated,
    Performance,
    User,
    WorkflowRevision,
    WorkflowSummary,
)
from wfstore.vocabulary import ExecutionStatus


def with_a_connection(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    now = datetime.now(UTC)
    claims = queries.executions.claim(
        connection,
        lease_until=now + timedelta(minutes=1),
        limit=10,
        queue="default",
        tenant_ids=[tenant_id],
        worker_id="w1",
    )
    assert_type(claims, list[Claim])
    execution = queries.executions.get(connection, execution_id=claims[0].execution_id, tenant_id=tenant_id)
    assert_type(execution, Execution | None)
    assert_type(queries.tenants.resolve(connection, slug="acme"), UUID | None)
    assert_type(
        queries.node_executions.count_by_execution(connection, execution_id=tenant_id, tenant_id=tenant_id), int
    )
    assert_type(queries.users.delete(connection, id=tenant_id, tenant_id=tenant_id), int)
    assert_type(queries.schema.exists(connection), bool)
    assert_type(queries.monitoring.performance(connection, since_id=FIRST_ID, tenant_id=tenant_id), Performance)
    queries.retention_policies.set(
        connection,
        keep=None,
        partition_interval=timedelta(days=7),
        partitions_ahead=4,
        table_name="workflow_executions",
    )


def with_a_store() -> None:
    with wfstore.connect("postgresql://") as store:
        user = store.users.create(avatar_url=None, email="a@b.c", id=wfstore.uuid7(), name="A", role="user")
        assert_type(user, User)
        assert_type(user.email, str)
        found = store.users.get(id=user.id)
        assert_type(found, User | None)
        store.users.get(id=user.id, tenant_id=wfstore.SYSTEM_TENANT)
        assert_type(store.workflows.page(before_id=user.id, limit=10), list[WorkflowSummary])
        assert_type(store.workflows.revision(id=user.id), WorkflowRevision | None)
        saved = store.workflows.add({"name": "w"}, user_id=user.id)
        created = store.executions.enqueue(NewExecution(workflow_id=saved.id))
        assert_type(created, list[ExecutionCreated])
        leases = store.executions.claim(queue="default", worker_id="w1", limit=1, lease=timedelta(minutes=1))
        assert_type(leases, list[ClaimedExecution])
        store.executions.finish(Ending(lease=leases[0], status=ExecutionStatus.SUCCESS, end_time=1))
        with store.transaction() as transaction:
            assert_type(transaction.users.get(id=user.id), User | None)
            queries.users.delete(transaction.connection, id=user.id, tenant_id=transaction.tenant_id)
