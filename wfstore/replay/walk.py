"""One execution of a trace: walk its graph in dependency order, store each node's result, say how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from wfstore.errors import LeaseLost
from wfstore.leases import ClaimedExecution, Ending, NodeResult
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType
from wfstore.wfformat import ReplayPlan, ReplayTask


class Walk:
    """Runs the nodes of one execution that are not stored yet.

    A node begins when the results of all its parents are durable; its own result is a call of its own. Times
    come from the trace; with `speed` the walk also takes them, that many times faster.
    """

    def __init__(
        self,
        lease: ClaimedExecution,
        plan: ReplayPlan,
        *,
        done: Collection[str],
        record: Callable[[NodeResult], Awaitable[None]],
        speed: float | None,
    ) -> None:
        """`done` are the nodes whose results an earlier attempt has stored; `record` stores the others'."""
        self._lease = lease
        self._plan = plan
        self._speed = speed
        self._store = record
        self._done = set(done)
        self._found = len(self._done)
        self._waiting_for: dict[str, int] = {}
        self._children: dict[str, list[ReplayTask]] = {}
        self._group = asyncio.TaskGroup()

    async def run(self) -> Ending:
        """Store what is missing and return the end; LeaseLost as soon as another worker has it."""
        ready = self._prepare()
        try:
            async with self._group:
                for task in ready:
                    self._begin(task)
        except BaseExceptionGroup as failures:
            raise _foremost(failures) from None
        if len(self._done) < len(self._plan.tasks):  # a node that was cancelled alone does not fail the group
            raise asyncio.CancelledError
        return Ending(
            lease=self._lease,
            status=ExecutionStatus.SUCCESS,
            start_time=self._plan.start_ms,
            end_time=self._plan.end_ms,
            run_data={"attempt": self._lease.attempt, "nodes": len(self._plan.tasks), "found_stored": self._found},
        )

    def _prepare(self) -> list[ReplayTask]:
        """Count what each node waits for; return those that wait for nothing."""
        for task in self._plan.tasks:
            if task.id in self._done:
                continue
            missing = [parent for parent in task.parents if parent not in self._done]
            self._waiting_for[task.id] = len(missing)
            for parent in missing:
                self._children.setdefault(parent, []).append(task)
        return [task for task in self._plan.tasks if self._waiting_for.get(task.id) == 0]

    def _begin(self, task: ReplayTask) -> None:
        self._group.create_task(self._run_node(task))

    async def _run_node(self, task: ReplayTask) -> None:
        """Run a node, and begin those that waited for it alone."""
        await self._record(task)
        self._done.add(task.id)
        for child in self._children.get(task.id, ()):
            self._waiting_for[child.id] -= 1
            if self._waiting_for[child.id] == 0:
                self._begin(child)

    async def _record(self, task: ReplayTask) -> None:
        span = self._plan.schedule[task.id]
        if self._speed is not None:
            await asyncio.sleep((span.end_ms - span.start_ms) / 1000 / self._speed)
        await self._store(
            NodeResult(
                lease=self._lease,
                node_id=task.id,
                node_type=NodeType(task.node_type),
                status=NodeStatus.SUCCESS,
                start_time=span.start_ms,
                end_time=span.end_ms,
                input_data={"parents": list(task.parents)},
                output_data={"runtime_seconds": task.runtime_seconds},
            )
        )


def _foremost(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that tells most: a lost lease makes the others of no account."""
    lost = [each for each in failures.exceptions if isinstance(each, LeaseLost)]
    return (lost or failures.exceptions)[0]
