"""The worker processes: started, ended, and started again when they were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_STOP = 20.0


class Crew:
    """So many workers, always."""

    def __init__(self, loop: str, url: str, folder: Path, lease: float, size: int) -> None:
        self._loop, self._url, self._folder, self._lease = loop, url, folder, lease
        self._workers: list[subprocess.Popen[bytes]] = []
        self._killed: set[int] = set()
        self._started = 0
        self.faults: list[str] = []
        for _ in range(size):
            self._start()

    @property
    def started(self) -> int:
        """How many there have been."""
        return self._started

    def pids(self) -> list[int]:
        """Those that live, oldest first."""
        return [worker.pid for worker in self._workers if worker.poll() is None]

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to one of them."""
        if number == signal.SIGKILL:
            self._killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def tick(self) -> None:
        """Replace those that are gone; whoever was not killed should not be."""
        for worker in list(self._workers):
            if worker.poll() is None:
                continue
            self._workers.remove(worker)
            if worker.pid not in self._killed:
                self.faults.append(
                    f"worker {worker.pid} ended by itself: {worker.returncode}: {self._last_words(worker)}"
                )
            self._start()

    def stop(self) -> None:
        """Let them end; one that does not hangs."""
        for worker in self._workers:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
                worker.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP
        for worker in self._workers:
            try:
                code = worker.wait(max(0.1, deadline - time.monotonic()))
                if code != 0:
                    self.faults.append(f"worker {worker.pid} ended with {code}: {self._last_words(worker)}")
            except subprocess.TimeoutExpired:
                self.faults.append(f"worker {worker.pid} hangs: it did not end within {_STOP:g} s")
                worker.kill()
                worker.wait()
        self._workers.clear()

    def _start(self) -> None:
        self._started += 1
        name = f"w{self._started:04}"
        with (self._folder / f"{name}.errors").open("wb") as errors:
            worker = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.chaos.worker", self._loop, self._url),
                    *(str(self._folder / f"{name}.journal"), name, str(self._lease)),
                ],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                process_group=0,  # Ctrl-C is for the one who started them
            )
        self._workers.append(worker)
        (self._folder / f"{worker.pid}.name").write_text(name)

    def _last_words(self, worker: subprocess.Popen[bytes]) -> str:
        name = (self._folder / f"{worker.pid}.name").read_text()
        return (self._folder / f"{name}.errors").read_text(errors="replace")[-2_000:]
