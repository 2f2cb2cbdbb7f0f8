"""What an async handler is given: the execution's facts, and steps, waits and children that happen once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, overload
from uuid import UUID

from wfstore.aio.store import AsyncStore
from wfstore.leases import DEFAULT_QUEUE, ClaimedExecution, NewExecution, NodeResult
from wfstore.models import Execution, WorkflowVersion
from wfstore.vocabulary import NodeStatus, NodeType
from wfstore.worker import waits
from wfstore.worker.journal import Journal, Step
from wfstore.worker.results import as_json
from wfstore.worker.steps import on_the_loop, run_step

T = TypeVar("T")


class Facts:
    """What a context says of its execution."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @property
    def lease(self) -> ClaimedExecution:
        """The lease: ids, workflow and version, attempt, mode, parent, metadata."""
        return self._journal.lease

    @property
    def execution_id(self) -> UUID:
        """The execution."""
        return self.lease.execution_id

    @property
    def attempt(self) -> int:
        """How often it was claimed, this time included; each wait that suspended it counts."""
        return self.lease.attempt

    @property
    def metadata(self) -> dict[str, Any]:
        """What came along when it was enqueued."""
        return self.lease.metadata

    @property
    def lost(self) -> bool:
        """Whether the lease is gone, so that nothing the handler does counts any more."""
        return self._journal.holding.lost.is_set()

    @property
    def draining(self) -> bool:
        """Whether the worker wants to stop: a long handler may end early, with `Retry`."""
        return self._journal.around.draining()


class Context(Facts):
    """One execution under its lease.

    Every call raises LeaseLost once the lease is gone; then the handler is cancelled, too. Steps may run side by
    side (`asyncio.gather`), waits come one after the other.
    """

    @property
    def store(self) -> AsyncStore:
        """A store for what the handler itself reads and writes; leases and results have connections of their own."""
        return self._journal.around.handler_store

    async def workflow(self) -> WorkflowVersion:
        """Return the version of the workflow that runs, with its document; a worker reads it once."""
        return (await self._journal.version()).row

    @overload
    async def step(
        self,
        node_id: str,
        fn: Callable[[], Awaitable[T]],
        *,
        node_type: NodeType | None = ...,
        run_index: int = ...,
        input: Any = ...,
        max_retries: int | None = ...,
        retry_wait: timedelta | None = ...,
    ) -> T: ...

    @overload
    async def step(
        self,
        node_id: str,
        fn: Callable[[], T],
        *,
        node_type: NodeType | None = ...,
        run_index: int = ...,
        input: Any = ...,
        max_retries: int | None = ...,
        retry_wait: timedelta | None = ...,
    ) -> T: ...

    async def step(
        self,
        node_id: str,
        fn: Callable[[], Any],
        *,
        node_type: NodeType | None = None,
        run_index: int = 0,
        input: Any = None,
        max_retries: int | None = None,
        retry_wait: timedelta | None = None,
    ) -> Any:
        """Run `fn` once in all attempts and return what it returned; that is durable when this returns.

        If a result is stored already it is returned, and `fn` is not called. Either way it has gone through JSON: a
        tuple comes back as a list. A crash between the end of `fn` and the storing runs `fn` again, so let what it does
        to the world be idempotent; `f"{ctx.execution_id}:{node_id}:{run_index}"` is a good key.

        Args:
            node_id: the node.
            fn: takes nothing; async, or plain and quick: it runs on the event loop.
            node_type: None takes the version's node, ACTION where it has none.
            run_index: pass of a loop, from 0.
            input: what is stored as the node's input.
            max_retries: how often it is repeated after an exception; None takes the version's node, else 0.
            retry_wait: the rest before each of those; None takes the version's node, else none.

        Raises:
            StepFailed: `fn` raised, and no retry was left or it was a permanent error. It is stored, and comes again
                whenever the execution runs.
            Retry: `fn` raised it; nothing is stored.
            LeaseLost: the lease is gone; nothing was written.
        """
        step = Step(node_id, run_index, node_type, as_json(input, "the input"), max_retries, retry_wait)
        return await run_step(self._journal, step, fn, on_the_loop)

    async def record(self, result: NodeResult) -> None:
        """Store a node's run of the handler's own making; it is durable when this returns.

        Raises:
            LeaseLost: the lease is gone; nothing was written.
            AlreadyRecorded: a final result with other content is stored.
        """
        await self._journal.results.put(result)

    async def recorded(self) -> dict[tuple[str, int], NodeStatus]:
        """Return how each node's run stands that is stored, by node and run_index; for engines that walk a graph."""
        return {key: stored.status for key, stored in (await self._journal.results.all()).items()}

    async def sleep(
        self,
        node_id: str,
        duration: timedelta | None = None,
        *,
        until: datetime | None = None,
        run_index: int = 0,
    ) -> None:
        """Wait for a time that is decided once, when the sleep begins; a long one suspends the execution.

        Raises:
            Suspended: let it pass; the handler runs again when it is time.
        """
        await waits.sleep(self._journal, Step(node_id, run_index), duration, until)

    async def wait_signal(
        self, name: str, *, node_id: str | None = None, timeout: timedelta | None = None, run_index: int = 0
    ) -> Any:
        """Return the payload of the oldest signal of a name that nobody has taken; suspend until there is one.

        `node_id` (else the name) and `run_index` name the wait; the same wait always returns the same signal.

        Raises:
            Suspended: let it pass; the handler runs again when the signal or the time-out comes.
            SignalTimedOut: none came within `timeout` of the first call. Stored; a later signal does not change it.
        """
        return await waits.wait_signal(self._journal, Step(node_id or name, run_index), name, timeout)

    async def start_child(
        self, workflow_id: UUID, *, node_id: str, run_index: int = 0, queue: str = DEFAULT_QUEUE, **facts: Any
    ) -> UUID:
        """Start an execution of another workflow, once in all attempts, and return its id.

        `facts` are those of `NewExecution`: metadata, priority, retry, ... Cancelling the parent cancels the child.

        Raises:
            NotFound: there is no such workflow.
            LeaseLost: the lease is gone; no child was started.
        """
        child = NewExecution(workflow_id=workflow_id, queue=queue, parent_execution_id=self.execution_id, **facts)
        return await waits.start_child(self._journal, Step(node_id, run_index), child)

    async def wait_children(self) -> list[Execution]:
        """Wait until all children have ended; return those that this handler has started, in that order.

        How each ended is in `status`, what it returned in `run_data`.

        Raises:
            Suspended: let it pass; the handler runs again when the last child has ended.
        """
        return await waits.wait_children(self._journal)
