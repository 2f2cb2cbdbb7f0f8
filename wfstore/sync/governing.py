# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""What governs the queue: limits of concurrency keys, pauses, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.errors import InvalidInput, NotFound
from wfstore.inputs import check_name
from wfstore.leases import NewExecution
from wfstore.models import DeadLetter, Execution, ExecutionCreated
from wfstore.sync.calling import Call
from wfstore.sync.executions import Executions
from wfstore.sync.running import Runner
from wfstore.sync.typed import (
    ConcurrencyLimitsNamespace,
    DeadLettersNamespace,
    ExecutionPausesNamespace,
)
from wfstore.vocabulary import PauseKind


def _last(results: list[Any]) -> Any:
    return results[-1]


class ConcurrencyLimits(ConcurrencyLimitsNamespace):
    """How many executions of one key run at once."""

    def set(self, concurrency_key: str, max_running: int) -> None:
        """Set a key's limit; those that run already go on, and those that now have a place are let in.

        Raises:
            InvalidInput: the limit is negative, or the key empty.
        """
        if max_running < 0:
            raise InvalidInput(f"the limit of {concurrency_key!r} cannot be {max_running}: it is 0 or more")
        check_name(concurrency_key, "the concurrency key")
        self._refilled(self._call("set_limit", concurrency_key=concurrency_key, max_running=max_running))

    def remove(self, concurrency_key: str) -> bool:
        """Forget a key's limit, so that all its executions may run at once; return whether it had one."""
        return bool(self._refilled(self._call("delete", concurrency_key=concurrency_key)))

    def _refilled(self, change: Call) -> Any:
        """Change a limit, and let in those that now have a place; the workers of their queues are told."""
        changed, *_ = self._runner.run(
            change,
            self._call("refill", concurrency_key=change.arguments["concurrency_key"]),
            self._call("session.woken"),
            woken=_last,
        )
        return changed


class ExecutionPauses(ExecutionPausesNamespace):
    """Queues and workflows of which nothing is handed out; what runs already goes on."""

    def pause_queue(self, queue: str, *, reason: str = "") -> bool:
        """Hand out nothing of a queue until it is resumed; return whether it was not paused before."""
        check_name(queue, "the queue")
        return bool(self._run("create", kind=PauseKind.QUEUE, name=queue, reason=reason))

    def resume_queue(self, queue: str) -> bool:
        """Hand out a queue's executions again; return whether it was paused."""
        [removed] = self._runner.run(
            self._call("delete", kind=PauseKind.QUEUE, name=queue), woken=lambda results: {queue} if results[0] else ()
        )
        return bool(removed)

    def pause_workflow(self, workflow_id: UUID, *, reason: str = "") -> bool:
        """Start no execution of a workflow until it is resumed; return whether it was not paused before.

        Raises:
            NotFound: there is no such workflow.
        """
        if self._run("workflows.revision", id=workflow_id) is None:
            raise NotFound(f"workflow {workflow_id} is not there")
        return bool(self._run("create", kind=PauseKind.WORKFLOW, name=str(workflow_id), reason=reason))

    def resume_workflow(self, workflow_id: UUID) -> bool:
        """Start a workflow's executions again; return whether it was paused."""
        removed, _ = self._runner.run(
            # A claim that is parking executions holds the pause; this waits for it, and then sees them.
            self._call("delete", kind=PauseKind.WORKFLOW, name=str(workflow_id)),
            self._call("unpark", workflow_id=workflow_id),
            woken=_last,
        )
        return bool(removed)


class DeadLetters(DeadLettersNamespace):
    """Executions that were given up, until somebody has dealt with them."""

    def replay(
        self, execution_id: UUID, *, from_node: str | None = None, now: datetime | None = None
    ) -> ExecutionCreated:
        """Run a dead letter again, as a new execution of mode RETRY in its old queue, and take it off the list.

        Raises:
            NotFound: it is not on the list.
        """

        def steps(transaction: Runner) -> ExecutionCreated:
            letter: DeadLetter | None
            old: Execution | None
            letter, old, gone = transaction.run(
                self._call("get", execution_id=execution_id),
                self._call("executions.get", execution_id=execution_id),
                self._call("delete_many", execution_ids=[execution_id]),
            )
            if letter is None or old is None or not gone:
                raise NotFound(f"execution {execution_id} is no dead letter", hint="It may have been replayed before.")
            new = NewExecution(
                workflow_id=old.workflow_id,
                metadata=old.metadata,
                queue=letter.queue,
                priority=letter.priority,
                concurrency_key=letter.concurrency_key,
            )
            executions = Executions(transaction, "executions")
            return executions.retry(execution_id, from_node=from_node, new=new, now=now)

        return self._runner.transact(steps, repeatable=False)

    def dismiss(self, *execution_ids: UUID) -> list[UUID]:
        """Take dead letters off the list without running them again; return which were on it."""
        gone = self._run("delete_many", execution_ids=list(execution_ids))
        return [each.execution_id for each in gone]
