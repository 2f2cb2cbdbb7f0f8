"""A worker process: `python -m tests.chaos.worker LOOP URL JOURNAL NAME LEASE_SECONDS`."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from tests.chaos import library_loop, own_loop
from tests.chaos.journal import Journal


def main(loop: str, url: str, path: str, name: str, seconds: str) -> None:
    """Work until SIGTERM, or until killed."""
    journal, lease = Journal(Path(path)), timedelta(seconds=float(seconds))
    if loop == "worker":
        library_loop.work(url, journal, name, lease)
        return
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    own_loop.work(url, journal, name, lease, stopped.is_set)


if __name__ == "__main__":
    main(*sys.argv[1:])
