"""A worker process: `python -m wfstore.replay.worker`, started by `wfstore replay`.

It takes its settings as one JSON line on standard input and works until standard input ends: so it stops
with whoever started it, however that ended. On standard output it writes JSON lines of what it has stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from wfstore.aio import connect
from wfstore.aio.group_commit import AsyncResultWriter
from wfstore.aio.store import AsyncStore
from wfstore.errors import DatabaseUnavailable, LeaseLost, NotFound, OutcomeUnknown, WfstoreError
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
            if not task.cancelled():  # else the heartbeat has stopped it: its lease was lost
                task.result()

    async def _walk(self, lease: ClaimedExecution) -> None:
        try:
            plan = await self._plan(lease)
            walk = Walk(self._store, self._writer, lease, plan, speed=self._settings.speed, stored=self._count_result)
            await walk.run()
        except LeaseLost:
            return  # another worker goes on from the last stored node
        except OutcomeUnknown:
            return  # the connection was lost at the end: it has ended, or is due again when the lease ends
        except DatabaseUnavailable:
            raise
        except Exception as error:  # whatever it is, the next worker would meet it too, and die of it
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

    async def _fail(self, lease: ClaimedExecution, error: Exception) -> None:
        """End an execution that cannot be replayed."""
        reason = str(error) if isinstance(error, WfstoreError) else f"{type(error).__name__}: {error}"
        ending = Ending(
            lease=lease,
            status=ExecutionStatus.ERROR,
            end_time=max(time.time_ns() // 1_000_000, lease.start_time or 0),
            # What a text column takes, whatever the message quotes.
            error_message=reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0"),
        )
        with suppress(LeaseLost, OutcomeUnknown):
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
    # Unbuffered, as a buffer would be flushed once more at the end; when nobody listens, standard input ends too.
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))


async def _end_of_input(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    await reader.read()
    stop.set()


async def main() -> int:
    """Read the settings, work until standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    line = await reader.readline()
    if not line:  # whoever started it has gone already
        return 0
    settings = WorkerSettings(**orjson.loads(line))
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
