"""The store: a pool of connections, a tenant, and the namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wfstore.aio.executions import AsyncExecutions
from wfstore.aio.namespaces import AsyncNamespace
from wfstore.aio.node_executions import AsyncNodeExecutions
from wfstore.aio.running import AsyncPoolRunner, AsyncRunner, AsyncTransactionRunner, Call, pipelined
from wfstore.aio.workflows import AsyncWorkflows
from wfstore.errors import DatabaseUnavailable
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.translate import translate


class AsyncNamespaces:
    """The namespaces of a store or of a transaction: one for each query file."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner
        self.tenants = AsyncNamespace(runner, "tenants")
        self.users = AsyncNamespace(runner, "users")
        self.workflows = AsyncWorkflows(runner, "workflows")
        self.workflow_versions = AsyncNamespace(runner, "workflow_versions")
        self.workflow_terms = AsyncNamespace(runner, "workflow_terms")
        self.nodes = AsyncNamespace(runner, "nodes")
        self.node_connections = AsyncNamespace(runner, "node_connections")
        self.executions = AsyncExecutions(runner, "executions")
        self.node_executions = AsyncNodeExecutions(runner, "node_executions")
        self.partitions = AsyncNamespace(runner, "partitions")
        self.retention_policies = AsyncNamespace(runner, "retention_policies")
        self.monitoring = AsyncNamespace(runner, "monitoring")

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
    def catalogue(self) -> Catalogue:
        """The queries that it runs."""
        return self._pool_runner.catalogue

    def for_tenant(self, tenant_id: UUID) -> AsyncStore:
        """Return the same store for another tenant; both share the pool."""
        runner = self._pool_runner
        return AsyncStore(AsyncPoolRunner(runner.pool, runner.catalogue, tenant_id, runner.attempts))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncTransaction]:
        """Open a transaction: `async with store.transaction() as tx: await tx.users.create(...)`.

        It commits at the end of the block and rolls back when the block raises. It is not repeated: what
        else the block did cannot be undone here. A serialization failure comes as psycopg's own error.
        """
        runner = self._pool_runner
        setting = Call(runner.catalogue["session.set_tenants"], {"tenant_ids": str(self.tenant_id)})
        try:
            async with runner.pool.connection() as connection:
                await pipelined(connection, [setting])
                yield AsyncTransaction(AsyncTransactionRunner(connection, runner.catalogue, self.tenant_id))
        except PoolTimeout as error:
            raise DatabaseUnavailable(f"no connection to the database within {runner.pool.timeout:g} s") from error
        except psycopg.Error as error:
            raise translate(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
