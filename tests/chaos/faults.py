"""What goes wrong, in an order that the seed decides."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg

from tests.chaos.crew import Crew
from tests.chaos.place import Place

KILL, STOP, TERMINATE, RESTART = "kill -9", "SIGSTOP past the lease", "pg_terminate_backend", "restart -m immediate"
_KINDS = [KILL] * 8 + [STOP] * 4 + [TERMINATE] * 5 + [RESTART] * 3
_PAUSE = (0.1, 0.6)
_TERMINATE = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    ORDER BY backend_start, pid
"""


@dataclass
class Faults:
    """The faults still to come, and those that were."""

    seed: int
    count: int
    place: Place
    crew: Crew
    lease: float
    done: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    """Seconds that the server was away, each time."""
    stopped: set[int] = field(default_factory=set)
    """Which processes sleep."""
    _next: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the seed."""
        self._rng = random.Random(self.seed)

    @property
    def over(self) -> bool:
        """Whether all have happened, and all who were stopped go on again."""
        return self.done.total() >= self.count and not self.stopped

    def tick(self) -> None:
        """Let the next one happen when it is time."""
        now = time.monotonic()
        if self.done.total() < self.count and now >= self._next:
            kind, place = self._rng.choice(_KINDS), self._rng.randrange(1_000)
            self._next = now + self._rng.uniform(*_PAUSE)
            if kind == RESTART and not self.place.may_restart:
                kind = TERMINATE
            if self._do(kind, place):
                self.done[kind] += 1

    def _do(self, kind: str, place: int) -> bool:
        if kind == RESTART:
            self.recoveries.append(self.place.restart())
            return True
        if kind == TERMINATE:
            return self._terminate(place)
        awake = [pid for pid in self.crew.pids() if pid not in self.stopped]
        if len(awake) < 2:
            return False  # somebody should be left to work
        pid = awake[place % len(awake)]
        self.crew.signal(pid, signal.SIGKILL if kind == KILL else signal.SIGSTOP)
        if kind == STOP:
            self.stopped.add(pid)
            # By a thread of its own: whoever waits for a lock that the sleeper has must not be who wakes it.
            threading.Timer(1.5 * self.lease, self._wake, [pid]).start()
        return True

    def _wake(self, pid: int) -> None:
        self.crew.signal(pid, signal.SIGCONT)
        self.stopped.discard(pid)

    def _terminate(self, place: int) -> bool:
        with psycopg.connect(self.place.url, autocommit=True) as admin:
            pids = [pid for [pid] in admin.execute(_TERMINATE).fetchall()]
            if not pids:
                return False
            admin.execute("SELECT pg_terminate_backend(%s)", [pids[place % len(pids)]])
        return True
