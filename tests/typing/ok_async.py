"""A program of the async face that both type checkers must accept as it stands; it is never run."""

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

import psycopg

import wfstore
from wfstore import ClaimedExecution, Ending, NewExecution, aio
from wfstore.aio import queries
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


async def with_a_connection(connection: psycopg.AsyncConnection[Any], tenant_id: UUID) -> None:
    now = datetime.now(UTC)
    claims = await queries.executions.claim(
        connection,
        lease_until=now + timedelta(minutes=1),
        limit=10,
        queue="default",
        tenant_ids=[tenant_id],
        worker_id="w1",
    )
    assert_type(claims, list[Claim])
    execution = await queries.executions.get(connection, execution_id=claims[0].execution_id, tenant_id=tenant_id)
    assert_type(execution, Execution | None)
    assert_type(await queries.tenants.resolve(connection, slug="acme"), UUID | None)
    assert_type(
        await queries.node_executions.count_by_execution(connection, execution_id=tenant_id, tenant_id=tenant_id), int
    )
    assert_type(await queries.users.delete(connection, id=tenant_id, tenant_id=tenant_id), int)
    assert_type(await queries.schema.exists(connection), bool)
    assert_type(await queries.monitoring.performance(connection, since_id=FIRST_ID, tenant_id=tenant_id), Performance)
    await queries.retention_policies.set(
        connection,
        keep=None,
        partition_interval=timedelta(days=7),
        partitions_ahead=4,
        table_name="workflow_executions",
    )


async def with_a_store() -> None:
    async with await aio.connect("postgresql://") as store:
        user = await store.users.create(avatar_url=None, email="a@b.c", id=wfstore.uuid7(), name="A", role="user")
        assert_type(user, User)
        assert_type(user.email, str)
        found = await store.users.get(id=user.id)
        assert_type(found, User | None)
        await store.users.get(id=user.id, tenant_id=wfstore.SYSTEM_TENANT)
        assert_type(await store.workflows.page(before_id=user.id, limit=10), list[WorkflowSummary])
        assert_type(await store.workflows.revision(id=user.id), WorkflowRevision | None)
        saved = await store.workflows.add({"name": "w"}, user_id=user.id)
        created = await store.executions.enqueue(NewExecution(workflow_id=saved.id))
        assert_type(created, list[ExecutionCreated])
        leases = await store.executions.claim(queue="default", worker_id="w1", limit=1, lease=timedelta(minutes=1))
        assert_type(leases, list[ClaimedExecution])
        await store.executions.finish(Ending(lease=leases[0], status=ExecutionStatus.SUCCESS, end_time=1))
        async with store.transaction() as transaction:
            assert_type(await transaction.users.get(id=user.id), User | None)
            await queries.users.delete(transaction.connection, id=user.id, tenant_id=transaction.tenant_id)
