"""Run worker processes over a set of executions until all have ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from wfstore.aio.store import AsyncStore
from wfstore.errors import WfstoreError
from wfstore.ids import FIRST_ID, uuid7
from wfstore.leases import NewExecution
from wfstore.models import Execution, QueueEntry
from wfstore.replay.process import WorkerProcess
from wfstore.replay.report import Progress, ReplayReport
from wfstore.replay.worker import WorkerSettings
from wfstore.vocabulary import ExecutionStatus

__all__ = ["QUEUE", "Progress", "Replay", "ReplayOptions", "ReplayReport"]

QUEUE = "replay"
_WATCH_SECONDS = 0.1
_READY_SECONDS = 60.0
_PAGE = 1_000
_RESUME = "They stay in the queue; to finish them run: wfstore replay --resume"


@dataclass(slots=True)
class ReplayOptions:
    """How to replay."""

    database_url: str | None
    workers: int = 4
    speed: float | None = None
    lease_seconds: float = 5.0
    concurrency: int = 32
    writers: int = 2
    kill_one_at: float | None = None
    """Kill one worker when this share of the node results is stored: the demo shows the take-over so."""


class Replay:
    """One run of `wfstore replay`."""

    def __init__(self, store: AsyncStore, options: ReplayOptions, say: Callable[[str], None]) -> None:
        self._store = store
        self._options = options
        self._say = say
        self._processes: list[WorkerProcess] = []
        self._lost: set[str] = set()

    async def run(
        self, workflow_ids: Sequence[UUID], nodes: int, progress: Callable[[Progress], None] = lambda _: None
    ) -> ReplayReport:
        """Enqueue one execution for each place of `workflow_ids` and have workers run them all.

        Raises:
            WfstoreError: no worker could start; nothing was enqueued. Or none is left and executions are
                unfinished; they stay in the queue.
        """
        try:
            await self._start()
            begin = time.perf_counter()
            executions = [NewExecution(workflow_id=each, queue=QUEUE) for each in workflow_ids]
            await self._store.executions.enqueue(*executions)
            identifiers = [each.execution_id for each in executions]
            await self._watch(identifiers, nodes, progress)
            seconds = time.perf_counter() - begin
        finally:
            await self._stop()
        return await self._report(identifiers, seconds)

    async def resume(self, progress: Callable[[Progress], None] = lambda _: None) -> ReplayReport:
        """Finish what earlier replays have left in the queue. Errors as of `run`."""
        identifiers = await self._left_over()
        if not identifiers:
            return ReplayReport()
        before = sum([await self._count(identifier) for identifier in identifiers])
        try:
            await self._start()
            begin = time.perf_counter()
            await self._watch(identifiers, 0, progress)
            seconds = time.perf_counter() - begin
        finally:
            await self._stop()
        report = await self._report(identifiers, seconds)
        report.results -= before
        return report

    async def _left_over(self) -> list[UUID]:
        """Return what is in the replay queue."""
        found: list[UUID] = []
        while True:
            page: list[QueueEntry] = await self._store.executions.page_queue(
                queue=QUEUE, after_id=found[-1] if found else FIRST_ID, limit=_PAGE
            )
            found += [entry.execution_id for entry in page]
            if len(page) < _PAGE:
                return found

    async def _start(self) -> None:
        run = str(uuid7())[-6:]
        for number in range(1, self._options.workers + 1):
            settings = WorkerSettings(
                database_url=self._options.database_url,
                tenant_id=str(self._store.tenant_id),
                queue=QUEUE,
                worker_id=f"replay-{run}-{number}",
                lease_seconds=self._options.lease_seconds,
                speed=self._options.speed,
                concurrency=self._options.concurrency,
                writers=self._options.writers,
            )
            self._processes.append(await WorkerProcess.start(f"worker {number}", settings))
        ready = asyncio.gather(*(process.ready.wait() for process in self._processes))
        try:
            await asyncio.wait_for(ready, _READY_SECONDS)
        except TimeoutError:
            raise WfstoreError(
                f"the workers were not ready within {_READY_SECONDS:g} s", hint="Try fewer: --workers."
            ) from None
        if all(process.ended for process in self._processes):
            last = self._processes[-1]
            raise WfstoreError(f"no worker could start; {last.ending()}", hint=last.hint)

    async def _watch(self, identifiers: Sequence[UUID], nodes: int, progress: Callable[[Progress], None]) -> None:
        """Wait until none of the executions is in the queue any more."""
        state = Progress(len(identifiers))
        left: list[QueueEntry] = []
        try:
            while True:
                left = await self._store.executions.unfinished(execution_ids=list(identifiers))
                state.finished = len(identifiers) - len(left)
                state.results = sum(process.results for process in self._processes)
                progress(state)
                if not left:
                    return
                self._kill_one(state, nodes)
                self._look_after_workers(left)
                await asyncio.wait(
                    [process.listening for process in self._processes if not process.ended],
                    timeout=_WATCH_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        except asyncio.CancelledError:
            self._say(f"Interrupted: {len(left)} execution(s) are unfinished. {_RESUME}")
            raise

    def _kill_one(self, state: Progress, nodes: int) -> None:
        share = self._options.kill_one_at
        if share is not None and state.results >= share * nodes:
            self._options.kill_one_at = None
            victim = max(self._processes, key=lambda process: process.results)
            self._say(f"kill -9 {victim.process.pid}: {victim.name} dies with {victim.results:,} results stored")
            os.kill(victim.process.pid, signal.SIGKILL)

    def _look_after_workers(self, left: Sequence[QueueEntry]) -> None:
        """Tell of workers that have ended; raise when nobody could finish what is left."""
        none_left = all(process.ended for process in self._processes)
        for process in self._processes:
            if process.ended and process.name not in self._lost:
                self._lost.add(process.name)
                due = f"; what it had is due again within {self._options.lease_seconds:g} s, when its leases end"
                self._say(process.ending() + ("" if none_left else due))
        if none_left:
            raise WfstoreError(f"no worker is left, and {len(left)} execution(s) are unfinished", hint=_RESUME)

    async def _stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._processes))

    async def _report(self, identifiers: Sequence[UUID], seconds: float) -> ReplayReport:
        report = ReplayReport(
            executions=len(identifiers),
            seconds=seconds,
            workers=self._options.workers,
            killed=sorted(self._lost),
        )
        for identifier in identifiers:
            execution: Execution | None = await self._store.executions.get(execution_id=identifier)
            if execution is None:
                report.failed.append((identifier, "it was deleted"))
            elif execution.status is ExecutionStatus.SUCCESS:
                report.succeeded += 1
                report.taken_over += execution.run_data["attempt"] > 1 if execution.run_data else 0
            else:
                report.failed.append((identifier, execution.error_message or execution.status))
            report.results += await self._count(identifier)
        return report

    async def _count(self, identifier: UUID) -> int:
        stored: int = await self._store.node_executions.count_by_execution(execution_id=identifier)
        return stored
