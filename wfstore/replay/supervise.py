"""Run worker processes over a set of executions until all have ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from wfstore.aio.store import AsyncStore
from wfstore.errors import WfstoreError
from wfstore.ids import FIRST_ID, uuid7
from wfstore.leases import NewExecution
from wfstore.models import Execution, QueueEntry
from wfstore.replay.worker import WorkerSettings
from wfstore.vocabulary import ExecutionStatus

QUEUE = "replay"
_WATCH_SECONDS = 0.1
_READY_SECONDS = 60.0
_PAGE = 1_000


@dataclass(slots=True)
class Progress:
    """How far a replay is."""

    executions: int
    finished: int = 0
    results: int = 0
    """As the workers say; the database has the last word in `ReplayReport`."""


@dataclass(slots=True)
class ReplayReport:
    """What a replay did, as the database has it."""

    executions: int = 0
    succeeded: int = 0
    failed: list[tuple[UUID, str]] = field(default_factory=list)
    results: int = 0
    seconds: float = 0.0
    workers: int = 0
    killed: list[str] = field(default_factory=list)
    """Workers that did not end by themselves."""
    taken_over: int = 0
    """Executions that more than one worker had."""

    @property
    def executions_per_second(self) -> float:
        """Executions ended for each second of the replay."""
        return self.executions / self.seconds if self.seconds else 0.0

    @property
    def results_per_second(self) -> float:
        """Durable node results for each second of the replay."""
        return self.results / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "executions": self.executions,
            "succeeded": self.succeeded,
            "failed": [{"execution_id": key, "reason": reason} for key, reason in self.failed],
            "node_results": self.results,
            "seconds": round(self.seconds, 3),
            "executions_per_second": round(self.executions_per_second, 1),
            "node_results_per_second": round(self.results_per_second, 1),
            "workers": self.workers,
            "workers_lost": self.killed,
            "executions_taken_over": self.taken_over,
        }


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


class _Process:
    """A worker process and what it says."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.ready = asyncio.Event()
        self.results = 0
        self.error: str | None = None
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it was started with a pipe
        async for line in self.process.stdout:
            message = orjson.loads(line)
            self.results = message.get("results", self.results)
            self.error = message.get("error", self.error)
            if "ready" in message:
                self.ready.set()
        await self.process.wait()
        self.ready.set()

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    def ending(self) -> str:
        """Say how it ended, for people."""
        code = self.process.returncode or 0
        if code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name}"
        return f"{self.name} ended with {self.error or f'exit code {code}'}"


class Replay:
    """One run of `wfstore replay`."""

    def __init__(self, store: AsyncStore, options: ReplayOptions, say: Callable[[str], None]) -> None:
        self._store = store
        self._options = options
        self._say = say
        self._processes: list[_Process] = []
        self._lost: set[str] = set()

    async def run(
        self, workflow_ids: Sequence[UUID], nodes: int, progress: Callable[[Progress], None] = lambda _: None
    ) -> ReplayReport:
        """Enqueue one execution for each place of `workflow_ids` and have workers run them all.

        Without any, finish what earlier replays have left in the queue.

        Raises:
            WfstoreError: no worker is left and executions are unfinished; they stay in the queue.
        """
        try:
            await self._start()
            begin = time.perf_counter()
            executions = [NewExecution(workflow_id=each, queue=QUEUE) for each in workflow_ids]
            if executions:
                await self._store.executions.enqueue(*executions)
                identifiers = [each.execution_id for each in executions]
            else:
                identifiers = await self._left_over()
            await self._watch(identifiers, nodes, progress)
            seconds = time.perf_counter() - begin
        finally:
            await self._stop()
        return await self._report(identifiers, seconds)

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
            name = f"worker {number}"
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "wfstore.replay.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
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
            assert process.stdin is not None  # noqa: S101 - it was started with a pipe
            process.stdin.write(settings.to_line())
            self._processes.append(_Process(name, process))
        ready = (process.ready.wait() for process in self._processes)
        await asyncio.wait_for(asyncio.gather(*ready), _READY_SECONDS)

    async def _watch(self, identifiers: Sequence[UUID], nodes: int, progress: Callable[[Progress], None]) -> None:
        """Wait until none of the executions is in the queue any more."""
        state = Progress(len(identifiers))
        while True:
            left: list[QueueEntry] = await self._store.executions.unfinished(execution_ids=list(identifiers))
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

    def _kill_one(self, state: Progress, nodes: int) -> None:
        share = self._options.kill_one_at
        if share is not None and state.results >= share * nodes:
            self._options.kill_one_at = None
            victim = max(self._processes, key=lambda process: process.results)
            self._say(f"kill -9 {victim.process.pid}: {victim.name} dies with {victim.results:,} results stored")
            os.kill(victim.process.pid, signal.SIGKILL)

    def _look_after_workers(self, left: Sequence[QueueEntry]) -> None:
        for process in self._processes:
            if process.ended and process.name not in self._lost:
                self._lost.add(process.name)
                self._say(
                    f"{process.ending()}; what it had is taken over within {self._options.lease_seconds:g} s,"
                    " when its leases end"
                )
        if all(process.ended for process in self._processes):
            raise WfstoreError(
                f"no worker is left and {len(left)} execution(s) are unfinished: {self._processes[-1].ending()}",
                hint="They stay in the queue: run wfstore replay --resume.",
            )
        if all(entry.attempt >= entry.max_attempts for entry in left):
            raise WfstoreError(f"{len(left)} execution(s) were claimed as often as allowed and never finished")

    async def _stop(self) -> None:
        """Let the workers see the end of their input, and wait for them."""
        for process in self._processes:
            if process.process.stdin is not None:
                process.process.stdin.close()
        for process in self._processes:
            try:
                await asyncio.wait_for(process.process.wait(), 10)
            except TimeoutError:
                process.process.kill()
            await process.listening

    async def _report(self, identifiers: Sequence[UUID], seconds: float) -> ReplayReport:
        report = ReplayReport(
            executions=len(identifiers),
            seconds=seconds,
            workers=self._options.workers,
            killed=sorted(self._lost),
        )
        for identifier in identifiers:
            execution: Execution = await self._store.executions.get(execution_id=identifier)
            if execution.status is ExecutionStatus.SUCCESS:
                report.succeeded += 1
                report.taken_over += execution.run_data["attempt"] > 1 if execution.run_data else 0
            else:
                report.failed.append((identifier, execution.error_message or execution.status))
            report.results += await self._store.node_executions.count_by_execution(execution_id=identifier)
        return report
