"""A worker process, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress

import orjson

from wfstore.replay.worker import WorkerSettings

_STOP_SECONDS = 3.0


class WorkerProcess:
    """A worker process and what it says."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.ready = asyncio.Event()
        """Set when it works, or has ended."""
        self.results = 0
        self.error: str | None = None
        self.hint: str | None = None
        self.listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, name: str, settings: WorkerSettings) -> WorkerProcess:
        """Start a worker; its standard input stays open for as long as it shall work."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "wfstore.replay.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            process_group=0,  # Ctrl-C at the terminal is for the supervisor, which then stops the workers
        )
        assert process.stdin is not None  # noqa: S101 - it was started with a pipe
        process.stdin.write(settings.to_line())
        return cls(name, process)

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self.process.returncode is not None

    def ending(self) -> str:
        """Say how it ended, for people."""
        code = self.process.returncode or 0
        if code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name}"
        return f"{self.name} ended: {self.error or f'exit code {code}'}"

    async def stop(self) -> None:
        """Let it see the end of its input, and wait for it; one that does not answer is killed."""
        assert self.process.stdin is not None  # noqa: S101 - it was started with a pipe
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):  # it ended in this very moment
                self.process.kill()
        await self.listening

    async def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it was started with a pipe
        async for line in self.process.stdout:
            message = orjson.loads(line)
            self.results = message.get("results", self.results)
            self.error = message.get("error", self.error)
            self.hint = message.get("hint", self.hint)
            if "ready" in message:
                self.ready.set()
        await self.process.wait()
        self.ready.set()
