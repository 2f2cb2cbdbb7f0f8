"""A worker process: `python -m wfstore.replay.worker`, started by `wfstore replay`.

It takes its settings as one JSON line on standard input and works until standard input ends: so it stops
with whoever started it, however that ended. On standard output it writes JSON lines of what it has stored.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from wfstore.aio import connect
from wfstore.aio.group_commit import AsyncResultWriter
from wfstore.aio.store import AsyncStore
from wfstore.errors import InvalidDocument, LeaseLost, NotFound, WfstoreError
from wfstore.leases import ClaimedExecution, Ending
from wfstore.models import WorkflowVersion
from wfstore.replay.walk import Walk
from wfstore.server import Role
from wfstore.vocabulary import ExecutionStatus
from wfstore.wfformat import ReplayPlan, from_document

_REPORT_SECONDS = 0.1
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told."""

    database_url: str | None
    tenant_id: str
    queue: str
    worker_id: str
    lease_seconds: float
    speed: float | None
    concurrency: int
    """Executions at once."""
    writers: int
    """Connections that share the node results."""

    def to_line(self) -> bytes:
        """One line of JSON."""
        return orjson.dumps(asdict(self), option=orjson.OPT_APPEND_NEWLINE)


class Worker:
    """Claims executions of one queue and walks them, several at once."""

    def __init__(self, settings: WorkerSettings, store: AsyncStore, writer: AsyncResultWriter) -> None:
        self._settings = settings
        self._store = store
        self._writer = writer
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._walks: dict[asyncio.Task[None], ClaimedExecution] = {}
        self._plans: dict[tuple[UUID, int], ReplayPlan] = {}
        self.results = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is unfinished then is left to its lease."""
        chores = [asyncio.create_task(self._heartbeat()), asyncio.create_task(self._report())]
        try:
            while not stop.is_set():
                for chore in chores:
                    if chore.done():
                        chore.result()
                await self._claim()
                await self._wait(stop)
        finally:
            for task in (*chores, *self._walks):
                task.cancel()
            await asyncio.gather(*chores, *self._walks, return_exceptions=True)

    async def _claim(self) -> None:
        free = self._settings.concurrency - len(self._walks)
        if free <= 0:
            return
        # A few at a time: the other workers want some too.
        leases = await self._store.executions.claim(
            queue=self._settings.queue,
            worker_id=self._settings.worker_id,
            limit=min(free, max(1, self._settings.concurrency // 4)),
            lease=self._lease,
        )
        for lease in leases:
            self._walks[asyncio.create_task(self._walk(lease))] = lease

    async def _wait(self, stop: asyncio.Event) -> None:
        """Wait until a walk ends, there may be something to claim, or it is time to stop."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, *self._walks}, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for task in [task for task in self._walks if task.done()]:
            del self._walks[task]
            if not task.cancelled():  # stopped by the heartbeat: its lease was lost
                task.result()

    async def _walk(self, lease: ClaimedExecution) -> None:
        try:
            plan = await self._plan(lease)
            walk = Walk(self._store, self._writer, lease, plan, speed=self._settings.speed, stored=self._count_result)
            await walk.run()
        except LeaseLost:
            return  # another worker goes on from the last stored node
        except (InvalidDocument, NotFound) as error:
            await self._fail(lease, error)

    async def _plan(self, lease: ClaimedExecution) -> ReplayPlan:
        key = (lease.workflow_id, lease.workflow_revision)
        if key not in self._plans:
            version: WorkflowVersion | None = await self._store.workflow_versions.get(
                workflow_id=lease.workflow_id, revision=lease.workflow_revision
            )
            if version is None:
                raise NotFound(f"workflow {key[0]} has no version {key[1]}")
            self._plans[key] = from_document(version.workflow_data)
        return self._plans[key]

    async def _fail(self, lease: ClaimedExecution, error: WfstoreError) -> None:
        """End an execution that cannot be replayed."""
        start = lease.start_time or 0
        ending = Ending(lease=lease, status=ExecutionStatus.ERROR, end_time=start, error_message=str(error))
        await self._store.executions.finish(ending)

    def _count_result(self) -> None:
        self.results += 1

    async def _heartbeat(self) -> None:
        """Prolong the leases well before they end; a walk whose lease is lost is stopped at once."""
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            held = dict(self._walks)
            if not held:
                continue
            alive = await self._store.executions.heartbeat(list(held.values()), lease=self._lease)
            for task, lease in held.items():
                if lease.execution_id not in alive:
                    task.cancel()

    async def _report(self) -> None:
        """Say how much is stored, now and then."""
        said = -1
        while True:
            if self.results != said:
                said = self.results
                _say({"results": said})
            await asyncio.sleep(_REPORT_SECONDS)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


async def _end_of_input(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    await reader.read()
    stop.set()


async def main() -> int:
    """Read the settings, work until standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = WorkerSettings(**orjson.loads(await reader.readline()))
    stop = asyncio.Event()
    try:
        store = await connect(
            settings.database_url,
            role=Role.WORKER,
            tenant=UUID(settings.tenant_id),
            min_size=settings.writers,
            max_size=settings.writers + 2,
        )
        async with store, AsyncResultWriter(store, writers=settings.writers) as writer:
            _say({"ready": settings.worker_id})
            watching = asyncio.create_task(_end_of_input(reader, stop))
            await Worker(settings, store, writer).run(stop)
            watching.cancel()
    except WfstoreError as error:
        _say({"error": str(error), "hint": error.hint})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
