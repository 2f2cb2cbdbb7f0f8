"""A worker process: `python -m wfstore.replay.worker`, started by `wfstore replay`.

It takes its settings as one JSON line on standard input and works until standard input ends: so it stops
with whoever started it, however that ended. On standard output it writes JSON lines of what it has stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from wfstore.errors import WfstoreError
from wfstore.leases import Ending, NodeResult
from wfstore.replay.walk import Walk
from wfstore.wfformat import ReplayPlan, from_document
from wfstore.worker import Context, PermanentError, Worker

_REPORT_SECONDS = 0.1
_POLL_SECONDS = 0.1
_READY_SECONDS = 0.01


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


class Replaying:
    """Runs claimed executions as their plans say."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._plans: dict[tuple[UUID, int], ReplayPlan] = {}
        self.results = 0
        """How many node results it has stored."""

    async def handle(self, ctx: Context) -> Ending:
        """Walk the execution's graph, from where an earlier attempt has left it."""
        plan = await self._plan(ctx)
        done = {node_id for (node_id, _), status in (await ctx.recorded()).items() if status.is_final}

        async def record(result: NodeResult) -> None:
            await ctx.record(result)
            self.results += 1

        return await Walk(ctx.lease, plan, done=done, record=record, speed=self._speed).run()

    async def _plan(self, ctx: Context) -> ReplayPlan:
        key = (ctx.lease.workflow_id, ctx.lease.workflow_revision)
        if key not in self._plans:
            document = (await ctx.workflow()).workflow_data
            try:
                self._plans[key] = from_document(document)
            except Exception as error:  # whatever it is, the next attempt would meet it too
                raise PermanentError(str(error)) from error
        return self._plans[key]

    async def report(self) -> None:
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


async def main() -> int:
    """Read the settings, work until standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    line = await reader.readline()
    if not line:  # whoever started it has gone already
        return 0
    settings = WorkerSettings(**orjson.loads(line))
    replaying = Replaying(settings.speed)
    worker = Worker(
        settings.database_url,
        replaying.handle,
        tenant=UUID(settings.tenant_id),
        queues=[settings.queue],
        worker_id=settings.worker_id,
        lease=timedelta(seconds=settings.lease_seconds),
        concurrency=settings.concurrency,
        claim_at_once=max(1, settings.concurrency // 4),  # the other workers want some too
        poll_interval=timedelta(seconds=_POLL_SECONDS),
        start_patience=timedelta(0),
        writers=settings.writers,
        handle_signals=False,
    )
    try:
        await _work(worker, replaying, reader)
    except WfstoreError as error:
        _say({"error": str(error), "hint": error.hint})
        return 1
    return 0


async def _work(worker: Worker, replaying: Replaying, reader: asyncio.StreamReader) -> None:
    """Work until the input ends; what is unfinished then is handed back."""
    chores = [
        asyncio.create_task(chore) for chore in (_end_of_input(reader, worker), _ready(worker), replaying.report())
    ]
    try:
        await worker.run()
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def _ready(worker: Worker) -> None:
    """Say that it works, as soon as it does."""
    while worker.health().last_successful_claim_at is None:
        await asyncio.sleep(_READY_SECONDS)
    _say({"ready": worker.worker_id})


async def _end_of_input(reader: asyncio.StreamReader, worker: Worker) -> None:
    await reader.read()
    worker.stop(at_once=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
