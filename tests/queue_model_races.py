"""An explorer of interleavings: transactions of the real API, stepped statement by statement.

Each actor is a function of a store, run by a thread on a connection of its own. Before each statement and each
COMMIT it stops at a gate; the scheduler lets one at a time go on. An actor whose statement does not return is
blocked if PostgreSQL says so (`pg_blocking_pids`); then another must go on first. All schedules are tried, one
after the other, each from a fresh start: choices are enumerated depth first.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from tests.executionkit import Admin
from wfstore import Role
from wfstore.ids import DEFAULT_TENANT
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.calling import Call, call, pipelined
from wfstore.sync.running import TransactionRunner, Woken
from wfstore.sync.store import Namespaces
from wfstore.translate import refuse

T = TypeVar("T")

_PATIENCE = 30.0
_GLANCE = 0.002  # seconds that a statement may take before the server is asked whether it is blocked
_ROLES = {Role.APP: "wfstore_app", Role.WORKER: "wfstore_worker"}


class Abandoned(Exception):
    """The schedule was given up; the actor's transaction is rolled back."""


class Rollback(Exception):
    """What an actor raises to have its transaction rolled back: a process that died."""


class _Runner(TransactionRunner):
    """Stops before each statement."""

    def __init__(self, actor: Actor, connection: psycopg.Connection[Any], catalogue: Catalogue) -> None:
        super().__init__(connection, catalogue, DEFAULT_TENANT)
        self._actor = actor

    def run(
        self, *calls: Call, ready: Collection[str] = (), woken: Woken | None = None, last: bool = False
    ) -> list[Any]:
        results = []
        for each in calls:
            if each.query.namespace != "session":  # a setting, which no other actor sees
                self._actor.gate(str(each.query))
            try:
                results += pipelined(self.connection, [each])
            except psycopg.errors.DeadlockDetected:
                raise
            except psycopg.Error as error:
                refuse(error)
        return results


class Actor(threading.Thread):
    """One of those who race. State: at a gate, under way (perhaps blocked), or done."""

    def __init__(
        self, name: str, act: Callable[[Actor], Any], connection: psycopg.Connection[Any], catalogue: Catalogue
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._act = act
        self._connection = connection
        self._catalogue = catalogue
        self._turn = threading.Condition()
        self._abandoned = False
        self.pid = connection.info.backend_pid
        self.state = "under way"
        self.next = ""
        self.steps = 0
        self.deadlocks = 0
        self.outcome: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.outcome = self._act(self)
        except Abandoned:
            pass
        except Exception as error:
            self.error = error
        with self._turn:
            self.state = "done"
            self._turn.notify_all()

    def transaction(self, body: Callable[[Namespaces], T]) -> T:
        """Run a body in a transaction, as a store of its own does: a deadlock is tried again."""
        while True:
            try:
                return self._once(body)
            except psycopg.errors.DeadlockDetected:
                self.deadlocks += 1
                assert self.deadlocks < 10, "a deadlock that does not end"

    def _once(self, body: Callable[[Namespaces], T]) -> T:
        self._connection.execute("BEGIN")
        try:
            call(self._catalogue["session.set_tenants"], self._connection, {"tenant_ids": str(DEFAULT_TENANT)})
            outcome = body(Namespaces(_Runner(self, self._connection, self._catalogue)))
            self.gate("COMMIT")
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return outcome

    def gate(self, what: str) -> None:
        """Wait for one's turn."""
        with self._turn:
            if self._abandoned:
                raise Abandoned
            self.state, self.next = "at a gate", what
            self._turn.notify_all()
            assert self._turn.wait_for(lambda: self.state != "at a gate", _PATIENCE), f"{self.name} never got its turn"
            if self._abandoned:
                raise Abandoned

    def go(self) -> None:
        """Let it do its next step."""
        with self._turn:
            self.state = "under way"
            self.steps += 1
            self._turn.notify_all()

    def abandon(self) -> None:
        """End it, whatever it is about to do; it must not be blocked."""
        with self._turn:
            self._abandoned = True
            if self.state == "at a gate":
                self.state = "under way"
            self._turn.notify_all()

    def arrived(self, seconds: float) -> bool:
        """Whether it is at a gate or done, now or within a moment."""
        with self._turn:
            return self._turn.wait_for(lambda: self.state != "under way", seconds)


@dataclass(frozen=True)
class Act:
    """What one actor does, and as whom."""

    name: str
    role: Role
    body: Callable[[Actor], Any]


@dataclass
class Run:
    """What happened in one schedule."""

    schedule: list[str] = field(default_factory=list)
    choices: list[tuple[int, int]] = field(default_factory=list)
    """At each step the one that was chosen, and of how many."""
    blocked: set[str] = field(default_factory=set)
    """Who had to wait for a lock."""
    deadlocks: int = 0
    outcomes: dict[str, Any] = field(default_factory=dict)
    """What each actor returned, or the error it met."""

    def __str__(self) -> str:
        return "\n".join([" ; ".join(self.schedule), f"outcomes: {self.outcomes}", f"blocked: {sorted(self.blocked)}"])


class Ring:
    """Connections for the actors, and one to look on."""

    def __init__(self, url: str, admin: Admin) -> None:
        self._url = url
        self._admin = admin
        self._stack = ExitStack()
        self._idle: dict[Role, list[psycopg.Connection[Any]]] = {}

    def __enter__(self) -> Ring:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def connection(self, role: Role, number: int) -> psycopg.Connection[Any]:
        """A connection of this role; the same number is the same connection."""
        idle = self._idle.setdefault(role, [])
        while len(idle) <= number:
            opened = self._stack.enter_context(psycopg.connect(self._url, autocommit=True))
            # A deadlock is found at once; only a superuser may say so.
            opened.execute("SET deadlock_timeout = '20ms'")
            opened.execute(f"SET ROLE {_ROLES[role]}")
            idle.append(opened)
        return idle[number]

    def run(
        self,
        acts: Sequence[Act],
        catalogues: Callable[[str], Catalogue],
        choose: Callable[[int, int], int],
    ) -> Run:
        """Run the actors in one schedule; `choose(step, count)` says who is next of those who can go on."""
        actors = [
            Actor(act.name, act.body, self.connection(act.role, number), catalogues(act.name))
            for number, act in enumerate(acts)
        ]
        run = Run()
        for actor in actors:
            actor.start()
        try:
            while True:
                self._settle(actors, run)
                free = [actor for actor in actors if actor.state == "at a gate"]
                if not free:
                    break
                chosen = choose(len(run.choices), len(free))
                run.choices.append((chosen, len(free)))
                run.schedule.append(f"{free[chosen].name}: {free[chosen].next}")
                free[chosen].go()
        finally:
            for actor in actors:
                actor.abandon()
            for actor in actors:
                actor.join(_PATIENCE)
        run.deadlocks = sum(actor.deadlocks for actor in actors)
        run.outcomes = {actor.name: actor.error or actor.outcome for actor in actors}
        return run

    def _settle(self, actors: Sequence[Actor], run: Run) -> None:
        """Wait until each actor is at a gate, done, or proven blocked; if all are blocked, until one is freed."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            moving = [actor for actor in actors if not actor.arrived(_GLANCE)]
            blocked = [actor for actor in moving if self._is_blocked(actor) and actor.state == "under way"]
            for actor in blocked:
                if actor.name not in run.blocked:
                    run.blocked.add(actor.name)
                    run.schedule.append(f"({actor.name} waits)")
            # All blocked and none at a gate: a deadlock, which the server ends.
            if len(blocked) == len(moving) and (not moving or any(actor.state == "at a gate" for actor in actors)):
                return
            assert time.monotonic() < deadline, f"stuck after {run.schedule}"

    def _is_blocked(self, actor: Actor) -> bool:
        [[pids]] = self._admin.execute("SELECT pg_blocking_pids(%s)", [actor.pid]).fetchall()
        return bool(pids)


def schedules(limit: int, seed: int = 0) -> Iterator[tuple[Callable[[int, int], int], Callable[[Run], None]]]:
    """Give `choose` and what to tell the run to, for every schedule; beyond `limit` random ones, then an end."""
    prefix: list[int] = []
    runs: list[Run] = []

    def choose(step: int, count: int) -> int:
        return min(prefix[step], count - 1) if step < len(prefix) else 0

    for _ in range(limit):
        yield choose, runs.append
        choices = runs[-1].choices
        while choices and choices[-1][0] + 1 >= choices[-1][1]:
            choices.pop()
        if not choices:
            return
        prefix[:] = [chosen for chosen, _ in choices]
        prefix[-1] += 1
    rng = random.Random(seed)
    for _ in range(limit):
        yield (lambda step, count: rng.randrange(count)), runs.append
