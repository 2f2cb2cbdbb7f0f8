"""The bookkeeping behind a context: what is stored of each node, which runs now, and when a wait may begin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.aio.store import AsyncStore
from wfstore.errors import WfstoreError
from wfstore.leases import ClaimedExecution, NodeResult
from wfstore.vocabulary import NodeStatus, NodeType
from wfstore.worker.errors import SignalTimedOut, StepFailed, Suspended
from wfstore.worker.holding import Holding
from wfstore.worker.results import Key, Results, Stored
from wfstore.worker.versions import Version, Versions

inside: ContextVar[str | None] = ContextVar("wfstore_worker_step", default=None)
"""The node whose function runs."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node's run, as a handler asked for it; what it left out is None."""

    node_id: str
    run_index: int
    node_type: NodeType | None = None
    input_data: bytes | None = None
    max_retries: int | None = None
    retry_wait: timedelta | None = None

    @property
    def key(self) -> Key:
        """The key of its row within the execution."""
        return (self.node_id, self.run_index)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all executions of a worker share."""

    store: AsyncStore
    """For leases and what is written under them."""
    handler_store: AsyncStore
    versions: Versions
    permanent: tuple[type[Exception], ...]
    longest_pause: timedelta
    lease: timedelta
    clock: Callable[[], datetime]
    draining: Callable[[], bool]


class Journal:
    """One execution in a handler: its lease, its results, and what goes on in it."""

    def __init__(self, holding: Holding, results: Results, around: Surroundings) -> None:
        self.holding = holding
        self.results = results
        self.around = around
        self.children: dict[UUID, None] = {}
        """The executions that it has started, in that order."""
        self.closed = False
        """Whether the handler has ended; what it left running may not suspend the execution any more."""
        self._keys: set[Key] = set()
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._gate = asyncio.Lock()
        self._waiting = False

    @property
    def lease(self) -> ClaimedExecution:
        """The lease."""
        return self.holding.lease

    def milliseconds(self) -> int:
        """Return the time as node results have it."""
        return int(self.around.clock().timestamp() * 1000)

    async def version(self) -> Version:
        """Return the version of the workflow that runs."""
        return await self.holding.insist(lambda: self.around.versions.of(self.lease))

    async def completed(self, step: Step, default: NodeType) -> Step:
        """Return a step with what its version's node says where the handler said nothing."""
        if None not in (step.node_type, step.max_retries, step.retry_wait):
            return step
        node = (await self.version()).nodes.get(step.node_id)
        return replace(
            step,
            node_type=step.node_type or (node.node_type if node else default),
            max_retries=step.max_retries if step.max_retries is not None else (node.max_retries if node else 0),
            retry_wait=step.retry_wait or (node.retry_wait if node else timedelta(0)),
        )

    def result(self, step: Step, status: NodeStatus, start: int, *, tries: int = 0, **facts: Any) -> NodeResult:
        """Return a row for a step that began at `start`; one that is not under way has also ended now."""
        return NodeResult(
            lease=self.lease,
            node_id=step.node_id,
            run_index=step.run_index,
            node_type=step.node_type or NodeType.ACTION,
            status=status,
            start_time=start,
            input_data=step.input_data,
            retry_count=tries,
            max_retries=step.max_retries or 0,
            **facts,
        )

    @contextmanager
    def working(self, key: Key) -> Iterator[None]:
        """Keep a second call for the same node and pass out while this one goes on."""
        if key in self._keys:
            raise WfstoreError(
                f"node {key[0]!r}, run {key[1]}, is under way already",
                hint="Give each pass of a loop a run_index of its own.",
            )
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Run a step's function: meanwhile nothing suspends the execution under it."""
        async with self._gate:
            self.holding.check()
            self._busy += 1
            self._quiet.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Go through a wait that may suspend the execution: one at a time, and not inside a step."""
        if (node_id := inside.get()) is not None:
            raise WfstoreError(f"node {node_id!r} waits inside its step", hint="Wait between steps, not inside one.")
        if self._waiting:
            raise WfstoreError(
                f"execution {self.lease.execution_id} waits for two things at once",
                hint="One wait after the other: a suspended execution is woken by one signal, time or set of children.",
            )
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    async def suspend(
        self, *, until: datetime | None = None, signal: str | None = None, children: bool = False
    ) -> None:
        """Give the lease back until something happens, by raising Suspended; return if it has happened already.

        Steps that are under way end first.
        """
        await self._until_quiet()
        try:
            if self.closed:
                raise WfstoreError(f"the handler of execution {self.lease.execution_id} has ended before this wait")
            suspended = await self.holding.insist(
                lambda: self.around.store.executions.suspend(
                    self.lease, until=until, signal=signal, children=children, now=self.around.clock()
                )
            )
        finally:
            self._gate.release()
        if suspended:
            self.holding.suspend()
            raise Suspended

    async def _until_quiet(self) -> None:
        """Wait until no step is under way, and let none begin: the gate is shut when this returns."""
        while True:
            await self.holding.wait_for(self._quiet)
            await self._gate.acquire()
            if not self._busy:
                return
            self._gate.release()

    async def rest(self, until: datetime) -> None:
        """Wait for a time: shortly in this process, under heartbeats; longer by suspending the execution."""
        longest = self.around.longest_pause.total_seconds()
        while (left := (until - self.around.clock()).total_seconds()) > 0:
            if left > longest and inside.get() is None and not self._waiting:
                with self.waiting():
                    await self.suspend(until=until)
            else:
                await self.holding.pause(min(left, longest))


def outcome(key: Key, stored: Stored | None) -> Any:
    """Return the output of a run that is final, or raise its error."""
    assert stored is not None  # noqa: S101 - it was put there, or was asked for
    if stored.status in (NodeStatus.SUCCESS, NodeStatus.SKIPPED):
        return stored.output_data
    facts = stored.error_data if isinstance(stored.error_data, dict) else {}
    kind = SignalTimedOut if facts.get("type") == SignalTimedOut.__name__ else StepFailed
    raise kind(*key, stored.error_data)
