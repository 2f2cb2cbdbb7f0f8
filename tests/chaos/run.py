"""One run: work, faults, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import psycopg

import wfstore
from tests.chaos.crew import Crew
from tests.chaos.faults import Faults
from tests.chaos.place import Place
from tests.chaos.verdict import judge
from tests.chaos.workload import SIGNAL, Planned, plan
from tests.queue_model_invariants import broken
from wfstore import Role, Store
from wfstore.errors import AlreadyFinished, DatabaseUnavailable, OutcomeUnknown

_TICK = 0.02
_LOOK = 0.25
_WAITING = 60  # executions that are there at once
_NO_PROGRESS = 60.0
_AWAY = (DatabaseUnavailable, OutcomeUnknown, psycopg.OperationalError)


@dataclass(frozen=True)
class Options:
    """What kind of run."""

    seed: int
    workers: int = 8
    faults: int = 100
    executions: int = 0
    """At least so many; as many more as it takes until the last fault."""
    loop: str = "own"
    lease: float = 2.0
    database_url: str | None = None


@dataclass
class Report:
    """How it went."""

    options: Options
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    longest_recovery: float = 0.0
    """Seconds until the server answered again after a restart, at most."""
    deadlocks: int | None = None
    looks: int = 0
    """How often the invariants were asked while it ran."""
    workers: int = 0
    figures: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All of it; the server's address is left out."""
        facts = asdict(self)
        del facts["options"]["database_url"]
        return facts


class Chaos:
    """A run that is under way."""

    def __init__(self, options: Options, place: Place, say: Callable[[str], None]) -> None:
        self._options, self._place, self._say = options, place, say
        self._plans: list[Planned] = []
        self._ended = 0
        self._looks = 0
        self._wrong: list[str] = []
        self._looked = self._progressed = time.monotonic()

    def run(self) -> Report:
        """Run it."""
        options, begin = self._options, time.monotonic()
        with wfstore.connect(self._place.url, role=Role.APP, timeout=5) as store:
            workflow = {"name": "chaos", "nodes": [], "connections": []}
            workflow_id = store.workflows.add(workflow).id
            crew = Crew(options.loop, self._place.url, self._place.folder, options.lease, options.workers)
            faults = Faults(options.seed, options.faults, self._place, crew, options.lease)
            try:
                while not self._over(faults) and not self._wrong:
                    with suppress(*_AWAY):
                        self._tick(store, workflow_id, faults, crew)
                    time.sleep(_TICK)
            finally:
                crew.stop()
        with psycopg.connect(self._place.url, autocommit=True) as admin:
            wrong, figures = judge(admin, self._plans, self._place.folder)
        return Report(
            options=options,
            seconds=round(time.monotonic() - begin, 1),
            faults=dict(faults.done),
            longest_recovery=round(max(faults.recoveries, default=0.0), 1),
            deadlocks=self._place.deadlocks(),
            looks=self._looks,
            workers=crew.started,
            figures=figures,
            wrong=[*self._wrong, *crew.faults, *wrong],
        )

    def _over(self, faults: Faults) -> bool:
        enough = len(self._plans) >= self._options.executions
        return faults.over and enough and self._ended == len(self._plans)

    def _tick(self, store: Store, workflow_id: UUID, faults: Faults, crew: Crew) -> None:
        crew.tick()
        faults.tick()
        more = not faults.over or len(self._plans) < self._options.executions
        if more and len(self._plans) - self._ended < _WAITING:
            number = len(self._plans)
            self._plans += [plan(self._options.seed, number + each) for each in range(10)]
        self._enqueue(store, workflow_id)
        self._signal(store)
        if time.monotonic() - self._looked > _LOOK:
            self._look(faults)

    def _enqueue(self, store: Store, workflow_id: UUID) -> None:
        """Enqueue what is planned; what was in doubt is enqueued again, under the same ids."""
        fresh = [each for each in self._plans[-_WAITING - 10 :] if not each.enqueued]
        if not fresh:
            return
        store.executions.enqueue(*(each.new(workflow_id) for each in fresh))
        for each in fresh:
            each.enqueued = True
            if each.facts["kind"] == "signal":
                # before it waits for it, or after, as it comes
                each.signal_at = time.monotonic() + each.number % 7 / 5

    def _signal(self, store: Store) -> None:
        for each in self._plans:
            if each.signal_at is None or each.signal_at > time.monotonic():
                continue
            try:
                store.executions.signal(each.execution_id, SIGNAL, {"n": each.number}, signal_id=each.signal_id)
            except OutcomeUnknown:
                each.in_doubt = True
                raise
            except AlreadyFinished:
                if not each.in_doubt:  # nothing but this signal lets it end
                    raise
            each.signal_at = None

    def _look(self, faults: Faults) -> None:
        """Ask the database whether all is well, while it is at work."""
        self._looked = time.monotonic()
        with psycopg.connect(self._place.url, autocommit=True, connect_timeout=5) as admin:
            self._wrong += broken(admin)
            [[ended]] = admin.execute(
                "SELECT count(*) FROM workflow_executions WHERE status = 'SUCCESS' AND parent_execution_id IS NULL"
            ).fetchall()
            self._looks += 1
            if ended != self._ended:
                self._ended, self._progressed = ended, time.monotonic()
                self._say(f"{faults.done.total()} faults, {ended} of {len(self._plans)} executions")
            elif time.monotonic() - self._progressed > _NO_PROGRESS:
                left = admin.execute("SELECT q::text FROM execution_queue AS q LIMIT 20").fetchall()
                self._wrong.append(f"no execution has ended for {_NO_PROGRESS:g} s; in the queue: {left}")


def run(options: Options, say: Callable[[str], None] = lambda _: None) -> Report:
    """Run it in a place of its own, of which nothing is left."""
    with Place(options.database_url) as place:
        return Chaos(options, place, say).run()
