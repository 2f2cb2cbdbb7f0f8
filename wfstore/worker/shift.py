"""A worker at work: its chores, its runs, and how it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from wfstore.aio import queries
from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.errors import LeaseLost, WfstoreError
from wfstore.leases import ClaimedExecution
from wfstore.worker.claiming import Claimer
from wfstore.worker.handlers import Choose
from wfstore.worker.health import Health
from wfstore.worker.holding import Holding
from wfstore.worker.journal import Surroundings
from wfstore.worker.keeping import Keeper
from wfstore.worker.listening import Listener
from wfstore.worker.opening import Place
from wfstore.worker.run import Run
from wfstore.worker.settings import Settings
from wfstore.worker.versions import Versions

_log = logging.getLogger("wfstore.worker")
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Stopping:
    """What was said about stopping."""

    draining: asyncio.Event
    at_once: asyncio.Event


class Shift:
    """From the first claim to the last lease handed back."""

    def __init__(
        self,
        place: Place,
        writer: AsyncGroupWriter,
        settings: Settings,
        *,
        health: Health,
        choose: Choose,
        stopping: Stopping,
    ) -> None:
        self._place = place
        self._writer = writer
        self._settings = settings
        self._health = health
        self._choose = choose
        self._stopping = stopping
        self._around = Surroundings(
            store=place.store,
            handler_store=place.handler_store,
            versions=Versions(place.store),
            permanent=settings.never_again,
            longest_pause=settings.longest_pause,
            lease=settings.lease,
            clock=settings.clock,
            draining=stopping.draining.is_set,
        )
        self._claimer = Claimer(place.store, settings, health, room=self._room, begin=self._begin)
        self._keeper = Keeper(place.store, settings, health, self._claimer.make_room)

    async def work(self) -> None:
        """Work until told to stop, then drain; whatever ends it, leases that are left are handed back."""
        claiming = asyncio.create_task(self._claimer.run())
        chores = [asyncio.create_task(self._keeper.heartbeats()), asyncio.create_task(self._keeper.expirations())]
        if self._settings.listen:
            chores.append(asyncio.create_task(self._listener().run()))
        try:
            await _first(self._stopping.draining, [claiming, *chores])
            for chore in (claiming, *chores):
                if chore.done():  # it never ends by itself: something is wrong with this program
                    chore.result()
            self._claimer.stop()
            await self._drain(claiming)
        finally:
            await self._end_claims(claiming)
            await self._hand_back()
            await _cancel(chores)

    async def _end_claims(self, claiming: asyncio.Task[None]) -> None:
        """Let the claim that is under way end: cut off it may have been made, and its leases would have to run out."""
        self._claimer.stop()
        await asyncio.wait([claiming], timeout=_GRACE_SECONDS)
        await _cancel([claiming])

    def _listener(self) -> Listener:
        return Listener(
            self._place.url,
            self._settings.queues,
            self._claimer.wake,
            answer_timeout=self._settings.answer_seconds,
            health=self._health,
        )

    def _room(self) -> int:
        return self._settings.concurrency - len(self._keeper)

    def _begin(self, lease: ClaimedExecution, until: float) -> None:
        run = Run(Holding(lease, until), self._around, self._writer, self._health)
        self._keeper.add(run, asyncio.create_task(run.run(self._choose)))

    async def _drain(self, claiming: asyncio.Task[None]) -> None:
        """Let the claim that is under way and the handlers end, for a while."""
        try:
            async with asyncio.timeout(self._settings.drain_timeout.total_seconds()):
                await _first(self._stopping.at_once, [claiming])
                while self._keeper.tasks and not self._stopping.at_once.is_set():
                    await _first(self._stopping.at_once, self._keeper.tasks)
        except TimeoutError:
            _log.warning("%d execution(s) were not done when the worker had to stop", len(self._keeper))

    async def _hand_back(self) -> None:
        """Stop what is left, and give the leases back, without a failure counted, so that others take over at once."""
        left = [run for run in self._keeper if not run.holding.lost.is_set()]
        endable = {task for task, run in self._keeper.items() if run.can_be_stopped or run.is_ending}
        for run in left:
            run.hand_back()
        if endable:
            await asyncio.wait(endable, timeout=_GRACE_SECONDS)
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await self._release([run.holding.lease for run in left if not run.has_ended])
        except (TimeoutError, WfstoreError, psycopg.Error) as error:
            late = TimeoutError("the leases could not be handed back in time, and will run out")
            self._health.note(error if str(error) else late, self._settings.clock())
            _log.warning("leases could not be handed back, and will run out: %s", str(error) or "no answer")
        tasks = self._keeper.tasks
        for task in tasks:
            task.cancel()
        if tasks:  # a handler that will not end is left behind
            await asyncio.wait(tasks, timeout=_GRACE_SECONDS)

    async def _release(self, leases: list[ClaimedExecution]) -> None:
        """Suspend until now, which counts no failure, and tell other workers."""
        if not leases:
            return
        now = self._settings.clock()
        suspend = self._place.store.executions.suspend
        outcomes = await asyncio.gather(
            *(suspend(lease, until=now, now=now) for lease in leases), return_exceptions=True
        )
        self._health.released += sum(outcome is True for outcome in outcomes)
        async with self._place.store.pool.connection() as connection:
            await queries.session.notify(connection, queues=list(self._settings.queues))
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, LeaseLost):
                raise outcome


async def _first(event: asyncio.Event, others: Iterable[asyncio.Future[Any]]) -> None:
    """Wait until an event is set or one of the others has ended."""
    others = list(others)
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([waiting, *others], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and see them end."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
