"""Workers in a loop of the test's own, and what they are asked to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from wfstore.aio import AsyncStore, connect
from wfstore.leases import NewExecution
from wfstore.models import Execution
from wfstore.worker import Worker

PATIENCE = 60.0
SOON = timedelta(milliseconds=50)


def run(body: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine; one that hangs fails."""
    asyncio.run(asyncio.wait_for(body, PATIENCE))


async def when(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition holds; it may be a coroutine function."""
    for _ in range(6_000):
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"never: {what}")


@asynccontextmanager
async def working(database: str | AsyncStore, handlers: Any = None, **options: Any) -> AsyncIterator[Worker]:
    """A worker at work, stopped at the end of the block; what it died of is raised."""
    given: dict[str, Any] = {"handle_signals": False, "poll_interval": SOON, "lease": timedelta(seconds=10)} | options
    worker = Worker(database, handlers, **given)
    task = asyncio.create_task(worker.run())
    try:
        await when(lambda: worker.health().last_successful_claim_at or task.done(), "it claims")
        if task.done():
            task.result()
        yield worker
    finally:
        worker.stop()
        async with asyncio.timeout(PATIENCE):
            await task


class Bench:
    """The app's side: workflows, executions, and how they end."""

    def __init__(self, store: AsyncStore) -> None:
        self.store = store

    async def workflow(self, *nodes: dict[str, Any], name: str = "a workflow") -> UUID:
        filled = [{"name": node["node_id"], "node_type": "ACTION"} | node for node in nodes]
        return (await self.store.workflows.add({"name": name, "nodes": filled, "connections": []})).id

    async def enqueue(self, workflow_id: UUID, **facts: Any) -> UUID:
        [created] = await self.store.executions.enqueue(NewExecution(workflow_id=workflow_id, **facts))
        return created.execution_id

    async def get(self, execution_id: UUID) -> Execution:
        found = await self.store.executions.get(execution_id=execution_id)
        assert found is not None
        return found

    async def ended(self, execution_id: UUID) -> Any:
        """The execution, when it has ended."""

        async def final() -> Execution | None:
            found = await self.get(execution_id)
            return found if found.status.is_final else None

        return await when(final, f"{execution_id} ends")

    async def in_status(self, execution_id: UUID, status: str) -> None:
        async def there() -> bool:
            return (await self.get(execution_id)).status == status

        await when(there, f"{execution_id} is {status}")

    async def rows(self, execution_id: UUID) -> dict[tuple[str, int], Any]:
        """The node results."""
        page = await self.store.node_executions.page_results(
            execution_id=execution_id, after_node_id="", after_run_index=-1, limit=1_000
        )
        return {(row.node_id, row.run_index): row for row in page}


@asynccontextmanager
async def bench(database: str) -> AsyncIterator[Bench]:
    """The app's side."""
    async with await connect(database) as store:
        yield Bench(store)
