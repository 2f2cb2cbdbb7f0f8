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
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from wfstore.errors import DatabaseUnavailable, InvalidInput, OutcomeUnknown, WfstoreError
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.borrowing import borrowed
from wfstore.sync.calling import pipelined
from wfstore.sync.executions import Executions
from wfstore.sync.governing import ConcurrencyLimits, DeadLetters, ExecutionPauses
from wfstore.sync.node_executions import NodeExecutions
from wfstore.sync.running import PoolRunner, Runner, TransactionRunner
from wfstore.sync.typed import (
    ExecutionKeysNamespace,
    ExecutionSignalsNamespace,
    MonitoringNamespace,
    NodeConnectionsNamespace,
    NodesNamespace,
    PartitionsNamespace,
    RetentionPoliciesNamespace,
    TenantsNamespace,
    UsersNamespace,
    WorkflowTermsNamespace,
    WorkflowVersionsNamespace,
)
from wfstore.sync.workflows import Workflows
from wfstore.translate import connection_lost, reason, refuse


class Namespaces:
    """The namespaces of a store or of a transaction: one for each query file."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.tenants = TenantsNamespace(runner, "tenants")
        self.users = UsersNamespace(runner, "users")
        self.workflows = Workflows(runner, "workflows")
        self.workflow_versions = WorkflowVersionsNamespace(runner, "workflow_versions")
        self.workflow_terms = WorkflowTermsNamespace(runner, "workflow_terms")
        self.nodes = NodesNamespace(runner, "nodes")
        self.node_connections = NodeConnectionsNamespace(runner, "node_connections")
        self.executions = Executions(runner, "executions")
        self.execution_keys = ExecutionKeysNamespace(runner, "execution_keys")
        self.execution_signals = ExecutionSignalsNamespace(runner, "execution_signals")
        self.execution_pauses = ExecutionPauses(runner, "execution_pauses")
        self.concurrency_limits = ConcurrencyLimits(runner, "concurrency_limits")
        self.dead_letters = DeadLetters(runner, "dead_letters")
        self.node_executions = NodeExecutions(runner, "node_executions")
        self.partitions = PartitionsNamespace(runner, "partitions")
        self.retention_policies = RetentionPoliciesNamespace(runner, "retention_policies")
        self.monitoring = MonitoringNamespace(runner, "monitoring")

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
    def pool_runner(self) -> PoolRunner:
        """What runs its calls."""
        return self._pool_runner

    @property
    def catalogue(self) -> Catalogue:
        """The queries that it runs."""
        return self._pool_runner.catalogue

    def for_tenant(self, tenant_id: UUID) -> Store:
        """Return the same store for another tenant; both share the pool."""
        if not isinstance(tenant_id, UUID):
            raise InvalidInput(
                f"for_tenant takes a tenant's id, a UUID, not {tenant_id!r}",
                hint="store.tenants.resolve(slug=...) finds the id of a slug.",
            )
        return Store(self._pool_runner.of_tenant(tenant_id))

    def within(self, connection: Connection[Any]) -> Transaction:
        """Return the namespaces inside a transaction of the caller's own, on a connection that is not the pool's.

        What is called there commits and rolls back with everything else that the caller does on it. The tenant is
        set for the rest of the transaction.

        Raises:
            InvalidInput: the connection commits by itself and is in no transaction.
        """
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            raise InvalidInput(
                "the connection is in no transaction, and commits each statement by itself",
                hint="Open one: with connection.transaction().",
            )
        runner = self._pool_runner
        pipelined(connection, [runner.setting()])
        return Transaction(TransactionRunner(connection, runner.catalogue, self.tenant_id))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction: `with store.transaction() as tx: tx.users.create(...)`.

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
            with borrowed(runner.pool) as connection:
                pipelined(connection, runner.beginning())
                yield Transaction(TransactionRunner(connection, runner.catalogue, self.tenant_id))
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

    def close(self) -> None:
        """Close all connections."""
        self.pool.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
