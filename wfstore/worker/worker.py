"""The worker: claim, run, prolong, drain; whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.aio.store import AsyncStore
from wfstore.ids import DEFAULT_TENANT
from wfstore.leases import DEFAULT_QUEUE
from wfstore.worker.handlers import Choose, Handler, chooser
from wfstore.worker.health import Health
from wfstore.worker.opening import Place, open_place
from wfstore.worker.settings import Settings, utc_now
from wfstore.worker.shift import Shift, Stopping


class Worker:
    """Claims executions and runs them in handlers, several at once; survives what happens to the database."""

    def __init__(
        self,
        database: str | AsyncStore | None,
        handlers: Handler | Mapping[UUID, Handler] | None = None,
        *,
        choose: Choose | None = None,
        tenant: UUID | str = DEFAULT_TENANT,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        concurrency: int = 10,
        claim_at_once: int | None = None,
        lease: timedelta = timedelta(seconds=30),
        poll_interval: timedelta = timedelta(seconds=1),
        longest_pause: timedelta = timedelta(seconds=30),
        drain_timeout: timedelta = timedelta(seconds=30),
        answer_timeout: timedelta | None = None,
        start_patience: timedelta = timedelta(seconds=60),
        worker_id: str | None = None,
        permanent: Sequence[type[Exception]] = (),
        listen: bool = True,
        writers: int = 3,
        handler_connections: int = 4,
        prepare_threshold: int | None = 5,
        handle_signals: bool = True,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Describe a worker; nothing is connected before `run`.

        Args:
            database: a libpq URL; None takes DATABASE_URL, and without that the embedded PostgreSQL. Or a store, which
                handlers then get as `ctx.store`; leases and results still go over connections of the worker's own.
            handlers: one for all executions, or a mapping by workflow id. An async function, or a plain one, which
                runs in a thread.
            choose: instead of `handlers`, a function that names the handler of an execution.
            tenant: id or slug of the tenant whose executions it runs.
            queues: which queues it serves; each claim begins with another one.
            concurrency: how many executions run at once.
            claim_at_once: how many one claim takes at most; None: as many as there is room for.
            lease: for how long an execution is the worker's; prolonged each third of it.
            poll_interval: how often it looks for work that nobody has notified it of, timers among them.
            longest_pause: waits up to this go on in the process; longer ones suspend the execution.
            drain_timeout: how long handlers may go on after the first signal to stop.
            answer_timeout: how long the server may take to answer before the connection is taken for dead; None: a
                third of the lease, but 2 to 10 seconds.
            start_patience: how long `run` waits for a database that is not there yet.
            worker_id: who it is, in the queue and in logs; None: host and process.
            permanent: errors of handlers and steps, beside PermanentError, that no retry would help.
            listen: whether it listens for notifications; PgBouncer in transaction mode knows no LISTEN.
            writers: connections that share the node results and the ends of executions.
            handler_connections: how many connections `ctx.store` may open, if no store was given.
            prepare_threshold: as of `connect`.
            handle_signals: whether SIGTERM and SIGINT drain it.
            clock: what time it is.

        Raises:
            InvalidInput: something makes no sense.
        """
        self._database = database
        self._choose = chooser(handlers, choose)
        self._settings = Settings(
            tenant=tenant,
            queues=tuple(queues),
            concurrency=concurrency,
            claim_at_once=claim_at_once,
            lease=lease,
            poll_interval=poll_interval,
            longest_pause=longest_pause,
            drain_timeout=drain_timeout,
            answer_timeout=answer_timeout,
            start_patience=start_patience,
            worker_id=worker_id,
            permanent=tuple(permanent),
            listen=listen,
            writers=writers,
            handler_connections=handler_connections,
            prepare_threshold=prepare_threshold,
            clock=clock,
        )
        self._handle_signals = handle_signals
        self._health = Health(worker_id=self._settings.identity)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = Stopping(asyncio.Event(), asyncio.Event())

    @property
    def worker_id(self) -> str:
        """Who it is."""
        return self._health.worker_id

    def health(self) -> Health:
        """Return how it is, as of now."""
        return replace(self._health)

    def stop(self, *, at_once: bool = False) -> None:
        """Claim no more, let the handlers end within `drain_timeout`, then end; from any thread, and again.

        The second call, or `at_once`, waits for no handler.
        """
        if self._loop is None:
            self._stop(at_once)
        else:
            self._loop.call_soon_threadsafe(self._stop, at_once)

    def _stop(self, at_once: bool) -> None:
        if at_once or self._stopping.draining.is_set():
            self._stopping.at_once.set()
        self._health.draining = True
        self._stopping.draining.set()

    async def run(self) -> None:
        """Work until it is stopped, by `stop`, SIGTERM or SIGINT; or cancelled, which hands all leases back at once.

        Raises:
            DatabaseUnavailable: no server answered within `start_patience`. Later it waits for as long as it takes.
            WfstoreError: schema, role or tenant are not what it needs.
        """
        self._loop = asyncio.get_running_loop()
        with self._signals():
            place = await self._opened()
            if place is None:
                return
            self._health.started_at = self._settings.clock()
            try:
                group = AsyncGroupWriter(place.store, writers=self._settings.writers, clock=self._settings.clock)
                async with group as writer:
                    shift = Shift(
                        place,
                        writer,
                        self._settings,
                        health=self._health,
                        choose=self._choose,
                        stopping=self._stopping,
                    )
                    await shift.work()
            finally:
                await place.close()

    async def _opened(self) -> Place | None:
        """Return the connections; None: it was stopped before there were any."""
        opening = asyncio.create_task(open_place(self._database, self._settings))
        stopping = asyncio.create_task(self._stopping.draining.wait())
        try:
            await asyncio.wait([opening, stopping], return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                return opening.result()
        finally:
            stopping.cancel()
            opening.cancel()  # which changes nothing where it has ended
        return None

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT drain the worker, where this thread may say so."""
        handled = []
        if self._handle_signals and self._loop is not None:
            for number in (signal.SIGTERM, signal.SIGINT):
                try:
                    self._loop.add_signal_handler(number, self._stop, False)
                except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or Windows
                    break
                handled.append(number)
        try:
            yield
        finally:
            for number in handled:
                self._loop.remove_signal_handler(number)  # type: ignore[union-attr]


def run_worker(
    database: str | AsyncStore | None, handlers: Handler | Mapping[UUID, Handler] | None = None, **options: Any
) -> Health:
    """Run a worker until SIGTERM or SIGINT, and return how it was; `options` are those of `Worker`.

    Errors as of `Worker` and `Worker.run`.
    """
    worker = Worker(database, handlers, **options)
    asyncio.run(worker.run())
    return worker.health()
