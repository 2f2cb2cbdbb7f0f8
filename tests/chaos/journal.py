"""What a worker says of itself: one line of JSON each, written before it goes on.

A line is one `write` to a file opened for appending: when the process is killed the next moment the kernel has it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from wfstore import ClaimedExecution


class Journal:
    """A worker's file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def acknowledged(self, lease: ClaimedExecution, node_id: str, nonce: str) -> None:
        """The store has said that this result is stored."""
        self._write(what="ack", execution=str(lease.execution_id), node=node_id, nonce=nonce)

    def holds(self, lease: ClaimedExecution, until: float) -> None:
        """The lease is this worker's from now on, until then at most."""
        self._write(
            what="holds",
            execution=str(lease.execution_id),
            attempt=lease.attempt,
            key=lease.metadata["key"],
            at=time.time(),
            until=until,
        )

    def leaves(self, lease: ClaimedExecution) -> None:
        """It is about to give the lease back; what it gets to hear of it is another matter."""
        self._write(what="leaves", execution=str(lease.execution_id), attempt=lease.attempt, at=time.time())

    def tell(self, what: str) -> None:
        """Something for people."""
        self._write(what=what)

    def _write(self, **facts: Any) -> None:
        os.write(self._file, orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Read what all workers have said."""
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_bytes().splitlines():
            yield orjson.loads(line)
