"""What PostgreSQL's programs say when they fail, in one sentence."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wfstore.errors import ServerError

_FULL = ("No space left on device", "Disk quota exceeded")
_TELLING = re.compile(r"(?:FATAL|PANIC|ERROR|error|fatal):\s+(?P<what>.+)")
_LITTLE = 1 << 20  # a server that cannot write a megabyte cannot start: its first file of WAL has 16


def explain(doing: str, output: str, home: Path, log: Path | None = None) -> ServerError:
    """The error for a program that failed while `doing`, told from what it wrote."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    full = [line for line in lines if any(sign in line for sign in _FULL)]
    if any("shared memory" in line for line in full):
        return ServerError(
            f"{doing} failed: the system's shared memory (/dev/shm) is full",
            hint="Give it more room; in a container that is docker run --shm-size.",
        )
    told = [found["what"] for line in lines if (found := _TELLING.search(line))]
    # a server on a full disk often cannot write down why it ended
    if full or (not told and shutil.disk_usage(home).free < _LITTLE):
        return disk_full(doing, home)
    hint = f"The server's log: {log}" if log is not None else None
    return ServerError(f"{doing} failed: {told[-1] if told else (lines or ['it said nothing'])[-1]}", hint=hint)


def disk_full(doing: str, home: Path) -> ServerError:
    """The error for a disk without room."""
    return ServerError(
        f"{doing} failed: no space is left on the disk of {home}",
        hint="Make room there, or set WFSTORE_HOME to a folder on another disk; then run the command again.",
    )


@contextmanager
def told_in_one_sentence(doing: str, home: Path) -> Iterator[None]:
    """Make a ServerError of what the operating system refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(doing, home) from error
        place = f" ({error.filename})" if error.filename else ""
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ServerError(
            f"{doing} failed: {reason}{place}",
            hint="Set WFSTORE_HOME to a folder that you may write to, or DATABASE_URL to another server.",
        ) from error
