"""The types of queries: written by `wfstore stubs` from what the server says of them. Do not edit."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from wfstore.aio.namespaces import AsyncNamespace
from wfstore.models import (
    AppliedMigration,
    CatalogColumn,
    CatalogFunction,
    CatalogOperator,
    CatalogType,
    Claim,
    ConcurrencyLimit,
    ConcurrencyUse,
    DeadLetter,
    Execution,
    ExecutionCreated,
    ExecutionFailed,
    ExecutionKey,
    ExecutionPause,
    ExecutionSignal,
    ExecutionSummary,
    IdempotencyKey,
    Lease,
    Node,
    NodeConnection,
    NodeDurations,
    NodeExecution,
    NodeExecutionSummary,
    NodeFailures,
    Performance,
    Period,
    QueueDepth,
    QueueEntry,
    RecordRefusal,
    RetentionPolicy,
    SessionFacts,
    SessionOrder,
    SessionSettings,
    StartedExecution,
    StatusCount,
    Suspended,
    TableSize,
    TableStorage,
    TakenIn,
    TakenSignal,
    Tenant,
    User,
    Workflow,
    WorkflowName,
    WorkflowPerformance,
    WorkflowRevision,
    WorkflowSummary,
    WorkflowTerm,
    WorkflowVersion,
    WorkflowVersionSummary,
)
from wfstore.queryfiles.catalogue import Catalogue

class AsyncChecksQueries:
    """What `wfstore check` asks the catalog, and how it puts itself into the place of whoever runs a query."""

    async def check_constraints(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        column_number: int,
        table_oid: int,
    ) -> list[str]:
        """The CHECK constraints that are about one column alone."""

    async def columns(self, connection: AsyncConnection[Any], /, *, table_name: str) -> list[CatalogColumn]:
        """The columns of a table or view in their order; none where there is nothing of this name."""

    async def end_statement(self, connection: AsyncConnection[Any], /) -> int:
        """Forget the statement that was prepared to be looked at."""

    async def function(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        name: str,
        schema_name: str | None,
    ) -> CatalogFunction:
        """What holds for every function of a name. An extension's overload (citext has a max) behaves as the
        original does.
        """

    async def function_names(self, connection: AsyncConnection[Any], /) -> list[str]:
        """The functions in reach."""

    async def operator(self, connection: AsyncConnection[Any], /, *, name: str) -> CatalogOperator:
        """What holds for every operator of a name, those of extensions aside."""

    async def table_names(self, connection: AsyncConnection[Any], /) -> list[str]:
        """The tables and views in reach, beside PostgreSQL's own."""

    async def type(self, connection: AsyncConnection[Any], /, *, oid: int) -> CatalogType | None:
        """One type: its name, its kind as pg_type has it, and what it is made of."""

    async def type_names(self, connection: AsyncConnection[Any], /) -> list[str]:
        """The types in reach, those of tables and arrays aside."""

    async def use_generic_plans(self, connection: AsyncConnection[Any], /) -> str:
        """Plan without the values of parameters, until the transaction ends."""

    async def work_as(self, connection: AsyncConnection[Any], /, *, role: str) -> int:
        """Work as another role until the transaction ends."""

class AsyncConcurrencyLimitsQueries:
    """How many executions of one key run at once."""

    async def delete(self, connection: AsyncConnection[Any], /, *, concurrency_key: str, tenant_id: UUID) -> int:
        """Forget a key's limit; what waits for a place is let in by `refill`."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        concurrency_key: str,
        tenant_id: UUID,
    ) -> ConcurrencyLimit | None:
        """The limit of one key."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_key: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ConcurrencyLimit]:
        """Limits by key."""

    async def page_use(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_key: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ConcurrencyUse]:
        """Limits by key, with how many executions of each run and how many wait for a place."""

    async def refill(self, connection: AsyncConnection[Any], /, *, concurrency_key: str, tenant_id: UUID) -> int:
        """Let in the next executions of a key, as many as it has free places; how many they were."""

    async def set_limit(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        concurrency_key: str,
        max_running: int,
        tenant_id: UUID,
    ) -> int:
        """Set how many executions of a key may run at once; those that run already go on."""

class AsyncDeadLettersQueries:
    """Executions that were given up, until somebody has dealt with them."""

    async def delete_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[ExecutionKey]:
        """Take executions off the list; those that were on it."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> DeadLetter | None:
        """One of them."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[DeadLetter]:
        """Dead letters, latest execution first."""

class AsyncExecutionKeysQueries:
    """Which execution came of a caller's idempotency key."""

    async def delete_expired(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        limit: int,
        now: datetime,
        tenant_id: UUID,
    ) -> int:
        """Remove keys that may be used anew, at most :limit."""

    async def get_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        idempotency_keys: list[str],
        tenant_id: UUID,
    ) -> list[IdempotencyKey]:
        """The executions of these keys."""

class AsyncExecutionPausesQueries:
    """Queues and workflows of which nothing is handed out."""

    async def create(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        kind: str,
        name: str,
        reason: str,
        tenant_id: UUID,
    ) -> int:
        """Pause a queue or a workflow; one that is paused already stays so."""

    async def delete(self, connection: AsyncConnection[Any], /, *, kind: str, name: str, tenant_id: UUID) -> int:
        """End a pause. What a claim has parked for it is made ready by `unpark`."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_kind: str,
        after_name: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionPause]:
        """Pauses by kind and name."""

    async def unpark(self, connection: AsyncConnection[Any], /, *, tenant_id: UUID, workflow_id: UUID) -> list[str]:
        """Make ready what was parked while a workflow was paused; in which queues that was."""

class AsyncExecutionSignalsQueries:
    """What people and other systems tell executions."""

    async def add(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        expires_at: datetime | None,
        id: UUID,
        name: str,
        payload: Any,
        tenant_id: UUID,
    ) -> int:
        """Send a signal to an execution that has not ended; the same id again does nothing."""

    async def delete_by_execution(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> int:
        """Forget what an execution was told."""

    async def page_by_execution(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_id: UUID,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSignal]:
        """An execution's signals, oldest first."""

    async def take(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempt: int,
        consumer: str | None,
        execution_id: UUID,
        name: str,
        now: datetime,
        tenant_id: UUID,
    ) -> TakenSignal | None:
        """Take the oldest signal of a name under a lease, or the one that this consumer took before. No row: the
        lease is
        lost; a row without a signal: there is none.
        """

class AsyncExecutionsQueries:
    """Executions: the queue that workers claim from, and the history that stays."""

    async def cancel(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        end_time: int,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> list[ExecutionKey]:
        """End an execution that has not ended, with all that it started; a worker that has one of them loses its
        lease. No
        row: it has ended, or is not there.
        """

    async def claim(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        lease_until: datetime | None,
        limit: int,
        queue: str,
        tenant_ids: list[UUID],
        worker_id: str | None,
    ) -> list[Claim]:
        """Hand up to :limit ready executions of one queue to a worker, most urgent first. What may not run now, as
        its
        workflow is paused or all places of its key are taken, is parked and comes back as not admitted.
        """

    async def delete(self, connection: AsyncConnection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> int:
        """Remove one ended execution with its node results; whole periods go by dropping partitions instead."""

    async def enqueue_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        concurrency_keys: list[str] | list[str | None],
        concurrency_limits: list[int],
        execution_ids: list[UUID],
        idempotency_keys: list[str] | list[str | None],
        key_expirations: list[datetime],
        max_attempts: list[int],
        metadata: list[Any],
        modes: list[str],
        now: datetime,
        parent_execution_ids: list[UUID] | list[UUID | None],
        priorities: list[int],
        queues: list[str],
        retry_factors: list[float],
        retry_ofs: list[UUID] | list[UUID | None],
        retry_wait_maxs: list[float],
        retry_waits: list[float],
        tenant_id: UUID,
        triggered_bys: list[str] | list[str | None],
        visible_ats: list[datetime] | list[datetime | None],
        workflow_ids: list[UUID],
        workflow_revisions: list[int] | list[int | None],
    ) -> list[ExecutionCreated]:
        """Write executions to history and to the queue, one for each place of the arrays, at the workflow's present
        version
        where none is named. An id that is there already, or an idempotency key that is in use, creates nothing.

        Raises: NotFound.
        """

    async def fail_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempts: list[int],
        error_details: list[Any],
        error_messages: list[str] | list[str | None],
        execution_ids: list[UUID],
        jitters: list[float],
        now: datetime,
        retries: list[bool],
        tenant_ids: list[UUID],
        waits: list[float] | list[float | None],
    ) -> list[ExecutionFailed]:
        """Fail executions, one for each place of the arrays, whose lease the worker still has. Each is retried after
        its
        back-off (or the wait given in seconds), or is given up for good where it may not be retried or has failed
        too often.
        """

    async def finish_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempts: list[int],
        end_times: list[int],
        error_details: list[Any],
        error_messages: list[str] | list[str | None],
        execution_ids: list[UUID],
        run_data: list[Any],
        start_times: list[int] | list[int | None],
        statuses: list[str],
        tenant_ids: list[UUID],
    ) -> list[UUID]:
        """End executions, one for each place of the arrays, whose lease the worker still has; the others are not
        returned.
        """

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> Execution | None:
        """One execution, whole."""

    async def get_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[Execution]:
        """Executions, whole; those that are not there are left out."""

    async def get_queue_entry(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> QueueEntry | None:
        """How the queue sees an execution; no row once it has ended."""

    async def heartbeat_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempts: list[int],
        execution_ids: list[UUID],
        lease_until: datetime | None,
        tenant_ids: list[UUID],
    ) -> list[Lease]:
        """Prolong leases, one for each place of the arrays; those that are lost are not returned."""

    async def lock(self, connection: AsyncConnection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> str | None:
        """Lock an execution that has not ended, so that what follows in this transaction sees its last state; its
        status.
        """

    async def lock_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempts: list[int],
        execution_ids: list[UUID],
        tenant_ids: list[UUID],
    ) -> int:
        """Lock the queue rows of leases, one for each place of the arrays, that are held, then the limits of their
        keys: each in
        the order of their keys, so that no two workers who give back several wait in a ring. Returns how many are
        held.
        A statement of its own: PostgreSQL 18 (18.6, at least) may read freed memory where one locks rows and
        chooses partitions.
        """

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions without their payload, latest first."""

    async def page_active(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        status: str,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions that have not ended and have this status in the queue, without their payload, latest first.
        Once a wait
        is over they are NEW there, and WAITING in history until a worker has them.
        """

    async def page_by_workflow(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[ExecutionSummary]:
        """A workflow's executions without their payload, latest first."""

    async def page_canceled(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions that were canceled, without their payload, latest first."""

    async def page_children(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_id: UUID,
        limit: int,
        parent_execution_id: UUID,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """What an execution has started, ended or not, without its payload, oldest first. Children are younger than
        their
        parent: an :after_id a little below the parent's own leaves older periods unread.
        """

    async def page_failed(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions that ended in ERROR, without their payload, latest first."""

    async def page_queue(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_id: UUID,
        limit: int,
        queue: str,
        tenant_id: UUID,
    ) -> list[QueueEntry]:
        """What has not ended in one queue, by id."""

    async def start_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        start_time: int,
        tenant_ids: list[UUID],
    ) -> list[StartedExecution]:
        """Write into history that these executions, one for each place of the arrays, which the caller has just
        claimed, are
        running. Each answer names its place in the arrays.
        """

    async def suspend(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempt: int,
        children: bool,
        execution_id: UUID,
        now: datetime,
        signal: str | None,
        tenant_id: UUID,
        wake_at: datetime | None,
    ) -> Suspended | None:
        """Let an execution that this transaction has locked wait under its lease, unless what it waits for is there
        already.
        """

    async def unfinished(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[QueueEntry]:
        """Which of these executions have not ended, as the queue sees them."""

    async def update_metadata(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        metadata: Any,
        tenant_id: UUID,
    ) -> int:
        """Replace what the caller keeps along with an execution."""

    async def wake_due(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        limit: int,
        now: datetime,
        queue: str,
        tenant_ids: list[UUID],
    ) -> int:
        """Make ready what time has made due in a queue: scheduled starts, waits that time out, leases that ran out.
        A lease
        lost is a failure; after too many the execution is given up. Returns how many rows it saw.
        """

    async def wake_signaled(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        now: datetime | None,
        signal: str,
        tenant_id: UUID,
    ) -> str | None:
        """Wake an execution that this transaction has locked, if it waits for this signal and one is there for it;
        its queue.
        """

class AsyncHistoryQueries:
    """Executions that ended elsewhere, on their way into history: many at once, by way of tables of the session's
    own.
    """

    async def present(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[UUID]:
        """Which of these executions are in history."""

    async def stage_executions(self, connection: AsyncConnection[Any], /) -> int:
        """Make the table that executions are copied into; it goes with the transaction."""

    async def stage_node_runs(self, connection: AsyncConnection[Any], /) -> int:
        """Make the table that their node runs are copied into; it goes with the transaction."""

    async def copy_executions(self, connection: AsyncConnection[Any], /) -> int:
        """Copy executions, in the order of the columns that wfstore.history_rows writes."""

    async def copy_node_runs(self, connection: AsyncConnection[Any], /) -> int:
        """Copy node runs, in the order of the columns that wfstore.history_rows writes."""

    async def take_in(self, connection: AsyncConnection[Any], /, *, tenant_id: UUID) -> TakenIn | None:
        """Put what was copied into history; executions that are there stay as they are, with the node runs that they
        have.
        """

class AsyncMigrationsQueries:
    """What `wfstore migrate` asks and tells the database beside the migrations themselves."""

    async def applied(self, connection: AsyncConnection[Any], /) -> list[AppliedMigration]:
        """Every migration marked as applied, with what is recorded of that very application."""

    async def applied_unrecorded(self, connection: AsyncConnection[Any], /) -> list[AppliedMigration]:
        """Every migration marked as applied, while there is no table yet to record more."""

    async def end_with_client(self, connection: AsyncConnection[Any], /) -> str | None:
        """Let the server end a statement within a second of its client's death, where it can tell."""

    async def forget(self, connection: AsyncConnection[Any], /, *, migration_id: str) -> int:
        """Remove what is recorded of a migration that was rolled back."""

    async def has_table(self, connection: AsyncConnection[Any], /, *, name: str) -> bool:
        """Whether there is a table of this name."""

    async def hold_in_transaction(self, connection: AsyncConnection[Any], /, *, key: int) -> bool:
        """Hold the migration lock for this transaction too; false where another session has it."""

    async def invalid_indexes(self, connection: AsyncConnection[Any], /, *, names: list[str]) -> list[str]:
        """Statements that drop what failed concurrent builds of these indexes left behind."""

    async def lock(self, connection: AsyncConnection[Any], /, *, key: int) -> bool:
        """Try to take the migration lock of this database; it ends with the session."""

    async def lock_holder(self, connection: AsyncConnection[Any], /, *, key: int) -> int | None:
        """The process that has the migration lock of this database."""

    async def record(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        content_hashes: list[str] | list[str | None],
        migration_ids: list[str],
    ) -> list[str]:
        """Record the content of each applied migration that has no record of its present application."""

    async def reset_role(self, connection: AsyncConnection[Any], /) -> int:
        """Work as whoever connected again."""

    async def reset_settings(self, connection: AsyncConnection[Any], /) -> int:
        """Undo what a migration outside a transaction set for the session."""

    async def set_lock_timeout(self, connection: AsyncConnection[Any], /, *, timeout: str) -> str:
        """Give up waiting for a lock after this time, until the transaction ends."""

    async def sizes(self, connection: AsyncConnection[Any], /, *, names: list[str]) -> list[TableSize]:
        """How much is in each of these tables, its partitions included; the rows are the server's estimate."""

    async def tables(self, connection: AsyncConnection[Any], /) -> list[str]:
        """Names of the tables where new ones would be made."""

    async def unlock(self, connection: AsyncConnection[Any], /, *, key: int) -> bool:
        """Give the migration lock back."""

    async def yoyo_lock_holder(self, connection: AsyncConnection[Any], /) -> int | None:
        """The process that plain yoyo's lock row names, dead or alive."""

class AsyncMonitoringQueries:
    """What operators look at. Windows begin at an id: a UUIDv7 carries its time, so old partitions are not read."""

    async def active_by_status(self, connection: AsyncConnection[Any], /, *, tenant_id: UUID) -> list[StatusCount]:
        """How many executions have not ended, by status; from the queue, which holds no others."""

    async def by_status(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[StatusCount]:
        """How many executions have each status, exactly, since the full hour in which :since_id lies: the ended ones
        from the
        roll-up, the others from the queue. Once a wait is over they are NEW there, and WAITING in history until a
        worker
        has them.
        """

    async def failing_nodes(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[NodeFailures]:
        """The nodes that failed most often in the window."""

    async def performance(self, connection: AsyncConnection[Any], /, *, since_id: UUID, tenant_id: UUID) -> Performance:
        """How long the finished executions took since the full hour in which :since_id lies. Count and average are
        exact; a
        percentile is that of a histogram whose buckets double: never more than twice or less than half the true
        one.
        """

    async def performance_by_workflow(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[WorkflowPerformance]:
        """The same for each workflow, those with most executions first."""

    async def queue_depth(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        now: datetime,
        tenant_id: UUID,
    ) -> list[QueueDepth]:
        """What is in each queue, and since when the oldest ready execution waits for a worker."""

    async def slowest_nodes(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[NodeDurations]:
        """The nodes whose runs in the window took longest on average."""

    async def storage(self, connection: AsyncConnection[Any], /, *, limit: int) -> list[TableStorage]:
        """What each table takes on disk, partitions summed to their parent, largest first."""

class AsyncNodeConnectionsQueries:
    """The edges of workflows: a projection of their documents, written by saves."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        ordinal: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> NodeConnection | None:
        """One connection by its place in the document."""

    async def page_by_workflow(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[NodeConnection]:
        """A workflow's connections in the order of its document."""

    async def remove_others(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        ordinals: list[int],
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Remove the connections of one workflow that are not at these places."""

    async def upsert_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        conditions: list[Any],
        connection_types: list[str],
        labels: list[str],
        ordinals: list[int],
        source_indexes: list[int],
        source_node_ids: list[str],
        target_indexes: list[int],
        target_node_ids: list[str],
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Write connections of one workflow, one for each place of the arrays; rows that are the same already are
        not touched.
        """

class AsyncNodeExecutionsQueries:
    """The results of nodes. Written under the fence of a lease; final ones are immutable."""

    async def copy_results(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        except_node_ids: list[str],
        from_execution_id: UUID,
        tenant_id: UUID,
        to_execution_id: UUID,
    ) -> int:
        """Give an execution that has not begun the successful results of another one, but for those nodes."""

    async def count_by_execution(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> int:
        """How many node results an execution has."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_id: UUID,
        node_id: str,
        run_index: int,
        tenant_id: UUID,
    ) -> NodeExecution | None:
        """One node's run, whole."""

    async def get_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        execution_ids: list[UUID],
        node_ids: list[str],
        tenant_ids: list[UUID],
    ) -> list[NodeExecution]:
        """Runs of any of these nodes in any of these executions, whole."""

    async def page_by_execution(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[NodeExecutionSummary]:
        """An execution's node runs without their payload, by node and pass."""

    async def page_results(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[NodeExecution]:
        """An execution's node runs, whole, by node and pass."""

    async def record_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        attempts: list[int],
        end_times: list[int] | list[int | None],
        error_data: list[Any],
        execution_ids: list[UUID],
        input_data: list[Any],
        max_retries: list[int],
        node_ids: list[str],
        node_types: list[str],
        output_data: list[Any],
        retry_counts: list[int],
        run_indexes: list[int],
        start_times: list[int] | list[int | None],
        statuses: list[str],
        tenant_ids: list[UUID],
    ) -> list[RecordRefusal]:
        """Write node results, one for each place of the arrays, where the lease is held and no final result is
        stored.
        The queue row is locked and the fence compared in this very statement: without the lock an old worker's
        row
        could commit after the execution was taken over.
        Returns what was refused, which is little as a rule: no row for what was written.
        """

class AsyncNodesQueries:
    """The nodes of workflows: a projection of their documents, written by saves."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        node_id: str,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> Node | None:
        """One node."""

    async def page_by_workflow(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[Node]:
        """A workflow's nodes in the order of its document."""

    async def remove_others(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        node_ids: list[str],
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Remove the nodes of one workflow that are not among these, with their connections."""

    async def upsert_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        credentials: list[Any],
        descriptions: list[str],
        disabled: list[bool],
        error_handlings: list[str],
        integrations: list[str],
        max_retries: list[int],
        names: list[str],
        node_ids: list[str],
        node_subtypes: list[str],
        node_types: list[str],
        notes: list[str],
        ordinals: list[int],
        parameters: list[Any],
        positions_x: list[float],
        positions_y: list[float],
        retry_wait_times: list[int],
        tenant_id: UUID,
        type_versions: list[Decimal],
        webhooks: list[Any],
        workflow_id: UUID,
    ) -> int:
        """Write nodes of one workflow, one for each place of the arrays; rows that are the same already are not
        touched.
        """

class AsyncPartitionsQueries:
    """The pieces that history is kept in: a period is a partition of executions and one of node results."""

    async def analyze(self, connection: AsyncConnection[Any], /) -> int:
        """Count what is in history, partitions and parents: autovacuum never looks at parents."""

    async def drop(self, connection: AsyncConnection[Any], /, *, suffix: str) -> str:
        """Drop a period with all its executions, in a transaction of its own: 55P03 if somebody has it locked for
        200 ms, 55006
        if the queue has one of its executions.
        """

    async def forget(self, connection: AsyncConnection[Any], /, *, since: datetime, until: datetime) -> int:
        """Remove what refers to executions of a period that was dropped; how many rows that were."""

    async def make(self, connection: AsyncConnection[Any], /, *, at: datetime) -> str:
        """Make the partitions that hold this time, within 35 days of now; in a transaction of its own.

        Raises: PartitionOutOfWindow.
        """

    async def create(self, connection: AsyncConnection[Any], /, *, at: datetime) -> str:
        """Make the partitions that hold this time, wherever it lies; in a transaction of its own."""

    async def missing(self, connection: AsyncConnection[Any], /, *, ats: list[datetime]) -> list[datetime]:
        """Which of these times no partition holds."""

    async def starts(self, connection: AsyncConnection[Any], /, *, since: datetime, until: datetime) -> list[datetime]:
        """Where the partitions begin that hold any time from one to before another, by the interval of the retention
        policy.
        """

    async def periods(self, connection: AsyncConnection[Any], /, *, limit: int) -> list[Period]:
        """The periods of history, oldest first."""

class AsyncRetentionPoliciesQueries:
    """How long history is kept. Everybody reads it; an operator (the owner) writes it."""

    async def delete(self, connection: AsyncConnection[Any], /, *, table_name: str) -> int:
        """Remove a policy; the table is then kept for ever."""

    async def get(self, connection: AsyncConnection[Any], /, *, table_name: str) -> RetentionPolicy | None:
        """The policy of one table."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_table_name: str,
        limit: int,
    ) -> list[RetentionPolicy]:
        """Policies by table name."""

    async def set(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        keep: timedelta | None,
        partition_interval: timedelta,
        partitions_ahead: int,
        table_name: str,
    ) -> RetentionPolicy:
        """Set the policy of one table; keep NULL: for ever."""

class AsyncSchemaQueries:
    """Whether the schema suits this release."""

    async def applied(self, connection: AsyncConnection[Any], /) -> list[str]:
        """The ids of all migrations that are marked as applied."""

    async def breaking(self, connection: AsyncConnection[Any], /) -> list[str]:
        """The ids of applied migrations that releases which do not know them must refuse."""

    async def exists(self, connection: AsyncConnection[Any], /) -> bool:
        """Whether wfstore's tables are there at all."""

class AsyncSessionQueries:
    """What a connection is told, and asked, before it works for a tenant."""

    async def begin(self, connection: AsyncConnection[Any], /) -> int:
        """Begin a transaction: as a statement, as psycopg's own BEGIN is a round trip even inside a pipeline."""

    async def commit(self, connection: AsyncConnection[Any], /) -> int:
        """End the transaction: as a statement, so that it travels in the same round trip as those before it."""

    async def facts(self, connection: AsyncConnection[Any], /) -> SessionFacts | None:
        """Who works on this connection, and whether row-level security binds it."""

    async def set_up(self, connection: AsyncConnection[Any], /, *, idle_in_transaction_timeout: str) -> SessionSettings:
        """Let the server end a transaction of this session that does nothing for so long: it would hold its locks.
        Compile no
        plans: each of ours runs for less time than that takes. And read no table from its beginning to its end
        where there
        is an index: a plan that was made while the queue was empty would go on to do so when it is full. And plan
        what is
        prepared once, for all arguments: with many partitions planning takes longer than what is planned.
        Compress payloads
        by lz4 where the server has it: a writer waits a fifth of the time that pglz takes.
        """

    async def plan_anew(self, connection: AsyncConnection[Any], /) -> int:
        """Let what follows in this transaction be planned for its arguments."""

    async def in_order_of_index(self, connection: AsyncConnection[Any], /) -> SessionOrder:
        """Let plans of this transaction take rows in an index's order and never sort them: a queue fills and empties
        faster
        than statistics are made, and without them the planner would read all that is ready, to sort it, for a
        few. A sort
        that cannot be avoided then counts as so dear that the server would compile its plan, on connections not
        set up.
        """

    async def set_tenants(self, connection: AsyncConnection[Any], /, *, tenant_ids: str) -> int:
        """Work for these tenants (ids, joined by commas) until the transaction ends."""

    async def lazily(self, connection: AsyncConnection[Any], /) -> int:
        """Let the commit of this transaction not wait for the disk: for what may be lost in a crash."""

    async def listen(self, connection: AsyncConnection[Any], /) -> int:
        """Hear on this connection of queues in which something became ready."""

    async def woken(self, connection: AsyncConnection[Any], /) -> list[str]:
        """In which queues the triggers of this transaction have made something ready."""

    async def notify(self, connection: AsyncConnection[Any], /, *, queues: list[str]) -> list[str]:
        """Tell whoever listens that something became ready in these queues."""

class AsyncTenantsQueries:
    """The tenants. A session sees those that it works for."""

    async def create(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        name: str,
        settings: Any,
        slug: str,
    ) -> Tenant:
        """Add a tenant; the session must already work for its id.

        Raises: AlreadyExists.
        """

    async def delete(self, connection: AsyncConnection[Any], /, *, id: UUID) -> int:
        """Remove a tenant that has no rows left anywhere.

        Raises: StillReferenced.
        """

    async def get(self, connection: AsyncConnection[Any], /, *, id: UUID) -> Tenant | None:
        """One tenant by id."""

    async def page(self, connection: AsyncConnection[Any], /, *, after_id: UUID, limit: int) -> list[Tenant]:
        """Tenants that this session works for, by id."""

    async def resolve(self, connection: AsyncConnection[Any], /, *, slug: str) -> UUID | None:
        """The id of the active tenant of this slug; works before a session has a tenant."""

    async def update(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        is_active: bool,
        name: str,
        settings: Any,
    ) -> Tenant | None:
        """Change a tenant's name, settings and whether it is served."""

class AsyncUsersQueries:
    """The people of a tenant. E-mail addresses are kept in lower case."""

    async def create(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        avatar_url: str | None,
        email: str,
        id: UUID,
        name: str,
        role: str,
        tenant_id: UUID,
    ) -> User:
        """Add a user.

        Raises: AlreadyExists.
        """

    async def delete(self, connection: AsyncConnection[Any], /, *, id: UUID, tenant_id: UUID) -> int:
        """Remove a user who owns no workflows.

        Raises: StillReferenced.
        """

    async def get(self, connection: AsyncConnection[Any], /, *, id: UUID, tenant_id: UUID) -> User | None:
        """One user by id."""

    async def get_by_email(self, connection: AsyncConnection[Any], /, *, email: str, tenant_id: UUID) -> User | None:
        """One user by e-mail address, in whatever case."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[User]:
        """Users by id, which is the order of their creation."""

    async def update(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        avatar_url: str | None,
        email: str,
        id: UUID,
        is_active: bool,
        name: str,
        role: str,
        tenant_id: UUID,
    ) -> User | None:
        """Change a user.

        Raises: AlreadyExists.
        """

class AsyncWorkflowTermsQueries:
    """What workflows are found by: a projection of their documents. Search with workflows.page_by_terms."""

    async def add_many(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        kinds: list[str],
        tenant_id: UUID,
        terms: list[str],
        workflow_id: UUID,
    ) -> int:
        """Add terms of one workflow, one for each place of the arrays."""

    async def page_by_workflow(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        after_kind: str,
        after_term: str,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[WorkflowTerm]:
        """A workflow's terms by kind and term."""

    async def remove_others(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        kinds: list[str],
        tenant_id: UUID,
        terms: list[str],
        workflow_id: UUID,
    ) -> int:
        """Remove the terms of one workflow that are not in the arrays."""

class AsyncWorkflowVersionsQueries:
    """The documents that workflows have had. Written by saves, never updated, gone with the workflow."""

    async def create(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        change_summary: str,
        created_by: UUID | None,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Keep the workflow's document as a version, if the save of this transaction has changed it."""

    async def get(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        revision: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> WorkflowVersion | None:
        """One version with its document."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_revision: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[WorkflowVersionSummary]:
        """A workflow's versions without their documents, latest first."""

class AsyncWorkflowsQueries:
    """Workflow definitions. A save is several of these in one round trip: see wfstore's store.workflows.save."""

    async def create(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        content_hash: bytes,
        description: str,
        id: UUID,
        is_template: bool,
        name: str,
        pin_data: Any,
        settings: Any,
        static_data: Any,
        tags: list[str],
        template_category: str | None,
        tenant_id: UUID,
        user_id: UUID | None,
        version: str,
        workflow_data: Any,
    ) -> WorkflowRevision:
        """Add a workflow at revision 1; the document's settings, static and pinned data are the columns' first
        values.

        Raises: AlreadyExists.
        """

    async def delete(self, connection: AsyncConnection[Any], /, *, id: UUID, tenant_id: UUID) -> int:
        """Remove a workflow that has no executions in history, with its versions, nodes, connections and terms.

        Raises: StillReferenced.
        """

    async def get(self, connection: AsyncConnection[Any], /, *, id: UUID, tenant_id: UUID) -> Workflow | None:
        """One workflow with its document."""

    async def lock(self, connection: AsyncConnection[Any], /, *, id: UUID, revision: int, tenant_id: UUID) -> int:
        """Lock a workflow for a save, if it still is at this revision.

        Raises: NotFound, RevisionConflict.
        """

    async def names(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        ids: list[UUID],
        tenant_id: UUID,
    ) -> list[WorkflowName]:
        """What workflows are called; those that are not there are left out."""

    async def page(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[WorkflowSummary]:
        """Workflows without their documents, latest id first."""

    async def page_by_terms(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        kinds: list[str],
        limit: int,
        sample: int,
        tenant_id: UUID,
        terms: list[str],
    ) -> list[WorkflowSummary]:
        """Workflows that have all these terms, one for each place of the arrays, latest id first.
        Those with the rarest term are gone through until the page is full. To find it at most :sample workflows
        are
        counted of each; where they are as many the earlier place counts as rarer.
        """

    async def page_by_user(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
        user_id: UUID,
    ) -> list[WorkflowSummary]:
        """A user's workflows, latest id first."""

    async def page_templates(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[WorkflowSummary]:
        """A tenant's templates, latest id first."""

    async def revision(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        tenant_id: UUID,
    ) -> WorkflowRevision | None:
        """Where a workflow stands, without its document."""

    async def save(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        content_hash: bytes,
        description: str,
        id: UUID,
        name: str,
        pin_data: Any,
        settings: Any,
        static_data: Any,
        tags: list[str],
        tenant_id: UUID,
        version: str,
        workflow_data: Any,
    ) -> WorkflowRevision | None:
        """Write a document over a workflow that this transaction has locked; the content revision moves if it
        differs.
        Settings, static and pinned data follow the document where it has others than the document before, and
        else stay.
        """

    async def set_active(self, connection: AsyncConnection[Any], /, *, active: bool, id: UUID, tenant_id: UUID) -> int:
        """Let a workflow's triggers run, or not; makes no version."""

    async def set_pin_data(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        pin_data: Any,
        tenant_id: UUID,
    ) -> int:
        """Replace the pinned data; makes no version."""

    async def set_settings(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        settings: Any,
        tenant_id: UUID,
    ) -> int:
        """Replace the settings; makes no version."""

    async def set_static_data(
        self,
        connection: AsyncConnection[Any],
        /,
        *,
        id: UUID,
        static_data: Any,
        tenant_id: UUID,
    ) -> int:
        """Replace what triggers and nodes remember between runs; makes no version."""

class AsyncTypedQueries:
    """All queries, by namespace."""

    checks: AsyncChecksQueries
    concurrency_limits: AsyncConcurrencyLimitsQueries
    dead_letters: AsyncDeadLettersQueries
    execution_keys: AsyncExecutionKeysQueries
    execution_pauses: AsyncExecutionPausesQueries
    execution_signals: AsyncExecutionSignalsQueries
    executions: AsyncExecutionsQueries
    history: AsyncHistoryQueries
    migrations: AsyncMigrationsQueries
    monitoring: AsyncMonitoringQueries
    node_connections: AsyncNodeConnectionsQueries
    node_executions: AsyncNodeExecutionsQueries
    nodes: AsyncNodesQueries
    partitions: AsyncPartitionsQueries
    retention_policies: AsyncRetentionPoliciesQueries
    schema: AsyncSchemaQueries
    session: AsyncSessionQueries
    tenants: AsyncTenantsQueries
    users: AsyncUsersQueries
    workflow_terms: AsyncWorkflowTermsQueries
    workflow_versions: AsyncWorkflowVersionsQueries
    workflows: AsyncWorkflowsQueries
    def __init__(self, catalogue: Catalogue) -> None: ...

class AsyncConcurrencyLimitsNamespace(AsyncNamespace):
    """How many executions of one key run at once."""

    async def delete(self, *, concurrency_key: str, tenant_id: UUID = ...) -> int:
        """Forget a key's limit; what waits for a place is let in by `refill`."""

    async def get(self, *, concurrency_key: str, tenant_id: UUID = ...) -> ConcurrencyLimit | None:
        """The limit of one key."""

    async def page(self, *, after_key: str, limit: int, tenant_id: UUID = ...) -> list[ConcurrencyLimit]:
        """Limits by key."""

    async def page_use(self, *, after_key: str, limit: int, tenant_id: UUID = ...) -> list[ConcurrencyUse]:
        """Limits by key, with how many executions of each run and how many wait for a place."""

    async def refill(self, *, concurrency_key: str, tenant_id: UUID = ...) -> int:
        """Let in the next executions of a key, as many as it has free places; how many they were."""

    async def set_limit(self, *, concurrency_key: str, max_running: int, tenant_id: UUID = ...) -> int:
        """Set how many executions of a key may run at once; those that run already go on."""

class AsyncDeadLettersNamespace(AsyncNamespace):
    """Executions that were given up, until somebody has dealt with them."""

    async def delete_many(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[ExecutionKey]:
        """Take executions off the list; those that were on it."""

    async def get(self, *, execution_id: UUID, tenant_id: UUID = ...) -> DeadLetter | None:
        """One of them."""

    async def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[DeadLetter]:
        """Dead letters, latest execution first."""

class AsyncExecutionKeysNamespace(AsyncNamespace):
    """Which execution came of a caller's idempotency key."""

    async def delete_expired(self, *, limit: int, now: datetime, tenant_id: UUID = ...) -> int:
        """Remove keys that may be used anew, at most :limit."""

    async def get_many(self, *, idempotency_keys: list[str], tenant_id: UUID = ...) -> list[IdempotencyKey]:
        """The executions of these keys."""

class AsyncExecutionPausesNamespace(AsyncNamespace):
    """Queues and workflows of which nothing is handed out."""

    async def create(self, *, kind: str, name: str, reason: str, tenant_id: UUID = ...) -> int:
        """Pause a queue or a workflow; one that is paused already stays so."""

    async def delete(self, *, kind: str, name: str, tenant_id: UUID = ...) -> int:
        """End a pause. What a claim has parked for it is made ready by `unpark`."""

    async def page(
        self,
        *,
        after_kind: str,
        after_name: str,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[ExecutionPause]:
        """Pauses by kind and name."""

    async def unpark(self, *, tenant_id: UUID = ..., workflow_id: UUID) -> list[str]:
        """Make ready what was parked while a workflow was paused; in which queues that was."""

class AsyncExecutionSignalsNamespace(AsyncNamespace):
    """What people and other systems tell executions."""

    async def add(
        self,
        *,
        execution_id: UUID,
        expires_at: datetime | None,
        id: UUID,
        name: str,
        payload: Any,
        tenant_id: UUID = ...,
    ) -> int:
        """Send a signal to an execution that has not ended; the same id again does nothing."""

    async def delete_by_execution(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """Forget what an execution was told."""

    async def page_by_execution(
        self,
        *,
        after_id: UUID,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[ExecutionSignal]:
        """An execution's signals, oldest first."""

    async def take(
        self,
        *,
        attempt: int,
        consumer: str | None,
        execution_id: UUID,
        name: str,
        now: datetime,
        tenant_id: UUID = ...,
    ) -> TakenSignal | None:
        """Take the oldest signal of a name under a lease, or the one that this consumer took before. No row: the
        lease is
        lost; a row without a signal: there is none.
        """

class AsyncExecutionsNamespace(AsyncNamespace):
    """Executions: the queue that workers claim from, and the history that stays."""

    async def delete(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """Remove one ended execution with its node results; whole periods go by dropping partitions instead."""

    async def enqueue_many(
        self,
        *,
        concurrency_keys: list[str] | list[str | None],
        concurrency_limits: list[int],
        execution_ids: list[UUID],
        idempotency_keys: list[str] | list[str | None],
        key_expirations: list[datetime],
        max_attempts: list[int],
        metadata: list[Any],
        modes: list[str],
        now: datetime,
        parent_execution_ids: list[UUID] | list[UUID | None],
        priorities: list[int],
        queues: list[str],
        retry_factors: list[float],
        retry_ofs: list[UUID] | list[UUID | None],
        retry_wait_maxs: list[float],
        retry_waits: list[float],
        tenant_id: UUID = ...,
        triggered_bys: list[str] | list[str | None],
        visible_ats: list[datetime] | list[datetime | None],
        workflow_ids: list[UUID],
        workflow_revisions: list[int] | list[int | None],
    ) -> list[ExecutionCreated]:
        """Write executions to history and to the queue, one for each place of the arrays, at the workflow's present
        version
        where none is named. An id that is there already, or an idempotency key that is in use, creates nothing.

        Raises: NotFound.
        """

    async def get(self, *, execution_id: UUID, tenant_id: UUID = ...) -> Execution | None:
        """One execution, whole."""

    async def get_many(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[Execution]:
        """Executions, whole; those that are not there are left out."""

    async def get_queue_entry(self, *, execution_id: UUID, tenant_id: UUID = ...) -> QueueEntry | None:
        """How the queue sees an execution; no row once it has ended."""

    async def heartbeat_many(
        self,
        *,
        attempts: list[int],
        execution_ids: list[UUID],
        lease_until: datetime | None,
        tenant_ids: list[UUID],
    ) -> list[Lease]:
        """Prolong leases, one for each place of the arrays; those that are lost are not returned."""

    async def lock(self, *, execution_id: UUID, tenant_id: UUID = ...) -> str | None:
        """Lock an execution that has not ended, so that what follows in this transaction sees its last state; its
        status.
        """

    async def lock_many(self, *, attempts: list[int], execution_ids: list[UUID], tenant_ids: list[UUID]) -> int:
        """Lock the queue rows of leases, one for each place of the arrays, that are held, then the limits of their
        keys: each in
        the order of their keys, so that no two workers who give back several wait in a ring. Returns how many are
        held.
        A statement of its own: PostgreSQL 18 (18.6, at least) may read freed memory where one locks rows and
        chooses partitions.
        """

    async def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions without their payload, latest first."""

    async def page_active(
        self,
        *,
        before_id: UUID,
        limit: int,
        status: str,
        tenant_id: UUID = ...,
    ) -> list[ExecutionSummary]:
        """Executions that have not ended and have this status in the queue, without their payload, latest first.
        Once a wait
        is over they are NEW there, and WAITING in history until a worker has them.
        """

    async def page_by_workflow(
        self,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[ExecutionSummary]:
        """A workflow's executions without their payload, latest first."""

    async def page_canceled(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions that were canceled, without their payload, latest first."""

    async def page_children(
        self,
        *,
        after_id: UUID,
        limit: int,
        parent_execution_id: UUID,
        tenant_id: UUID = ...,
    ) -> list[ExecutionSummary]:
        """What an execution has started, ended or not, without its payload, oldest first. Children are younger than
        their
        parent: an :after_id a little below the parent's own leaves older periods unread.
        """

    async def page_failed(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions that ended in ERROR, without their payload, latest first."""

    async def page_queue(self, *, after_id: UUID, limit: int, queue: str, tenant_id: UUID = ...) -> list[QueueEntry]:
        """What has not ended in one queue, by id."""

    async def start_many(
        self,
        *,
        execution_ids: list[UUID],
        start_time: int,
        tenant_ids: list[UUID],
    ) -> list[StartedExecution]:
        """Write into history that these executions, one for each place of the arrays, which the caller has just
        claimed, are
        running. Each answer names its place in the arrays.
        """

    async def unfinished(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[QueueEntry]:
        """Which of these executions have not ended, as the queue sees them."""

    async def update_metadata(self, *, execution_id: UUID, metadata: Any, tenant_id: UUID = ...) -> int:
        """Replace what the caller keeps along with an execution."""

    async def wake_due(self, *, limit: int, now: datetime, queue: str, tenant_ids: list[UUID]) -> int:
        """Make ready what time has made due in a queue: scheduled starts, waits that time out, leases that ran out.
        A lease
        lost is a failure; after too many the execution is given up. Returns how many rows it saw.
        """

    async def wake_signaled(
        self,
        *,
        execution_id: UUID,
        now: datetime | None,
        signal: str,
        tenant_id: UUID = ...,
    ) -> str | None:
        """Wake an execution that this transaction has locked, if it waits for this signal and one is there for it;
        its queue.
        """

class AsyncMonitoringNamespace(AsyncNamespace):
    """What operators look at. Windows begin at an id: a UUIDv7 carries its time, so old partitions are not read."""

    async def active_by_status(self, *, tenant_id: UUID = ...) -> list[StatusCount]:
        """How many executions have not ended, by status; from the queue, which holds no others."""

    async def by_status(self, *, since_id: UUID, tenant_id: UUID = ...) -> list[StatusCount]:
        """How many executions have each status, exactly, since the full hour in which :since_id lies: the ended ones
        from the
        roll-up, the others from the queue. Once a wait is over they are NEW there, and WAITING in history until a
        worker
        has them.
        """

    async def failing_nodes(self, *, limit: int, since_id: UUID, tenant_id: UUID = ...) -> list[NodeFailures]:
        """The nodes that failed most often in the window."""

    async def performance(self, *, since_id: UUID, tenant_id: UUID = ...) -> Performance:
        """How long the finished executions took since the full hour in which :since_id lies. Count and average are
        exact; a
        percentile is that of a histogram whose buckets double: never more than twice or less than half the true
        one.
        """

    async def performance_by_workflow(
        self,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID = ...,
    ) -> list[WorkflowPerformance]:
        """The same for each workflow, those with most executions first."""

    async def queue_depth(self, *, now: datetime, tenant_id: UUID = ...) -> list[QueueDepth]:
        """What is in each queue, and since when the oldest ready execution waits for a worker."""

    async def slowest_nodes(self, *, limit: int, since_id: UUID, tenant_id: UUID = ...) -> list[NodeDurations]:
        """The nodes whose runs in the window took longest on average."""

    async def storage(self, *, limit: int) -> list[TableStorage]:
        """What each table takes on disk, partitions summed to their parent, largest first."""

class AsyncNodeConnectionsNamespace(AsyncNamespace):
    """The edges of workflows: a projection of their documents, written by saves."""

    async def get(self, *, ordinal: int, tenant_id: UUID = ..., workflow_id: UUID) -> NodeConnection | None:
        """One connection by its place in the document."""

    async def page_by_workflow(
        self,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[NodeConnection]:
        """A workflow's connections in the order of its document."""

    async def remove_others(self, *, ordinals: list[int], tenant_id: UUID = ..., workflow_id: UUID) -> int:
        """Remove the connections of one workflow that are not at these places."""

    async def upsert_many(
        self,
        *,
        conditions: list[Any],
        connection_types: list[str],
        labels: list[str],
        ordinals: list[int],
        source_indexes: list[int],
        source_node_ids: list[str],
        target_indexes: list[int],
        target_node_ids: list[str],
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> int:
        """Write connections of one workflow, one for each place of the arrays; rows that are the same already are
        not touched.
        """

class AsyncNodeExecutionsNamespace(AsyncNamespace):
    """The results of nodes. Written under the fence of a lease; final ones are immutable."""

    async def copy_results(
        self,
        *,
        except_node_ids: list[str],
        from_execution_id: UUID,
        tenant_id: UUID = ...,
        to_execution_id: UUID,
    ) -> int:
        """Give an execution that has not begun the successful results of another one, but for those nodes."""

    async def count_by_execution(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """How many node results an execution has."""

    async def get(
        self,
        *,
        execution_id: UUID,
        node_id: str,
        run_index: int,
        tenant_id: UUID = ...,
    ) -> NodeExecution | None:
        """One node's run, whole."""

    async def get_many(
        self,
        *,
        execution_ids: list[UUID],
        node_ids: list[str],
        tenant_ids: list[UUID],
    ) -> list[NodeExecution]:
        """Runs of any of these nodes in any of these executions, whole."""

    async def page_by_execution(
        self,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[NodeExecutionSummary]:
        """An execution's node runs without their payload, by node and pass."""

    async def page_results(
        self,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[NodeExecution]:
        """An execution's node runs, whole, by node and pass."""

class AsyncNodesNamespace(AsyncNamespace):
    """The nodes of workflows: a projection of their documents, written by saves."""

    async def get(self, *, node_id: str, tenant_id: UUID = ..., workflow_id: UUID) -> Node | None:
        """One node."""

    async def page_by_workflow(
        self,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[Node]:
        """A workflow's nodes in the order of its document."""

    async def remove_others(self, *, node_ids: list[str], tenant_id: UUID = ..., workflow_id: UUID) -> int:
        """Remove the nodes of one workflow that are not among these, with their connections."""

    async def upsert_many(
        self,
        *,
        credentials: list[Any],
        descriptions: list[str],
        disabled: list[bool],
        error_handlings: list[str],
        integrations: list[str],
        max_retries: list[int],
        names: list[str],
        node_ids: list[str],
        node_subtypes: list[str],
        node_types: list[str],
        notes: list[str],
        ordinals: list[int],
        parameters: list[Any],
        positions_x: list[float],
        positions_y: list[float],
        retry_wait_times: list[int],
        tenant_id: UUID = ...,
        type_versions: list[Decimal],
        webhooks: list[Any],
        workflow_id: UUID,
    ) -> int:
        """Write nodes of one workflow, one for each place of the arrays; rows that are the same already are not
        touched.
        """

class AsyncPartitionsNamespace(AsyncNamespace):
    """The pieces that history is kept in: a period is a partition of executions and one of node results."""

    async def analyze(self) -> int:
        """Count what is in history, partitions and parents: autovacuum never looks at parents."""

    async def drop(self, *, suffix: str) -> str:
        """Drop a period with all its executions, in a transaction of its own: 55P03 if somebody has it locked for
        200 ms, 55006
        if the queue has one of its executions.
        """

    async def forget(self, *, since: datetime, until: datetime) -> int:
        """Remove what refers to executions of a period that was dropped; how many rows that were."""

    async def make(self, *, at: datetime) -> str:
        """Make the partitions that hold this time, within 35 days of now; in a transaction of its own.

        Raises: PartitionOutOfWindow.
        """

    async def create(self, *, at: datetime) -> str:
        """Make the partitions that hold this time, wherever it lies; in a transaction of its own."""

    async def missing(self, *, ats: list[datetime]) -> list[datetime]:
        """Which of these times no partition holds."""

    async def starts(self, *, since: datetime, until: datetime) -> list[datetime]:
        """Where the partitions begin that hold any time from one to before another, by the interval of the retention
        policy.
        """

    async def periods(self, *, limit: int) -> list[Period]:
        """The periods of history, oldest first."""

class AsyncRetentionPoliciesNamespace(AsyncNamespace):
    """How long history is kept. Everybody reads it; an operator (the owner) writes it."""

    async def delete(self, *, table_name: str) -> int:
        """Remove a policy; the table is then kept for ever."""

    async def get(self, *, table_name: str) -> RetentionPolicy | None:
        """The policy of one table."""

    async def page(self, *, after_table_name: str, limit: int) -> list[RetentionPolicy]:
        """Policies by table name."""

    async def set(
        self,
        *,
        keep: timedelta | None,
        partition_interval: timedelta,
        partitions_ahead: int,
        table_name: str,
    ) -> RetentionPolicy:
        """Set the policy of one table; keep NULL: for ever."""

class AsyncTenantsNamespace(AsyncNamespace):
    """The tenants. A session sees those that it works for."""

    async def create(self, *, id: UUID, name: str, settings: Any, slug: str) -> Tenant:
        """Add a tenant; the session must already work for its id.

        Raises: AlreadyExists.
        """

    async def delete(self, *, id: UUID) -> int:
        """Remove a tenant that has no rows left anywhere.

        Raises: StillReferenced.
        """

    async def get(self, *, id: UUID) -> Tenant | None:
        """One tenant by id."""

    async def page(self, *, after_id: UUID, limit: int) -> list[Tenant]:
        """Tenants that this session works for, by id."""

    async def resolve(self, *, slug: str) -> UUID | None:
        """The id of the active tenant of this slug; works before a session has a tenant."""

    async def update(self, *, id: UUID, is_active: bool, name: str, settings: Any) -> Tenant | None:
        """Change a tenant's name, settings and whether it is served."""

class AsyncUsersNamespace(AsyncNamespace):
    """The people of a tenant. E-mail addresses are kept in lower case."""

    async def create(
        self,
        *,
        avatar_url: str | None,
        email: str,
        id: UUID,
        name: str,
        role: str,
        tenant_id: UUID = ...,
    ) -> User:
        """Add a user.

        Raises: AlreadyExists.
        """

    async def delete(self, *, id: UUID, tenant_id: UUID = ...) -> int:
        """Remove a user who owns no workflows.

        Raises: StillReferenced.
        """

    async def get(self, *, id: UUID, tenant_id: UUID = ...) -> User | None:
        """One user by id."""

    async def get_by_email(self, *, email: str, tenant_id: UUID = ...) -> User | None:
        """One user by e-mail address, in whatever case."""

    async def page(self, *, after_id: UUID, limit: int, tenant_id: UUID = ...) -> list[User]:
        """Users by id, which is the order of their creation."""

    async def update(
        self,
        *,
        avatar_url: str | None,
        email: str,
        id: UUID,
        is_active: bool,
        name: str,
        role: str,
        tenant_id: UUID = ...,
    ) -> User | None:
        """Change a user.

        Raises: AlreadyExists.
        """

class AsyncWorkflowTermsNamespace(AsyncNamespace):
    """What workflows are found by: a projection of their documents. Search with workflows.page_by_terms."""

    async def add_many(self, *, kinds: list[str], tenant_id: UUID = ..., terms: list[str], workflow_id: UUID) -> int:
        """Add terms of one workflow, one for each place of the arrays."""

    async def page_by_workflow(
        self,
        *,
        after_kind: str,
        after_term: str,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[WorkflowTerm]:
        """A workflow's terms by kind and term."""

    async def remove_others(
        self,
        *,
        kinds: list[str],
        tenant_id: UUID = ...,
        terms: list[str],
        workflow_id: UUID,
    ) -> int:
        """Remove the terms of one workflow that are not in the arrays."""

class AsyncWorkflowVersionsNamespace(AsyncNamespace):
    """The documents that workflows have had. Written by saves, never updated, gone with the workflow."""

    async def create(
        self,
        *,
        change_summary: str,
        created_by: UUID | None,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> int:
        """Keep the workflow's document as a version, if the save of this transaction has changed it."""

    async def get(self, *, revision: int, tenant_id: UUID = ..., workflow_id: UUID) -> WorkflowVersion | None:
        """One version with its document."""

    async def page(
        self,
        *,
        before_revision: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[WorkflowVersionSummary]:
        """A workflow's versions without their documents, latest first."""

class AsyncWorkflowsNamespace(AsyncNamespace):
    """Workflow definitions. A save is several of these in one round trip: see wfstore's store.workflows.save."""

    async def create(
        self,
        *,
        content_hash: bytes,
        description: str,
        id: UUID,
        is_template: bool,
        name: str,
        pin_data: Any,
        settings: Any,
        static_data: Any,
        tags: list[str],
        template_category: str | None,
        tenant_id: UUID = ...,
        user_id: UUID | None,
        version: str,
        workflow_data: Any,
    ) -> WorkflowRevision:
        """Add a workflow at revision 1; the document's settings, static and pinned data are the columns' first
        values.

        Raises: AlreadyExists.
        """

    async def delete(self, *, id: UUID, tenant_id: UUID = ...) -> int:
        """Remove a workflow that has no executions in history, with its versions, nodes, connections and terms.

        Raises: StillReferenced.
        """

    async def get(self, *, id: UUID, tenant_id: UUID = ...) -> Workflow | None:
        """One workflow with its document."""

    async def lock(self, *, id: UUID, revision: int, tenant_id: UUID = ...) -> int:
        """Lock a workflow for a save, if it still is at this revision.

        Raises: NotFound, RevisionConflict.
        """

    async def names(self, *, ids: list[UUID], tenant_id: UUID = ...) -> list[WorkflowName]:
        """What workflows are called; those that are not there are left out."""

    async def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[WorkflowSummary]:
        """Workflows without their documents, latest id first."""

    async def page_by_terms(
        self,
        *,
        before_id: UUID,
        kinds: list[str],
        limit: int,
        sample: int,
        tenant_id: UUID = ...,
        terms: list[str],
    ) -> list[WorkflowSummary]:
        """Workflows that have all these terms, one for each place of the arrays, latest id first.
        Those with the rarest term are gone through until the page is full. To find it at most :sample workflows
        are
        counted of each; where they are as many the earlier place counts as rarer.
        """

    async def page_by_user(
        self,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
        user_id: UUID,
    ) -> list[WorkflowSummary]:
        """A user's workflows, latest id first."""

    async def page_templates(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[WorkflowSummary]:
        """A tenant's templates, latest id first."""

    async def revision(self, *, id: UUID, tenant_id: UUID = ...) -> WorkflowRevision | None:
        """Where a workflow stands, without its document."""

    async def save(
        self,
        *,
        content_hash: bytes,
        description: str,
        id: UUID,
        name: str,
        pin_data: Any,
        settings: Any,
        static_data: Any,
        tags: list[str],
        tenant_id: UUID = ...,
        version: str,
        workflow_data: Any,
    ) -> WorkflowRevision | None:
        """Write a document over a workflow that this transaction has locked; the content revision moves if it
        differs.
        Settings, static and pinned data follow the document where it has others than the document before, and
        else stay.
        """

    async def set_active(self, *, active: bool, id: UUID, tenant_id: UUID = ...) -> int:
        """Let a workflow's triggers run, or not; makes no version."""

    async def set_pin_data(self, *, id: UUID, pin_data: Any, tenant_id: UUID = ...) -> int:
        """Replace the pinned data; makes no version."""

    async def set_settings(self, *, id: UUID, settings: Any, tenant_id: UUID = ...) -> int:
        """Replace the settings; makes no version."""

    async def set_static_data(self, *, id: UUID, static_data: Any, tenant_id: UUID = ...) -> int:
        """Replace what triggers and nodes remember between runs; makes no version."""
