"""What the database knows of one execution: history, queue, signals, children, node runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from wfstore.cli.queue_words import Pauses
from wfstore.errors import NotFound
from wfstore.ids import FIRST_ID
from wfstore.vocabulary import ExecutionStatus, NodeStatus

if TYPE_CHECKING:
    from wfstore.models import (
        DeadLetter,
        Execution,
        ExecutionSignal,
        ExecutionSummary,
        NodeExecution,
        NodeExecutionSummary,
        QueueEntry,
    )
    from wfstore.sync.store import Store

Row = TypeVar("Row")

_PAGE = 1_000
_CHILDREN = 200
_ERRORS = 20
_CLOCKS = 24 * 3_600_000
"""By how many milliseconds the clock that made a child's id may be behind that of its parent's."""


@dataclass(frozen=True)
class Facts:
    """One execution, as of one moment."""

    now: datetime
    execution: Execution
    entry: QueueEntry | None
    """None: it has ended."""
    letter: DeadLetter | None
    signals: Sequence[ExecutionSignal]
    children: Sequence[ExecutionSummary]
    more_children: bool
    entries: Mapping[UUID, QueueEntry]
    """Of children that have not ended."""
    pauses: Pauses
    places: int | None
    """The limit of its concurrency key."""
    names: Mapping[UUID, str]
    """Of workflows: its own and its children's."""
    node_names: Mapping[str, str]
    """By node id, in the version that it runs."""
    runs: Sequence[NodeExecutionSummary]
    results: Mapping[tuple[str, int], NodeExecution]
    """Runs whose payload was asked for, or that failed; by node and pass."""

    @property
    def status(self) -> ExecutionStatus:
        """Where it stands; the queue is ahead of history, where a wait that is over is still WAITING."""
        return self.execution.status if self.entry is None else self.entry.status

    @property
    def workflow_name(self) -> str:
        """What its workflow is called."""
        return self.names.get(self.execution.workflow_id, str(self.execution.workflow_id))

    def split(self) -> tuple[list[NodeExecutionSummary], list[NodeExecutionSummary]]:
        """Return the runs that it took over from the execution it repeats, and its own."""
        if self.execution.retry_of_execution_id is None:
            return [], list(self.runs)
        # copied when it was enqueued: they ended before it began
        begin = self.execution.start_time
        older: list[NodeExecutionSummary] = []
        own: list[NodeExecutionSummary] = []
        for run in self.runs:
            before = run.end_time is not None and (begin is None or run.end_time < begin)
            (older if before else own).append(run)
        return older, own

    def bounds(self, runs: Sequence[NodeExecutionSummary]) -> tuple[int, int]:
        """Return where a timeline of these runs begins and ends, in Unix milliseconds."""
        now = int(self.now.timestamp() * 1000)
        starts = [run.start_time for run in runs if run.start_time is not None]
        begin = self.execution.start_time
        if begin is None:
            begin = min(starts, default=now)
        end = self.execution.end_time
        return begin, max(begin, now if end is None else end)


def collect(store: Store, execution_id: UUID, now: datetime, *, payloads: bool) -> Facts:
    """Ask for everything; with `payloads` also for what went into nodes and came out.

    Raises:
        NotFound: there is no such execution.
    """
    # The queue before history: what has ended in between is seen to have ended.
    entry = store.executions.get_queue_entry(execution_id=execution_id)
    execution = store.executions.get(execution_id=execution_id)
    if execution is None:
        raise NotFound(
            f"there is no execution {execution_id}",
            hint="`wfstore executions list` shows those of a tenant (--tenant); old ones go with their period.",
        )
    if execution.status.is_final:
        entry = None
    children = _children(store, execution_id)
    shown = children[:_CHILDREN]
    limit = None
    if entry is not None and entry.concurrency_key is not None:
        limit = store.concurrency_limits.get(concurrency_key=entry.concurrency_key)
    runs, results = node_runs(store, execution_id, payloads=payloads)
    return Facts(
        now=now,
        execution=execution,
        entry=entry,
        letter=store.dead_letters.get(execution_id=execution_id) if entry is None else None,
        signals=_signals(store, execution_id),
        children=shown,
        more_children=len(children) > len(shown),
        entries=queue_entries(store, shown),
        pauses=pauses(store),
        places=None if limit is None else limit.max_running,
        names=workflow_names(store, {execution.workflow_id, *(child.workflow_id for child in shown)}),
        node_names=_node_names(store, execution),
        runs=runs,
        results=results,
    )


def node_runs(
    store: Store, execution_id: UUID, *, payloads: bool
) -> tuple[Sequence[NodeExecutionSummary], dict[tuple[str, int], NodeExecution]]:
    """Return all runs of an execution's nodes; and some whole: all with `payloads`, or else the first that failed."""
    results = store.node_executions
    if payloads:
        whole = results.whole_of(execution_id)
        return whole, {(run.node_id, run.run_index): run for run in whole}
    runs = results.all_of(execution_id)
    failed = [run for run in runs if run.status is NodeStatus.ERROR or (run.retry_count and not run.status.is_final)]
    failed.sort(key=lambda run: run.start_time or 0)
    found = (
        results.get(execution_id=execution_id, node_id=run.node_id, run_index=run.run_index) for run in failed[:_ERRORS]
    )
    return runs, {(run.node_id, run.run_index): run for run in found if run is not None}


def _walk(page: Callable[[dict[str, Any]], list[Row]], limit: int, after: Callable[[Row | None], Any]) -> list[Row]:
    """Read all pages; `after` says what the page behind a row begins with."""
    found: list[Row] = []
    while True:
        rows = page(after(found[-1] if found else None))
        found += rows
        if len(rows) < limit:
            return found


def _signals(store: Store, execution_id: UUID) -> list[ExecutionSignal]:
    return _walk(
        lambda after: store.execution_signals.page_by_execution(execution_id=execution_id, limit=_PAGE, **after),
        _PAGE,
        lambda signal: {"after_id": FIRST_ID if signal is None else signal.id},
    )


def _children(store: Store, execution_id: UUID) -> list[ExecutionSummary]:
    """Return the first children, one more than are shown if there are more."""
    begin = UUID(int=max(0, execution_id.int - (_CLOCKS << 80)))
    return store.executions.page_children(parent_execution_id=execution_id, after_id=begin, limit=_CHILDREN + 1)


def queue_entries(store: Store, found: Sequence[ExecutionSummary]) -> dict[UUID, QueueEntry]:
    """Return what the queue says of those executions that have not ended."""
    active = [row.execution_id for row in found if not row.status.is_final]
    if not active:
        return {}
    return {entry.execution_id: entry for entry in store.executions.unfinished(execution_ids=active)}


def pauses(store: Store) -> Pauses:
    """Return what is paused."""
    found = _walk(
        lambda after: store.execution_pauses.page(limit=_PAGE, **after),
        _PAGE,
        lambda pause: {
            "after_kind": "" if pause is None else pause.kind,
            "after_name": "" if pause is None else pause.name,
        },
    )
    return {(pause.kind, pause.name): pause for pause in found}


def workflow_names(store: Store, workflow_ids: set[UUID]) -> dict[UUID, str]:
    """Return what workflows are called."""
    return {found.id: found.name for found in store.workflows.names(ids=sorted(workflow_ids))} if workflow_ids else {}


def _node_names(store: Store, execution: Execution) -> dict[str, str]:
    """Return what the nodes are called in the version that runs; those without a name are left out."""
    version = store.workflow_versions.get(workflow_id=execution.workflow_id, revision=execution.workflow_revision)
    return {} if version is None else node_names(version.workflow_data)


def node_names(document: dict[str, Any]) -> dict[str, str]:
    """Return what the nodes of a document are called, by their ids; those without a name are left out."""
    nodes = [node for node in document.get("nodes") or [] if isinstance(node, dict)]
    return {
        node["node_id"]: node["name"]
        for node in nodes
        if isinstance(node.get("node_id"), str) and isinstance(node.get("name"), str)
    }
