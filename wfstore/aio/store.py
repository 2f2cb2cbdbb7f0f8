"""The store: a pool of connections, a tenant, and the namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from wfstore.aio.borrowing import borrowed
from wfstore.aio.calling import pipelined
from wfstore.aio.executions import AsyncExecutions
from wfstore.aio.governing import AsyncConcurrencyLimits, AsyncDeadLetters, AsyncExecutionPauses
from wfstore.aio.node_executions import AsyncNodeExecutions
from wfstore.aio.running import AsyncPoolRunner, AsyncRunner, AsyncTransactionRunner
from wfstore.aio.typed import (
    AsyncExecutionKeysNamespace,
    AsyncExecutionSignalsNamespace,
    AsyncMonitoringNamespace,
    AsyncNodeConnectionsNamespace,
    AsyncNodesNamespace,
    AsyncPartitionsNamespace,
    AsyncRetentionPoliciesNamespace,
    AsyncTenantsNamespace,
    AsyncUsersNamespace,
    AsyncWorkflowTermsNamespace,
    AsyncWorkflowVersionsNamespace,
)
from wfstore.aio.workflows import AsyncWorkflows
from wfstore.errors import DatabaseUnavailable, InvalidInput, OutcomeUnknown, WfstoreError
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.translate import connection_lost, reason, refuse


class AsyncNamespaces:
    """The namespaces of a store or of a transaction: one for each query file."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner
        self.tenants = AsyncTenantsNamespace(runner, "tenants")
        self.users = AsyncUsersNamespace(runner, "users")
        self.workflows = AsyncWorkflows(runner, "workflows")
        self.workflow_versions = AsyncWorkflowVersionsNamespace(runner, "workflow_versions")
        self.workflow_terms = AsyncWorkflowTermsNamespace(runner, "workflow_terms")
        self.nodes = AsyncNodesNamespace(runner, "nodes")
        self.node_connections = AsyncNodeConnectionsNamespace(runner, "node_connections")
        self.executions = AsyncExecutions(runner, "executions")
        self.execution_keys = AsyncExecutionKeysNamespace(runner, "execution_keys")
        self.execution_signals = AsyncExecutionSignalsNamespace(runner, "execution_signals")
        self.execution_pauses = AsyncExecutionPauses(runner, "execution_pauses")
        self.concurrency_limits = AsyncConcurrencyLimits(runner, "concurrency_limits")
        self.dead_letters = AsyncDeadLetters(runner, "dead_letters")
        self.node_executions = AsyncNodeExecutions(runner, "node_executions")
        self.partitions = AsyncPartitionsNamespace(runner, "partitions")
        self.retention_policies = AsyncRetentionPoliciesNamespace(runner, "retention_policies")
        self.monitoring = AsyncMonitoringNamespace(runner, "monitoring")

    @property
    def tenant_id(self) -> UUID:
        """The tenant that the calls are for."""
        return self._runner.tenant_id


class AsyncTransaction(AsyncNamespaces):
    """The namespaces inside one transaction, and its connection for statements of the caller's own."""

    def __init__(self, runner: AsyncTransactionRunner) -> None:
        super().__init__(runner)
        self.connection = runner.connection


class AsyncStore(AsyncNamespaces):
    """What `connect` returns. Safe to share between tasks and threads; close it when done."""

    def __init__(self, runner: AsyncPoolRunner) -> None:
        super().__init__(runner)
        self._pool_runner = runner

    @property
    def pool(self) -> AsyncConnectionPool[AsyncConnection[Any]]:
        """The connections."""
        return self._pool_runner.pool

    @property
    def pool_runner(self) -> AsyncPoolRunner:
        """What runs its calls."""
        return self._pool_runner

    @property
    def catalogue(self) -> Catalogue:
        """The queries that it runs."""
        return self._pool_runner.catalogue

    def for_tenant(self, tenant_id: UUID) -> AsyncStore:
        """Return the same store for another tenant; both share the pool."""
        if not isinstance(tenant_id, UUID):
            raise InvalidInput(
                f"for_tenant takes a tenant's id, a UUID, not {tenant_id!r}",
                hint="store.tenants.resolve(slug=...) finds the id of a slug.",
            )
        return AsyncStore(self._pool_runner.of_tenant(tenant_id))

    async def within(self, connection: AsyncConnection[Any]) -> AsyncTransaction:
        """Return the namespaces inside a transaction of the caller's own, on a connection that is not the pool's.

        What is called there commits and rolls back with everything else that the caller does on it. The tenant is
        set for the rest of the transaction.

        Raises:
            InvalidInput: the connection commits by itself and is in no transaction.
        """
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            raise InvalidInput(
                "the connection is in no transaction, and commits each statement by itself",
                hint="Open one: async with connection.transaction().",
            )
        runner = self._pool_runner
        await pipelined(connection, [runner.setting()])
        return AsyncTransaction(AsyncTransactionRunner(connection, runner.catalogue, self.tenant_id))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncTransaction]:
        """Open a transaction: `async with store.transaction() as tx: await tx.users.create(...)`.

        It commits at the end of the block and rolls back when the block raises. It is not repeated: what
        else the block did cannot be undone here. A serialization failure comes as psycopg's own error.

        Raises:
            DatabaseUnavailable: there was no connection, or it was lost inside the block; nothing was written.
            OutcomeUnknown: the connection was lost while the transaction was being committed.
            WfstoreError: the block went on after a statement had failed; nothing was written.
        """
        runner = self._pool_runner
        committing = False
        try:
            async with borrowed(runner.pool) as connection:
                await pipelined(connection, runner.beginning())
                yield AsyncTransaction(AsyncTransactionRunner(connection, runner.catalogue, self.tenant_id))
                if connection.info.transaction_status == TransactionStatus.INERROR:
                    raise WfstoreError(
                        "a statement of this transaction failed before, so all of it was rolled back",
                        hint="Let the error leave the block, or try the statement in tx.connection.transaction().",
                    )
                committing = True
        except psycopg.Error as error:
            if connection_lost(error):
                raise _lost(error, committing=committing) from error
            refuse(error)

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _lost(error: psycopg.Error, *, committing: bool) -> WfstoreError:
    """Return what the loss of its connection means for a transaction of the caller's."""
    if committing:
        return OutcomeUnknown(
            f"the connection was lost while the transaction was being committed: {reason(error)}",
            hint="It may or may not have been committed; read before you repeat it.",
        )
    return DatabaseUnavailable(
        f"the connection was lost inside the transaction, which was rolled back: {reason(error)}",
        hint="Run the whole block again; one that leaves its transaction idle for a minute is ended by the server.",
    )
