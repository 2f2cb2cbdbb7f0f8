# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""The store: a pool of connections, a tenant, and the namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from wfstore.errors import DatabaseUnavailable
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.executions import Executions
from wfstore.sync.namespaces import Namespace
from wfstore.sync.node_executions import NodeExecutions
from wfstore.sync.running import Call, PoolRunner, Runner, TransactionRunner, pipelined
from wfstore.sync.workflows import Workflows
from wfstore.translate import translate


class Namespaces:
    """The namespaces of a store or of a transaction: one for each query file."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.tenants = Namespace(runner, "tenants")
        self.users = Namespace(runner, "users")
        self.workflows = Workflows(runner, "workflows")
        self.workflow_versions = Namespace(runner, "workflow_versions")
        self.workflow_terms = Namespace(runner, "workflow_terms")
        self.nodes = Namespace(runner, "nodes")
        self.node_connections = Namespace(runner, "node_connections")
        self.executions = Executions(runner, "executions")
        self.node_executions = NodeExecutions(runner, "node_executions")
        self.partitions = Namespace(runner, "partitions")
        self.retention_policies = Namespace(runner, "retention_policies")
        self.monitoring = Namespace(runner, "monitoring")

    @property
    def tenant_id(self) -> UUID:
        """The tenant that the calls are for."""
        return self._runner.tenant_id


class Transaction(Namespaces):
    """The namespaces inside one transaction, and its connection for statements of the caller's own."""

    def __init__(self, runner: TransactionRunner) -> None:
        super().__init__(runner)
        self.connection = runner.connection


class Store(Namespaces):
    """What `connect` returns. Safe to share between tasks and threads; close it when done."""

    def __init__(self, runner: PoolRunner) -> None:
        super().__init__(runner)
        self._pool_runner = runner

    @property
    def pool(self) -> ConnectionPool[Connection[Any]]:
        """The connections."""
        return self._pool_runner.pool

    @property
    def catalogue(self) -> Catalogue:
        """The queries that it runs."""
        return self._pool_runner.catalogue

    def for_tenant(self, tenant_id: UUID) -> Store:
        """Return the same store for another tenant; both share the pool."""
        runner = self._pool_runner
        return Store(PoolRunner(runner.pool, runner.catalogue, tenant_id, runner.attempts))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction: `with store.transaction() as tx: tx.users.create(...)`.

        It commits at the end of the block and rolls back when the block raises. It is not repeated: what
        else the block did cannot be undone here. A serialization failure comes as psycopg's own error.
        """
        runner = self._pool_runner
        setting = Call(runner.catalogue["session.set_tenants"], {"tenant_ids": str(self.tenant_id)})
        try:
            with runner.pool.connection() as connection:
                pipelined(connection, [setting])
                yield Transaction(TransactionRunner(connection, runner.catalogue, self.tenant_id))
        except PoolTimeout as error:
            raise DatabaseUnavailable(f"no connection to the database within {runner.pool.timeout:g} s") from error
        except psycopg.Error as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close all connections."""
        self.pool.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
