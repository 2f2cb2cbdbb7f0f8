# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Bring executions that ended elsewhere into history: many at once, in constant memory, again from where it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

import psycopg
from psycopg import Connection

from wfstore.errors import AlreadyExists, InvalidInput, NotFound, PartitionOutOfWindow, WfstoreError
from wfstore.history import EndedExecution, HistoryImport
from wfstore.history_rows import EncodedExecution, copied, encode
from wfstore.ids import time_of
from wfstore.models import TakenIn, WorkflowName
from wfstore.sync.namespaces import Namespace
from wfstore.sync.running import Runner, TransactionRunner
from wfstore.sync.waiting import each, in_thread
from wfstore.translate import partition_missing

CHUNK_EXECUTIONS = 1_000
"""Executions of one transaction: from here on larger ones gained less than a tenth."""
CHUNK_BYTES = 8 * 1024 * 1024
"""Of their rows; an execution that has more goes alone."""

ASKED_AT_ONCE = 100
"""Executions whose presence one query asks for; so many are held as they were given."""

Refused = Callable[[EndedExecution, WfstoreError], object]
Progress = Callable[[HistoryImport], object]
MakePartition = Callable[[datetime], object]


class HistoryWriting(Namespace):
    """What `store.executions` offers for imports."""

    def import_history(
        self,
        executions: Iterable[EndedExecution] | Iterable[EndedExecution],
        *,
        refused: Refused | None = None,
        progress: Progress | None = None,
        make_partition: MakePartition | None = None,
    ) -> HistoryImport:
        """Bring executions that have ended, with the runs of their nodes, into history.

        They are read and written in chunks, each one transaction, so that there may be any number of them, and other
        writers wait for nothing. What is in history already, by its id, stays as it is: an import that was
        interrupted goes on where it ended when it is run again with the same executions, and passes quickly over what
        is there. An execution is there with all its node runs, or not at all.

        Args:
            executions: they may come in any order; by the time of their ids is the fastest.
            refused: called with each execution that cannot be stored, and why; the others are stored, those of the
                same chunk too. None: the first one's error ends the import; what was read just before it may be
                stored or not, and running it again goes on from there.
            progress: called after each step, with what has been done so far.
            make_partition: called with a time for which history has no partition, if that lies more than 35 days
                from now; see `wfstore.partitions.maintainer`. None: such a time ends the import.

        Raises:
            InvalidInput: a value makes no sense, and `refused` is None; or it is called inside a transaction.
            NotFound: a workflow is not there, and `refused` is None.
            PartitionOutOfWindow: history has no partition for an execution, and nobody to make it.
            DatabaseUnavailable, OutcomeUnknown: the connection was lost, several times in a row. Run it again.
        """
        if isinstance(self._runner, TransactionRunner):
            raise InvalidInput(
                "import_history makes transactions of its own", hint="Call it on the store, not inside a transaction."
            )
        run = _Import(self._runner, refused, progress, make_partition)
        for execution in each(executions):
            run.take(execution)
        return run.finish()


class _NoPartition(Exception):
    """Some row of a chunk found no partition; nothing of it was written."""


class _Import(Namespace):
    """One import, and the chunk that it has read."""

    def __init__(
        self,
        runner: Runner,
        refused: Refused | None,
        progress: Progress | None,
        make_partition: MakePartition | None,
    ) -> None:
        super().__init__(runner, "history")
        self.done = HistoryImport()
        self._refused = refused
        self._progress = progress
        self._make_partition = make_partition
        self._unasked: list[EndedExecution] = []
        """Read, and perhaps in history already."""
        self._chunk: dict[bytes, EncodedExecution] = {}
        """To be written next."""
        self._bytes = 0
        self._workflows: dict[bytes, bool] = {}
        """Whether a workflow is there, of those that were asked for."""
        self._asks = True
        """Whether some may be there: at first, as the import may go on with an interrupted one, and while some are."""

    def take(self, execution: EndedExecution) -> None:
        """Take the next execution, and write those that make a chunk."""
        self.done = self.done.plus(read=1)
        # The database would say in its own words that an id is none.
        if self._asks and isinstance(execution.execution_id, UUID):
            self._unasked.append(execution)
            if len(self._unasked) == ASKED_AT_ONCE:
                self._ask()
        else:
            self._add(execution)

    def finish(self) -> HistoryImport:
        """Write what is left; return what was done."""
        self._ask()
        self._write_chunk()
        return self.done

    def _ask(self) -> None:
        """Leave out what is in history, before it is encoded and sent."""
        if not self._unasked:
            return
        unasked, self._unasked = self._unasked, []
        present = set(self._run("present", execution_ids=[execution.execution_id for execution in unasked]))
        self._asks = bool(present)
        new = [execution for execution in unasked if execution.execution_id not in present]
        self.done = self.done.plus(present=len(unasked) - len(new))
        for execution in new:
            self._add(execution)
        self._tell()

    def _add(self, execution: EndedExecution) -> None:
        """Add an execution to the chunk; write that when it is full."""
        try:
            encoded = encode(execution)
        except InvalidInput as error:
            self._refuse(execution, error)
            return
        key = execution.execution_id.bytes
        if key in self._chunk:
            self.done = self.done.plus(present=1)
            return
        self._chunk[key] = encoded
        self._bytes += encoded.size
        if len(self._chunk) >= CHUNK_EXECUTIONS or self._bytes >= CHUNK_BYTES:
            self._write_chunk()

    def _write_chunk(self) -> None:
        # In the order of their keys: two imports of the same executions wait for each other, and do not deadlock.
        chunk = [self._chunk[key] for key in sorted(self._chunk)]
        self._chunk, self._bytes = {}, 0
        self._write(self._with_workflows(chunk))
        self._tell()

    def _with_workflows(self, chunk: Sequence[EncodedExecution]) -> list[EncodedExecution]:
        """Refuse executions of workflows that are not there."""
        unknown = {one.execution.workflow_id for one in chunk if one.execution.workflow_id.bytes not in self._workflows}
        if unknown:
            found: list[WorkflowName]
            [found] = self._runner.run(self._call("workflows.names", ids=list(unknown)))
            there = {workflow.id for workflow in found}
            self._workflows |= {identifier.bytes: identifier in there for identifier in unknown}
        kept = []
        for one in chunk:
            if self._workflows[one.execution.workflow_id.bytes]:
                kept.append(one)
            else:
                self._refuse(one.execution, _no_workflow(one.execution))
        return kept

    def _write(self, chunk: Sequence[EncodedExecution]) -> None:
        """Store these executions in one transaction; of those that the database refuses find out which it means."""
        if not chunk:
            return
        try:
            taken = self._attempt(chunk)
        except (InvalidInput, NotFound, AlreadyExists) as error:
            if len(chunk) == 1:
                self._refuse(chunk[0].execution, type(error)(f"execution {chunk[0].execution.execution_id}: {error}"))
                return
            # Nothing was written, and one of them is at fault: the halves find out which.
            middle = len(chunk) // 2
            self._write(chunk[:middle])
            self._write(chunk[middle:])
            return
        present = len(chunk) - taken.executions
        self._asks = self._asks or present > 0
        self.done = self.done.plus(inserted=taken.executions, node_runs=taken.node_runs, present=present)

    def _attempt(self, chunk: Sequence[EncodedExecution]) -> TakenIn:
        def steps(transaction: Runner) -> TakenIn:
            return self._copy(transaction, chunk)

        try:
            return self._runner.transact(steps, repeatable=True)
        except _NoPartition:
            self._make_partitions(chunk)
        try:
            return self._runner.transact(steps, repeatable=True)
        except _NoPartition as error:  # dropped meanwhile
            raise _no_partition(chunk[0].execution) from error

    def _copy(self, transaction: Runner, chunk: Sequence[EncodedExecution]) -> TakenIn:
        assert isinstance(transaction, TransactionRunner)  # noqa: S101 - which has a connection
        connection = transaction.connection
        transaction.run(self._call("stage_executions"), self._call("stage_node_runs"))
        self._send(connection, "copy_executions", copied(one.row for one in chunk))
        self._send(connection, "copy_node_runs", copied(one.nodes for one in chunk))
        taken: TakenIn
        try:
            [taken] = transaction.run(self._call("take_in"))
        except psycopg.Error as error:
            if partition_missing(error):
                raise _NoPartition from error
            raise
        return taken

    def _send(self, connection: Connection[object], name: str, rows: bytes) -> None:
        with connection.cursor() as cursor, cursor.copy(self._queries[name].text.encode()) as copy:
            copy.write(rows)

    def _make_partitions(self, chunk: Sequence[EncodedExecution]) -> None:
        """Make the partitions that are missing; one time a day is enough, none spans less."""
        days: dict[date, tuple[datetime, EndedExecution]] = {}
        for one in chunk:
            at = time_of(one.execution.execution_id)
            days.setdefault(at.date(), (at, one.execution))
        missing: list[datetime]
        [missing] = self._runner.run(self._call("partitions.missing", ats=[at for at, _ in days.values()]))
        for at in missing:
            try:
                self._runner.run(self._call("partitions.make", at=at))
            except PartitionOutOfWindow as error:
                make = self._make_partition
                if make is None:
                    raise _no_partition(days[at.date()][1]) from error
                in_thread(lambda: make(at))  # noqa: B023 - it is called before the next turn

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.done)

    def _refuse(self, execution: EndedExecution, error: WfstoreError) -> None:
        if self._refused is None:
            raise error
        self.done = self.done.plus(refused=1)
        self._refused(execution, error)


def _no_workflow(execution: EndedExecution) -> NotFound:
    return NotFound(
        f"execution {execution.execution_id}: there is no workflow {execution.workflow_id}",
        hint="Import or add the workflow first, under this id.",
    )


def _no_partition(execution: EndedExecution) -> PartitionOutOfWindow:
    at = time_of(execution.execution_id)
    return PartitionOutOfWindow(
        f"execution {execution.execution_id}: history has no partition for {at:%Y-%m-%d}, more than 35 days from now",
        hint=f"The maintainer makes it: wfstore partitions make --from {at:%Y-%m-%d}. What came before it is stored.",
    )
