"""The types of queries: written by `wfstore stubs` from what the server says of them. Do not edit."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection

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
from wfstore.sync.namespaces import Namespace

class ChecksQueries:
    """What `wfstore check` asks the catalog, and how it puts itself into the place of whoever runs a query."""

    def check_constraints(self, connection: Connection[Any], /, *, column_number: int, table_oid: int) -> list[str]:
        """The CHECK constraints that are about one column alone."""

    def columns(self, connection: Connection[Any], /, *, table_name: str) -> list[CatalogColumn]:
        """The columns of a table or view in their order; none where there is nothing of this name."""

    def end_statement(self, connection: Connection[Any], /) -> int:
        """Forget the statement that was prepared to be looked at."""

    def function(self, connection: Connection[Any], /, *, name: str, schema_name: str | None) -> CatalogFunction:
        """What holds for every function of a name. An extension's overload (citext has a max) behaves as the
        original does.
        """

    def function_names(self, connection: Connection[Any], /) -> list[str]:
        """The functions in reach."""

    def operator(self, connection: Connection[Any], /, *, name: str) -> CatalogOperator:
        """What holds for every operator of a name, those of extensions aside."""

    def table_names(self, connection: Connection[Any], /) -> list[str]:
        """The tables and views in reach, beside PostgreSQL's own."""

    def type(self, connection: Connection[Any], /, *, oid: int) -> CatalogType | None:
        """One type: its name, its kind as pg_type has it, and what it is made of."""

    def type_names(self, connection: Connection[Any], /) -> list[str]:
        """The types in reach, those of tables and arrays aside."""

    def use_generic_plans(self, connection: Connection[Any], /) -> str:
        """Plan without the values of parameters, until the transaction ends."""

    def work_as(self, connection: Connection[Any], /, *, role: str) -> int:
        """Work as another role until the transaction ends."""

class ConcurrencyLimitsQueries:
    """How many executions of one key run at once."""

    def delete(self, connection: Connection[Any], /, *, concurrency_key: str, tenant_id: UUID) -> int:
        """Forget a key's limit; what waits for a place is let in by `refill`."""

    def get(self, connection: Connection[Any], /, *, concurrency_key: str, tenant_id: UUID) -> ConcurrencyLimit | None:
        """The limit of one key."""

    def page(
        self,
        connection: Connection[Any],
        /,
        *,
        after_key: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ConcurrencyLimit]:
        """Limits by key."""

    def page_use(
        self,
        connection: Connection[Any],
        /,
        *,
        after_key: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ConcurrencyUse]:
        """Limits by key, with how many executions of each run and how many wait for a place."""

    def refill(self, connection: Connection[Any], /, *, concurrency_key: str, tenant_id: UUID) -> int:
        """Let in the next executions of a key, as many as it has free places; how many they were."""

    def set_limit(
        self,
        connection: Connection[Any],
        /,
        *,
        concurrency_key: str,
        max_running: int,
        tenant_id: UUID,
    ) -> int:
        """Set how many executions of a key may run at once; those that run already go on."""

class DeadLettersQueries:
    """Executions that were given up, until somebody has dealt with them."""

    def delete_many(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[ExecutionKey]:
        """Take executions off the list; those that were on it."""

    def get(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> DeadLetter | None:
        """One of them."""

    def page(self, connection: Connection[Any], /, *, before_id: UUID, limit: int, tenant_id: UUID) -> list[DeadLetter]:
        """Dead letters, latest execution first."""

class ExecutionKeysQueries:
    """Which execution came of a caller's idempotency key."""

    def delete_expired(self, connection: Connection[Any], /, *, limit: int, now: datetime, tenant_id: UUID) -> int:
        """Remove keys that may be used anew, at most :limit."""

    def get_many(
        self,
        connection: Connection[Any],
        /,
        *,
        idempotency_keys: list[str],
        tenant_id: UUID,
    ) -> list[IdempotencyKey]:
        """The executions of these keys."""

class ExecutionPausesQueries:
    """Queues and workflows of which nothing is handed out."""

    def create(self, connection: Connection[Any], /, *, kind: str, name: str, reason: str, tenant_id: UUID) -> int:
        """Pause a queue or a workflow; one that is paused already stays so."""

    def delete(self, connection: Connection[Any], /, *, kind: str, name: str, tenant_id: UUID) -> int:
        """End a pause. What a claim has parked for it is made ready by `unpark`."""

    def page(
        self,
        connection: Connection[Any],
        /,
        *,
        after_kind: str,
        after_name: str,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionPause]:
        """Pauses by kind and name."""

    def unpark(self, connection: Connection[Any], /, *, tenant_id: UUID, workflow_id: UUID) -> list[str]:
        """Make ready what was parked while a workflow was paused; in which queues that was."""

class ExecutionSignalsQueries:
    """What people and other systems tell executions."""

    def add(
        self,
        connection: Connection[Any],
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

    def delete_by_execution(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> int:
        """Forget what an execution was told."""

    def page_by_execution(
        self,
        connection: Connection[Any],
        /,
        *,
        after_id: UUID,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSignal]:
        """An execution's signals, oldest first."""

    def take(
        self,
        connection: Connection[Any],
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

class ExecutionsQueries:
    """Executions: the queue that workers claim from, and the history that stays."""

    def cancel(
        self,
        connection: Connection[Any],
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

    def claim(
        self,
        connection: Connection[Any],
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

    def delete(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> int:
        """Remove one ended execution with its node results; whole periods go by dropping partitions instead."""

    def enqueue_many(
        self,
        connection: Connection[Any],
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

    def fail_many(
        self,
        connection: Connection[Any],
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

    def finish_many(
        self,
        connection: Connection[Any],
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

    def get(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> Execution | None:
        """One execution, whole."""

    def get_many(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[Execution]:
        """Executions, whole; those that are not there are left out."""

    def get_queue_entry(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_id: UUID,
        tenant_id: UUID,
    ) -> QueueEntry | None:
        """How the queue sees an execution; no row once it has ended."""

    def heartbeat_many(
        self,
        connection: Connection[Any],
        /,
        *,
        attempts: list[int],
        execution_ids: list[UUID],
        lease_until: datetime | None,
        tenant_ids: list[UUID],
    ) -> list[Lease]:
        """Prolong leases, one for each place of the arrays; those that are lost are not returned."""

    def lock(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> str | None:
        """Lock an execution that has not ended, so that what follows in this transaction sees its last state; its
        status.
        """

    def lock_many(
        self,
        connection: Connection[Any],
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

    def page(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions without their payload, latest first."""

    def page_active(
        self,
        connection: Connection[Any],
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

    def page_by_workflow(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[ExecutionSummary]:
        """A workflow's executions without their payload, latest first."""

    def page_canceled(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions that were canceled, without their payload, latest first."""

    def page_children(
        self,
        connection: Connection[Any],
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

    def page_failed(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[ExecutionSummary]:
        """Executions that ended in ERROR, without their payload, latest first."""

    def page_queue(
        self,
        connection: Connection[Any],
        /,
        *,
        after_id: UUID,
        limit: int,
        queue: str,
        tenant_id: UUID,
    ) -> list[QueueEntry]:
        """What has not ended in one queue, by id."""

    def start_many(
        self,
        connection: Connection[Any],
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

    def suspend(
        self,
        connection: Connection[Any],
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

    def unfinished(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_ids: list[UUID],
        tenant_id: UUID,
    ) -> list[QueueEntry]:
        """Which of these executions have not ended, as the queue sees them."""

    def update_metadata(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_id: UUID,
        metadata: Any,
        tenant_id: UUID,
    ) -> int:
        """Replace what the caller keeps along with an execution."""

    def wake_due(
        self,
        connection: Connection[Any],
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

    def wake_signaled(
        self,
        connection: Connection[Any],
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

class HistoryQueries:
    """Executions that ended elsewhere, on their way into history: many at once, by way of tables of the session's
    own.
    """

    def present(self, connection: Connection[Any], /, *, execution_ids: list[UUID], tenant_id: UUID) -> list[UUID]:
        """Which of these executions are in history."""

    def stage_executions(self, connection: Connection[Any], /) -> int:
        """Make the table that executions are copied into; it goes with the transaction."""

    def stage_node_runs(self, connection: Connection[Any], /) -> int:
        """Make the table that their node runs are copied into; it goes with the transaction."""

    def copy_executions(self, connection: Connection[Any], /) -> int:
        """Copy executions, in the order of the columns that wfstore.history_rows writes."""

    def copy_node_runs(self, connection: Connection[Any], /) -> int:
        """Copy node runs, in the order of the columns that wfstore.history_rows writes."""

    def take_in(self, connection: Connection[Any], /, *, tenant_id: UUID) -> TakenIn | None:
        """Put what was copied into history; executions that are there stay as they are, with the node runs that they
        have.
        """

class MigrationsQueries:
    """What `wfstore migrate` asks and tells the database beside the migrations themselves."""

    def applied(self, connection: Connection[Any], /) -> list[AppliedMigration]:
        """Every migration marked as applied, with what is recorded of that very application."""

    def applied_unrecorded(self, connection: Connection[Any], /) -> list[AppliedMigration]:
        """Every migration marked as applied, while there is no table yet to record more."""

    def end_with_client(self, connection: Connection[Any], /) -> str | None:
        """Let the server end a statement within a second of its client's death, where it can tell."""

    def forget(self, connection: Connection[Any], /, *, migration_id: str) -> int:
        """Remove what is recorded of a migration that was rolled back."""

    def has_table(self, connection: Connection[Any], /, *, name: str) -> bool:
        """Whether there is a table of this name."""

    def hold_in_transaction(self, connection: Connection[Any], /, *, key: int) -> bool:
        """Hold the migration lock for this transaction too; false where another session has it."""

    def invalid_indexes(self, connection: Connection[Any], /, *, names: list[str]) -> list[str]:
        """Statements that drop what failed concurrent builds of these indexes left behind."""

    def lock(self, connection: Connection[Any], /, *, key: int) -> bool:
        """Try to take the migration lock of this database; it ends with the session."""

    def lock_holder(self, connection: Connection[Any], /, *, key: int) -> int | None:
        """The process that has the migration lock of this database."""

    def record(
        self,
        connection: Connection[Any],
        /,
        *,
        content_hashes: list[str] | list[str | None],
        migration_ids: list[str],
    ) -> list[str]:
        """Record the content of each applied migration that has no record of its present application."""

    def reset_role(self, connection: Connection[Any], /) -> int:
        """Work as whoever connected again."""

    def reset_settings(self, connection: Connection[Any], /) -> int:
        """Undo what a migration outside a transaction set for the session."""

    def set_lock_timeout(self, connection: Connection[Any], /, *, timeout: str) -> str:
        """Give up waiting for a lock after this time, until the transaction ends."""

    def sizes(self, connection: Connection[Any], /, *, names: list[str]) -> list[TableSize]:
        """How much is in each of these tables, its partitions included; the rows are the server's estimate."""

    def tables(self, connection: Connection[Any], /) -> list[str]:
        """Names of the tables where new ones would be made."""

    def unlock(self, connection: Connection[Any], /, *, key: int) -> bool:
        """Give the migration lock back."""

    def yoyo_lock_holder(self, connection: Connection[Any], /) -> int | None:
        """The process that plain yoyo's lock row names, dead or alive."""

class MonitoringQueries:
    """What operators look at. Windows begin at an id: a UUIDv7 carries its time, so old partitions are not read."""

    def active_by_status(self, connection: Connection[Any], /, *, tenant_id: UUID) -> list[StatusCount]:
        """How many executions have not ended, by status; from the queue, which holds no others."""

    def by_status(self, connection: Connection[Any], /, *, since_id: UUID, tenant_id: UUID) -> list[StatusCount]:
        """How many executions have each status, exactly, since the full hour in which :since_id lies: the ended ones
        from the
        roll-up, the others from the queue. Once a wait is over they are NEW there, and WAITING in history until a
        worker
        has them.
        """

    def failing_nodes(
        self,
        connection: Connection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[NodeFailures]:
        """The nodes that failed most often in the window."""

    def performance(self, connection: Connection[Any], /, *, since_id: UUID, tenant_id: UUID) -> Performance:
        """How long the finished executions took since the full hour in which :since_id lies. Count and average are
        exact; a
        percentile is that of a histogram whose buckets double: never more than twice or less than half the true
        one.
        """

    def performance_by_workflow(
        self,
        connection: Connection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[WorkflowPerformance]:
        """The same for each workflow, those with most executions first."""

    def queue_depth(self, connection: Connection[Any], /, *, now: datetime, tenant_id: UUID) -> list[QueueDepth]:
        """What is in each queue, and since when the oldest ready execution waits for a worker."""

    def slowest_nodes(
        self,
        connection: Connection[Any],
        /,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID,
    ) -> list[NodeDurations]:
        """The nodes whose runs in the window took longest on average."""

    def storage(self, connection: Connection[Any], /, *, limit: int) -> list[TableStorage]:
        """What each table takes on disk, partitions summed to their parent, largest first."""

class NodeConnectionsQueries:
    """The edges of workflows: a projection of their documents, written by saves."""

    def get(
        self,
        connection: Connection[Any],
        /,
        *,
        ordinal: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> NodeConnection | None:
        """One connection by its place in the document."""

    def page_by_workflow(
        self,
        connection: Connection[Any],
        /,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[NodeConnection]:
        """A workflow's connections in the order of its document."""

    def remove_others(
        self,
        connection: Connection[Any],
        /,
        *,
        ordinals: list[int],
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Remove the connections of one workflow that are not at these places."""

    def upsert_many(
        self,
        connection: Connection[Any],
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

class NodeExecutionsQueries:
    """The results of nodes. Written under the fence of a lease; final ones are immutable."""

    def copy_results(
        self,
        connection: Connection[Any],
        /,
        *,
        except_node_ids: list[str],
        from_execution_id: UUID,
        tenant_id: UUID,
        to_execution_id: UUID,
    ) -> int:
        """Give an execution that has not begun the successful results of another one, but for those nodes."""

    def count_by_execution(self, connection: Connection[Any], /, *, execution_id: UUID, tenant_id: UUID) -> int:
        """How many node results an execution has."""

    def get(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_id: UUID,
        node_id: str,
        run_index: int,
        tenant_id: UUID,
    ) -> NodeExecution | None:
        """One node's run, whole."""

    def get_many(
        self,
        connection: Connection[Any],
        /,
        *,
        execution_ids: list[UUID],
        node_ids: list[str],
        tenant_ids: list[UUID],
    ) -> list[NodeExecution]:
        """Runs of any of these nodes in any of these executions, whole."""

    def page_by_execution(
        self,
        connection: Connection[Any],
        /,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[NodeExecutionSummary]:
        """An execution's node runs without their payload, by node and pass."""

    def page_results(
        self,
        connection: Connection[Any],
        /,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[NodeExecution]:
        """An execution's node runs, whole, by node and pass."""

    def record_many(
        self,
        connection: Connection[Any],
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

class NodesQueries:
    """The nodes of workflows: a projection of their documents, written by saves."""

    def get(self, connection: Connection[Any], /, *, node_id: str, tenant_id: UUID, workflow_id: UUID) -> Node | None:
        """One node."""

    def page_by_workflow(
        self,
        connection: Connection[Any],
        /,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[Node]:
        """A workflow's nodes in the order of its document."""

    def remove_others(
        self,
        connection: Connection[Any],
        /,
        *,
        node_ids: list[str],
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Remove the nodes of one workflow that are not among these, with their connections."""

    def upsert_many(
        self,
        connection: Connection[Any],
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

class PartitionsQueries:
    """The pieces that history is kept in: a period is a partition of executions and one of node results."""

    def analyze(self, connection: Connection[Any], /) -> int:
        """Count what is in history, partitions and parents: autovacuum never looks at parents."""

    def drop(self, connection: Connection[Any], /, *, suffix: str) -> str:
        """Drop a period with all its executions, in a transaction of its own: 55P03 if somebody has it locked for
        200 ms, 55006
        if the queue has one of its executions.
        """

    def forget(self, connection: Connection[Any], /, *, since: datetime, until: datetime) -> int:
        """Remove what refers to executions of a period that was dropped; how many rows that were."""

    def make(self, connection: Connection[Any], /, *, at: datetime) -> str:
        """Make the partitions that hold this time, within 35 days of now; in a transaction of its own.

        Raises: PartitionOutOfWindow.
        """

    def create(self, connection: Connection[Any], /, *, at: datetime) -> str:
        """Make the partitions that hold this time, wherever it lies; in a transaction of its own."""

    def missing(self, connection: Connection[Any], /, *, ats: list[datetime]) -> list[datetime]:
        """Which of these times no partition holds."""

    def starts(self, connection: Connection[Any], /, *, since: datetime, until: datetime) -> list[datetime]:
        """Where the partitions begin that hold any time from one to before another, by the interval of the retention
        policy.
        """

    def periods(self, connection: Connection[Any], /, *, limit: int) -> list[Period]:
        """The periods of history, oldest first."""

class RetentionPoliciesQueries:
    """How long history is kept. Everybody reads it; an operator (the owner) writes it."""

    def delete(self, connection: Connection[Any], /, *, table_name: str) -> int:
        """Remove a policy; the table is then kept for ever."""

    def get(self, connection: Connection[Any], /, *, table_name: str) -> RetentionPolicy | None:
        """The policy of one table."""

    def page(self, connection: Connection[Any], /, *, after_table_name: str, limit: int) -> list[RetentionPolicy]:
        """Policies by table name."""

    def set(
        self,
        connection: Connection[Any],
        /,
        *,
        keep: timedelta | None,
        partition_interval: timedelta,
        partitions_ahead: int,
        table_name: str,
    ) -> RetentionPolicy:
        """Set the policy of one table; keep NULL: for ever."""

class SchemaQueries:
    """Whether the schema suits this release."""

    def applied(self, connection: Connection[Any], /) -> list[str]:
        """The ids of all migrations that are marked as applied."""

    def breaking(self, connection: Connection[Any], /) -> list[str]:
        """The ids of applied migrations that releases which do not know them must refuse."""

    def exists(self, connection: Connection[Any], /) -> bool:
        """Whether wfstore's tables are there at all."""

class SessionQueries:
    """What a connection is told, and asked, before it works for a tenant."""

    def begin(self, connection: Connection[Any], /) -> int:
        """Begin a transaction: as a statement, as psycopg's own BEGIN is a round trip even inside a pipeline."""

    def commit(self, connection: Connection[Any], /) -> int:
        """End the transaction: as a statement, so that it travels in the same round trip as those before it."""

    def facts(self, connection: Connection[Any], /) -> SessionFacts | None:
        """Who works on this connection, and whether row-level security binds it."""

    def set_up(self, connection: Connection[Any], /, *, idle_in_transaction_timeout: str) -> SessionSettings:
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

    def plan_anew(self, connection: Connection[Any], /) -> int:
        """Let what follows in this transaction be planned for its arguments."""

    def in_order_of_index(self, connection: Connection[Any], /) -> SessionOrder:
        """Let plans of this transaction take rows in an index's order and never sort them: a queue fills and empties
        faster
        than statistics are made, and without them the planner would read all that is ready, to sort it, for a
        few. A sort
        that cannot be avoided then counts as so dear that the server would compile its plan, on connections not
        set up.
        """

    def set_tenants(self, connection: Connection[Any], /, *, tenant_ids: str) -> int:
        """Work for these tenants (ids, joined by commas) until the transaction ends."""

    def lazily(self, connection: Connection[Any], /) -> int:
        """Let the commit of this transaction not wait for the disk: for what may be lost in a crash."""

    def listen(self, connection: Connection[Any], /) -> int:
        """Hear on this connection of queues in which something became ready."""

    def woken(self, connection: Connection[Any], /) -> list[str]:
        """In which queues the triggers of this transaction have made something ready."""

    def notify(self, connection: Connection[Any], /, *, queues: list[str]) -> list[str]:
        """Tell whoever listens that something became ready in these queues."""

class TenantsQueries:
    """The tenants. A session sees those that it works for."""

    def create(self, connection: Connection[Any], /, *, id: UUID, name: str, settings: Any, slug: str) -> Tenant:
        """Add a tenant; the session must already work for its id.

        Raises: AlreadyExists.
        """

    def delete(self, connection: Connection[Any], /, *, id: UUID) -> int:
        """Remove a tenant that has no rows left anywhere.

        Raises: StillReferenced.
        """

    def get(self, connection: Connection[Any], /, *, id: UUID) -> Tenant | None:
        """One tenant by id."""

    def page(self, connection: Connection[Any], /, *, after_id: UUID, limit: int) -> list[Tenant]:
        """Tenants that this session works for, by id."""

    def resolve(self, connection: Connection[Any], /, *, slug: str) -> UUID | None:
        """The id of the active tenant of this slug; works before a session has a tenant."""

    def update(
        self,
        connection: Connection[Any],
        /,
        *,
        id: UUID,
        is_active: bool,
        name: str,
        settings: Any,
    ) -> Tenant | None:
        """Change a tenant's name, settings and whether it is served."""

class UsersQueries:
    """The people of a tenant. E-mail addresses are kept in lower case."""

    def create(
        self,
        connection: Connection[Any],
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

    def delete(self, connection: Connection[Any], /, *, id: UUID, tenant_id: UUID) -> int:
        """Remove a user who owns no workflows.

        Raises: StillReferenced.
        """

    def get(self, connection: Connection[Any], /, *, id: UUID, tenant_id: UUID) -> User | None:
        """One user by id."""

    def get_by_email(self, connection: Connection[Any], /, *, email: str, tenant_id: UUID) -> User | None:
        """One user by e-mail address, in whatever case."""

    def page(self, connection: Connection[Any], /, *, after_id: UUID, limit: int, tenant_id: UUID) -> list[User]:
        """Users by id, which is the order of their creation."""

    def update(
        self,
        connection: Connection[Any],
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

class WorkflowTermsQueries:
    """What workflows are found by: a projection of their documents. Search with workflows.page_by_terms."""

    def add_many(
        self,
        connection: Connection[Any],
        /,
        *,
        kinds: list[str],
        tenant_id: UUID,
        terms: list[str],
        workflow_id: UUID,
    ) -> int:
        """Add terms of one workflow, one for each place of the arrays."""

    def page_by_workflow(
        self,
        connection: Connection[Any],
        /,
        *,
        after_kind: str,
        after_term: str,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[WorkflowTerm]:
        """A workflow's terms by kind and term."""

    def remove_others(
        self,
        connection: Connection[Any],
        /,
        *,
        kinds: list[str],
        tenant_id: UUID,
        terms: list[str],
        workflow_id: UUID,
    ) -> int:
        """Remove the terms of one workflow that are not in the arrays."""

class WorkflowVersionsQueries:
    """The documents that workflows have had. Written by saves, never updated, gone with the workflow."""

    def create(
        self,
        connection: Connection[Any],
        /,
        *,
        change_summary: str,
        created_by: UUID | None,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> int:
        """Keep the workflow's document as a version, if the save of this transaction has changed it."""

    def get(
        self,
        connection: Connection[Any],
        /,
        *,
        revision: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> WorkflowVersion | None:
        """One version with its document."""

    def page(
        self,
        connection: Connection[Any],
        /,
        *,
        before_revision: int,
        limit: int,
        tenant_id: UUID,
        workflow_id: UUID,
    ) -> list[WorkflowVersionSummary]:
        """A workflow's versions without their documents, latest first."""

class WorkflowsQueries:
    """Workflow definitions. A save is several of these in one round trip: see wfstore's store.workflows.save."""

    def create(
        self,
        connection: Connection[Any],
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

    def delete(self, connection: Connection[Any], /, *, id: UUID, tenant_id: UUID) -> int:
        """Remove a workflow that has no executions in history, with its versions, nodes, connections and terms.

        Raises: StillReferenced.
        """

    def get(self, connection: Connection[Any], /, *, id: UUID, tenant_id: UUID) -> Workflow | None:
        """One workflow with its document."""

    def lock(self, connection: Connection[Any], /, *, id: UUID, revision: int, tenant_id: UUID) -> int:
        """Lock a workflow for a save, if it still is at this revision.

        Raises: NotFound, RevisionConflict.
        """

    def names(self, connection: Connection[Any], /, *, ids: list[UUID], tenant_id: UUID) -> list[WorkflowName]:
        """What workflows are called; those that are not there are left out."""

    def page(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[WorkflowSummary]:
        """Workflows without their documents, latest id first."""

    def page_by_terms(
        self,
        connection: Connection[Any],
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

    def page_by_user(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
        user_id: UUID,
    ) -> list[WorkflowSummary]:
        """A user's workflows, latest id first."""

    def page_templates(
        self,
        connection: Connection[Any],
        /,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID,
    ) -> list[WorkflowSummary]:
        """A tenant's templates, latest id first."""

    def revision(self, connection: Connection[Any], /, *, id: UUID, tenant_id: UUID) -> WorkflowRevision | None:
        """Where a workflow stands, without its document."""

    def save(
        self,
        connection: Connection[Any],
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

    def set_active(self, connection: Connection[Any], /, *, active: bool, id: UUID, tenant_id: UUID) -> int:
        """Let a workflow's triggers run, or not; makes no version."""

    def set_pin_data(self, connection: Connection[Any], /, *, id: UUID, pin_data: Any, tenant_id: UUID) -> int:
        """Replace the pinned data; makes no version."""

    def set_settings(self, connection: Connection[Any], /, *, id: UUID, settings: Any, tenant_id: UUID) -> int:
        """Replace the settings; makes no version."""

    def set_static_data(self, connection: Connection[Any], /, *, id: UUID, static_data: Any, tenant_id: UUID) -> int:
        """Replace what triggers and nodes remember between runs; makes no version."""

class TypedQueries:
    """All queries, by namespace."""

    checks: ChecksQueries
    concurrency_limits: ConcurrencyLimitsQueries
    dead_letters: DeadLettersQueries
    execution_keys: ExecutionKeysQueries
    execution_pauses: ExecutionPausesQueries
    execution_signals: ExecutionSignalsQueries
    executions: ExecutionsQueries
    history: HistoryQueries
    migrations: MigrationsQueries
    monitoring: MonitoringQueries
    node_connections: NodeConnectionsQueries
    node_executions: NodeExecutionsQueries
    nodes: NodesQueries
    partitions: PartitionsQueries
    retention_policies: RetentionPoliciesQueries
    schema: SchemaQueries
    session: SessionQueries
    tenants: TenantsQueries
    users: UsersQueries
    workflow_terms: WorkflowTermsQueries
    workflow_versions: WorkflowVersionsQueries
    workflows: WorkflowsQueries
    def __init__(self, catalogue: Catalogue) -> None: ...

class ConcurrencyLimitsNamespace(Namespace):
    """How many executions of one key run at once."""

    def delete(self, *, concurrency_key: str, tenant_id: UUID = ...) -> int:
        """Forget a key's limit; what waits for a place is let in by `refill`."""

    def get(self, *, concurrency_key: str, tenant_id: UUID = ...) -> ConcurrencyLimit | None:
        """The limit of one key."""

    def page(self, *, after_key: str, limit: int, tenant_id: UUID = ...) -> list[ConcurrencyLimit]:
        """Limits by key."""

    def page_use(self, *, after_key: str, limit: int, tenant_id: UUID = ...) -> list[ConcurrencyUse]:
        """Limits by key, with how many executions of each run and how many wait for a place."""

    def refill(self, *, concurrency_key: str, tenant_id: UUID = ...) -> int:
        """Let in the next executions of a key, as many as it has free places; how many they were."""

    def set_limit(self, *, concurrency_key: str, max_running: int, tenant_id: UUID = ...) -> int:
        """Set how many executions of a key may run at once; those that run already go on."""

class DeadLettersNamespace(Namespace):
    """Executions that were given up, until somebody has dealt with them."""

    def delete_many(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[ExecutionKey]:
        """Take executions off the list; those that were on it."""

    def get(self, *, execution_id: UUID, tenant_id: UUID = ...) -> DeadLetter | None:
        """One of them."""

    def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[DeadLetter]:
        """Dead letters, latest execution first."""

class ExecutionKeysNamespace(Namespace):
    """Which execution came of a caller's idempotency key."""

    def delete_expired(self, *, limit: int, now: datetime, tenant_id: UUID = ...) -> int:
        """Remove keys that may be used anew, at most :limit."""

    def get_many(self, *, idempotency_keys: list[str], tenant_id: UUID = ...) -> list[IdempotencyKey]:
        """The executions of these keys."""

class ExecutionPausesNamespace(Namespace):
    """Queues and workflows of which nothing is handed out."""

    def create(self, *, kind: str, name: str, reason: str, tenant_id: UUID = ...) -> int:
        """Pause a queue or a workflow; one that is paused already stays so."""

    def delete(self, *, kind: str, name: str, tenant_id: UUID = ...) -> int:
        """End a pause. What a claim has parked for it is made ready by `unpark`."""

    def page(self, *, after_kind: str, after_name: str, limit: int, tenant_id: UUID = ...) -> list[ExecutionPause]:
        """Pauses by kind and name."""

    def unpark(self, *, tenant_id: UUID = ..., workflow_id: UUID) -> list[str]:
        """Make ready what was parked while a workflow was paused; in which queues that was."""

class ExecutionSignalsNamespace(Namespace):
    """What people and other systems tell executions."""

    def add(
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

    def delete_by_execution(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """Forget what an execution was told."""

    def page_by_execution(
        self,
        *,
        after_id: UUID,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[ExecutionSignal]:
        """An execution's signals, oldest first."""

    def take(
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

class ExecutionsNamespace(Namespace):
    """Executions: the queue that workers claim from, and the history that stays."""

    def delete(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """Remove one ended execution with its node results; whole periods go by dropping partitions instead."""

    def enqueue_many(
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

    def get(self, *, execution_id: UUID, tenant_id: UUID = ...) -> Execution | None:
        """One execution, whole."""

    def get_many(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[Execution]:
        """Executions, whole; those that are not there are left out."""

    def get_queue_entry(self, *, execution_id: UUID, tenant_id: UUID = ...) -> QueueEntry | None:
        """How the queue sees an execution; no row once it has ended."""

    def heartbeat_many(
        self,
        *,
        attempts: list[int],
        execution_ids: list[UUID],
        lease_until: datetime | None,
        tenant_ids: list[UUID],
    ) -> list[Lease]:
        """Prolong leases, one for each place of the arrays; those that are lost are not returned."""

    def lock(self, *, execution_id: UUID, tenant_id: UUID = ...) -> str | None:
        """Lock an execution that has not ended, so that what follows in this transaction sees its last state; its
        status.
        """

    def lock_many(self, *, attempts: list[int], execution_ids: list[UUID], tenant_ids: list[UUID]) -> int:
        """Lock the queue rows of leases, one for each place of the arrays, that are held, then the limits of their
        keys: each in
        the order of their keys, so that no two workers who give back several wait in a ring. Returns how many are
        held.
        A statement of its own: PostgreSQL 18 (18.6, at least) may read freed memory where one locks rows and
        chooses partitions.
        """

    def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions without their payload, latest first."""

    def page_active(self, *, before_id: UUID, limit: int, status: str, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions that have not ended and have this status in the queue, without their payload, latest first.
        Once a wait
        is over they are NEW there, and WAITING in history until a worker has them.
        """

    def page_by_workflow(
        self,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[ExecutionSummary]:
        """A workflow's executions without their payload, latest first."""

    def page_canceled(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions that were canceled, without their payload, latest first."""

    def page_children(
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

    def page_failed(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[ExecutionSummary]:
        """Executions that ended in ERROR, without their payload, latest first."""

    def page_queue(self, *, after_id: UUID, limit: int, queue: str, tenant_id: UUID = ...) -> list[QueueEntry]:
        """What has not ended in one queue, by id."""

    def start_many(
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

    def unfinished(self, *, execution_ids: list[UUID], tenant_id: UUID = ...) -> list[QueueEntry]:
        """Which of these executions have not ended, as the queue sees them."""

    def update_metadata(self, *, execution_id: UUID, metadata: Any, tenant_id: UUID = ...) -> int:
        """Replace what the caller keeps along with an execution."""

    def wake_due(self, *, limit: int, now: datetime, queue: str, tenant_ids: list[UUID]) -> int:
        """Make ready what time has made due in a queue: scheduled starts, waits that time out, leases that ran out.
        A lease
        lost is a failure; after too many the execution is given up. Returns how many rows it saw.
        """

    def wake_signaled(
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

class MonitoringNamespace(Namespace):
    """What operators look at. Windows begin at an id: a UUIDv7 carries its time, so old partitions are not read."""

    def active_by_status(self, *, tenant_id: UUID = ...) -> list[StatusCount]:
        """How many executions have not ended, by status; from the queue, which holds no others."""

    def by_status(self, *, since_id: UUID, tenant_id: UUID = ...) -> list[StatusCount]:
        """How many executions have each status, exactly, since the full hour in which :since_id lies: the ended ones
        from the
        roll-up, the others from the queue. Once a wait is over they are NEW there, and WAITING in history until a
        worker
        has them.
        """

    def failing_nodes(self, *, limit: int, since_id: UUID, tenant_id: UUID = ...) -> list[NodeFailures]:
        """The nodes that failed most often in the window."""

    def performance(self, *, since_id: UUID, tenant_id: UUID = ...) -> Performance:
        """How long the finished executions took since the full hour in which :since_id lies. Count and average are
        exact; a
        percentile is that of a histogram whose buckets double: never more than twice or less than half the true
        one.
        """

    def performance_by_workflow(
        self,
        *,
        limit: int,
        since_id: UUID,
        tenant_id: UUID = ...,
    ) -> list[WorkflowPerformance]:
        """The same for each workflow, those with most executions first."""

    def queue_depth(self, *, now: datetime, tenant_id: UUID = ...) -> list[QueueDepth]:
        """What is in each queue, and since when the oldest ready execution waits for a worker."""

    def slowest_nodes(self, *, limit: int, since_id: UUID, tenant_id: UUID = ...) -> list[NodeDurations]:
        """The nodes whose runs in the window took longest on average."""

    def storage(self, *, limit: int) -> list[TableStorage]:
        """What each table takes on disk, partitions summed to their parent, largest first."""

class NodeConnectionsNamespace(Namespace):
    """The edges of workflows: a projection of their documents, written by saves."""

    def get(self, *, ordinal: int, tenant_id: UUID = ..., workflow_id: UUID) -> NodeConnection | None:
        """One connection by its place in the document."""

    def page_by_workflow(
        self,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[NodeConnection]:
        """A workflow's connections in the order of its document."""

    def remove_others(self, *, ordinals: list[int], tenant_id: UUID = ..., workflow_id: UUID) -> int:
        """Remove the connections of one workflow that are not at these places."""

    def upsert_many(
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

class NodeExecutionsNamespace(Namespace):
    """The results of nodes. Written under the fence of a lease; final ones are immutable."""

    def copy_results(
        self,
        *,
        except_node_ids: list[str],
        from_execution_id: UUID,
        tenant_id: UUID = ...,
        to_execution_id: UUID,
    ) -> int:
        """Give an execution that has not begun the successful results of another one, but for those nodes."""

    def count_by_execution(self, *, execution_id: UUID, tenant_id: UUID = ...) -> int:
        """How many node results an execution has."""

    def get(self, *, execution_id: UUID, node_id: str, run_index: int, tenant_id: UUID = ...) -> NodeExecution | None:
        """One node's run, whole."""

    def get_many(
        self,
        *,
        execution_ids: list[UUID],
        node_ids: list[str],
        tenant_ids: list[UUID],
    ) -> list[NodeExecution]:
        """Runs of any of these nodes in any of these executions, whole."""

    def page_by_execution(
        self,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[NodeExecutionSummary]:
        """An execution's node runs without their payload, by node and pass."""

    def page_results(
        self,
        *,
        after_node_id: str,
        after_run_index: int,
        execution_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
    ) -> list[NodeExecution]:
        """An execution's node runs, whole, by node and pass."""

class NodesNamespace(Namespace):
    """The nodes of workflows: a projection of their documents, written by saves."""

    def get(self, *, node_id: str, tenant_id: UUID = ..., workflow_id: UUID) -> Node | None:
        """One node."""

    def page_by_workflow(
        self,
        *,
        after_ordinal: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[Node]:
        """A workflow's nodes in the order of its document."""

    def remove_others(self, *, node_ids: list[str], tenant_id: UUID = ..., workflow_id: UUID) -> int:
        """Remove the nodes of one workflow that are not among these, with their connections."""

    def upsert_many(
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

class PartitionsNamespace(Namespace):
    """The pieces that history is kept in: a period is a partition of executions and one of node results."""

    def analyze(self) -> int:
        """Count what is in history, partitions and parents: autovacuum never looks at parents."""

    def drop(self, *, suffix: str) -> str:
        """Drop a period with all its executions, in a transaction of its own: 55P03 if somebody has it locked for
        200 ms, 55006
        if the queue has one of its executions.
        """

    def forget(self, *, since: datetime, until: datetime) -> int:
        """Remove what refers to executions of a period that was dropped; how many rows that were."""

    def make(self, *, at: datetime) -> str:
        """Make the partitions that hold this time, within 35 days of now; in a transaction of its own.

        Raises: PartitionOutOfWindow.
        """

    def create(self, *, at: datetime) -> str:
        """Make the partitions that hold this time, wherever it lies; in a transaction of its own."""

    def missing(self, *, ats: list[datetime]) -> list[datetime]:
        """Which of these times no partition holds."""

    def starts(self, *, since: datetime, until: datetime) -> list[datetime]:
        """Where the partitions begin that hold any time from one to before another, by the interval of the retention
        policy.
        """

    def periods(self, *, limit: int) -> list[Period]:
        """The periods of history, oldest first."""

class RetentionPoliciesNamespace(Namespace):
    """How long history is kept. Everybody reads it; an operator (the owner) writes it."""

    def delete(self, *, table_name: str) -> int:
        """Remove a policy; the table is then kept for ever."""

    def get(self, *, table_name: str) -> RetentionPolicy | None:
        """The policy of one table."""

    def page(self, *, after_table_name: str, limit: int) -> list[RetentionPolicy]:
        """Policies by table name."""

    def set(
        self,
        *,
        keep: timedelta | None,
        partition_interval: timedelta,
        partitions_ahead: int,
        table_name: str,
    ) -> RetentionPolicy:
        """Set the policy of one table; keep NULL: for ever."""

class TenantsNamespace(Namespace):
    """The tenants. A session sees those that it works for."""

    def create(self, *, id: UUID, name: str, settings: Any, slug: str) -> Tenant:
        """Add a tenant; the session must already work for its id.

        Raises: AlreadyExists.
        """

    def delete(self, *, id: UUID) -> int:
        """Remove a tenant that has no rows left anywhere.

        Raises: StillReferenced.
        """

    def get(self, *, id: UUID) -> Tenant | None:
        """One tenant by id."""

    def page(self, *, after_id: UUID, limit: int) -> list[Tenant]:
        """Tenants that this session works for, by id."""

    def resolve(self, *, slug: str) -> UUID | None:
        """The id of the active tenant of this slug; works before a session has a tenant."""

    def update(self, *, id: UUID, is_active: bool, name: str, settings: Any) -> Tenant | None:
        """Change a tenant's name, settings and whether it is served."""

class UsersNamespace(Namespace):
    """The people of a tenant. E-mail addresses are kept in lower case."""

    def create(
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

    def delete(self, *, id: UUID, tenant_id: UUID = ...) -> int:
        """Remove a user who owns no workflows.

        Raises: StillReferenced.
        """

    def get(self, *, id: UUID, tenant_id: UUID = ...) -> User | None:
        """One user by id."""

    def get_by_email(self, *, email: str, tenant_id: UUID = ...) -> User | None:
        """One user by e-mail address, in whatever case."""

    def page(self, *, after_id: UUID, limit: int, tenant_id: UUID = ...) -> list[User]:
        """Users by id, which is the order of their creation."""

    def update(
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

class WorkflowTermsNamespace(Namespace):
    """What workflows are found by: a projection of their documents. Search with workflows.page_by_terms."""

    def add_many(self, *, kinds: list[str], tenant_id: UUID = ..., terms: list[str], workflow_id: UUID) -> int:
        """Add terms of one workflow, one for each place of the arrays."""

    def page_by_workflow(
        self,
        *,
        after_kind: str,
        after_term: str,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[WorkflowTerm]:
        """A workflow's terms by kind and term."""

    def remove_others(self, *, kinds: list[str], tenant_id: UUID = ..., terms: list[str], workflow_id: UUID) -> int:
        """Remove the terms of one workflow that are not in the arrays."""

class WorkflowVersionsNamespace(Namespace):
    """The documents that workflows have had. Written by saves, never updated, gone with the workflow."""

    def create(self, *, change_summary: str, created_by: UUID | None, tenant_id: UUID = ..., workflow_id: UUID) -> int:
        """Keep the workflow's document as a version, if the save of this transaction has changed it."""

    def get(self, *, revision: int, tenant_id: UUID = ..., workflow_id: UUID) -> WorkflowVersion | None:
        """One version with its document."""

    def page(
        self,
        *,
        before_revision: int,
        limit: int,
        tenant_id: UUID = ...,
        workflow_id: UUID,
    ) -> list[WorkflowVersionSummary]:
        """A workflow's versions without their documents, latest first."""

class WorkflowsNamespace(Namespace):
    """Workflow definitions. A save is several of these in one round trip: see wfstore's store.workflows.save."""

    def create(
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

    def delete(self, *, id: UUID, tenant_id: UUID = ...) -> int:
        """Remove a workflow that has no executions in history, with its versions, nodes, connections and terms.

        Raises: StillReferenced.
        """

    def get(self, *, id: UUID, tenant_id: UUID = ...) -> Workflow | None:
        """One workflow with its document."""

    def lock(self, *, id: UUID, revision: int, tenant_id: UUID = ...) -> int:
        """Lock a workflow for a save, if it still is at this revision.

        Raises: NotFound, RevisionConflict.
        """

    def names(self, *, ids: list[UUID], tenant_id: UUID = ...) -> list[WorkflowName]:
        """What workflows are called; those that are not there are left out."""

    def page(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[WorkflowSummary]:
        """Workflows without their documents, latest id first."""

    def page_by_terms(
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

    def page_by_user(
        self,
        *,
        before_id: UUID,
        limit: int,
        tenant_id: UUID = ...,
        user_id: UUID,
    ) -> list[WorkflowSummary]:
        """A user's workflows, latest id first."""

    def page_templates(self, *, before_id: UUID, limit: int, tenant_id: UUID = ...) -> list[WorkflowSummary]:
        """A tenant's templates, latest id first."""

    def revision(self, *, id: UUID, tenant_id: UUID = ...) -> WorkflowRevision | None:
        """Where a workflow stands, without its document."""

    def save(
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

    def set_active(self, *, active: bool, id: UUID, tenant_id: UUID = ...) -> int:
        """Let a workflow's triggers run, or not; makes no version."""

    def set_pin_data(self, *, id: UUID, pin_data: Any, tenant_id: UUID = ...) -> int:
        """Replace the pinned data; makes no version."""

    def set_settings(self, *, id: UUID, settings: Any, tenant_id: UUID = ...) -> int:
        """Replace the settings; makes no version."""

    def set_static_data(self, *, id: UUID, static_data: Any, tenant_id: UUID = ...) -> int:
        """Replace what triggers and nodes remember between runs; makes no version."""
