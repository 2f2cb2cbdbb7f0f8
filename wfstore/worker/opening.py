"""The connections of a worker."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial

from wfstore.aio.connecting import connect
from wfstore.aio.store import AsyncStore
from wfstore.errors import DatabaseUnavailable
from wfstore.server import Role, resolve
from wfstore.worker.backoff import Backoff
from wfstore.worker.guarding import guarded, watched
from wfstore.worker.settings import Settings

_log = logging.getLogger("wfstore.worker")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker works."""

    url: str
    store: AsyncStore
    """For claims, leases and what is written under them."""
    handler_store: AsyncStore
    owns_handler_store: bool

    async def close(self) -> None:
        """Close what was opened."""
        await self.store.close()
        if self.owns_handler_store:
            await self.handler_store.close()


async def open_place(database: str | AsyncStore | None, settings: Settings) -> Place:
    """Open a worker's connections; while there is no server, try again for `start_patience`.

    Raises:
        DatabaseUnavailable: no server answered in that time.
        WfstoreError: as of `connect`.
    """
    deadline = time.monotonic() + settings.start_patience.total_seconds()
    backoff = Backoff()
    while True:
        try:
            return await _open(database, settings)
        except DatabaseUnavailable as error:
            pause = next(backoff)
            if time.monotonic() + pause > deadline:
                raise
            _log.warning("no database yet: %s", error)
            await asyncio.sleep(pause)


async def _open(database: str | AsyncStore | None, settings: Settings) -> Place:
    # the store's own URL: connect() gives its pool no function in place of one
    given = str(database.pool.conninfo) if isinstance(database, AsyncStore) else database
    seconds = settings.answer_seconds
    url = watched(await asyncio.to_thread(partial(resolve, given, Role.WORKER)), seconds)
    # claims, heartbeats, endings and waits beside the writers: none of them is kept for long
    store = await _connect(database, settings, url, least=1, most=settings.writers + 4)
    if isinstance(database, AsyncStore):
        return Place(url, store, database, owns_handler_store=False)
    try:
        handler_store = await _connect(database, settings, url, least=0, most=settings.handler_connections)
    except BaseException:
        await store.close()
        raise
    return Place(url, store, handler_store, owns_handler_store=True)


async def _connect(
    database: str | AsyncStore | None, settings: Settings, url: str, *, least: int, most: int
) -> AsyncStore:
    store = await connect(
        url,
        role=Role.WORKER,
        tenant=database.tenant_id if isinstance(database, AsyncStore) else settings.tenant,
        min_size=least,
        max_size=most,
        timeout=settings.answer_seconds,
        prepare_threshold=settings.prepare_threshold,
        connection_class=guarded(settings.answer_seconds),
    )
    # A pool that cannot connect tries ever more rarely, for minutes; so it begins anew when somebody asks again.
    store.pool.reconnect_timeout = settings.answer_seconds
    return store
