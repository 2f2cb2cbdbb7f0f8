"""Locks that the kernel lets go of when their holder dies, however it dies.

flock(2) belongs to an open file, which child processes share: a lock is held as long as one process lives that
inherited it, and is free the moment the last of them is gone. A zombie holds nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wfstore.errors import ServerError

_STEP = 0.02


def poll(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait until `condition` holds; False if it did not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP)
    return True


def try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock at `path`, or None if somebody else has it; closing it lets go."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at `path`."""
    if not path.exists():
        return True
    descriptor = try_lock(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[int]:
    """Hold the lock at `path`; gives its descriptor, for a child that must be waited for if we die."""
    held: list[int] = []

    def take() -> bool:
        descriptor = try_lock(path)
        if descriptor is None:
            return False
        if not _is_at(path, descriptor):  # whoever held it removed the file, so another lock counts now
            os.close(descriptor)
            return False
        held.append(descriptor)
        return True

    if not poll(take, timeout):
        raise ServerError(
            f"another wfstore command has held {path} for {timeout:.0f} seconds",
            hint="It starts or stops the server; wait for it, or end it, then run this command again.",
        )
    try:
        yield held[0]
    finally:
        fcntl.flock(held[0], fcntl.LOCK_UN)  # also for copies that another thread's fork may have taken
        os.close(held[0])


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
