"""Hear of new work at once, on a connection of its own; polling goes on underneath."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import psycopg

from wfstore.aio.calling import call
from wfstore.catalogue import CATALOGUE
from wfstore.translate import reason
from wfstore.worker.backoff import Backoff
from wfstore.worker.guarding import guarded
from wfstore.worker.health import Health

_log = logging.getLogger("wfstore.worker")


class Listener:
    """Calls `wake` for each notification of one of its queues, and whenever it has begun to listen anew."""

    def __init__(
        self, url: str, queues: Collection[str], wake: Callable[[], None], *, answer_timeout: float, health: Health
    ) -> None:
        self._url = url
        self._queues = frozenset(queues)
        self._wake = wake
        self._connection_class = guarded(answer_timeout)
        self._probe_seconds = answer_timeout / 2
        self._health = health

    async def run(self) -> None:
        """Listen for ever; a connection that is lost, or says nothing when asked, is replaced."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(backoff)
            except psycopg.Error as error:
                if self._health.listening:
                    _log.warning("listening was interrupted: %s", reason(error))
                self._health.listening = False
            await asyncio.sleep(next(backoff))

    async def _listen(self, backoff: Backoff) -> None:
        connection = await self._connection_class.connect(self._url, autocommit=True)
        try:
            while True:
                # Said again it changes nothing, and its answer proves that the server is there.
                await call(CATALOGUE["session.listen"], connection, {})
                if not self._health.listening:
                    self._health.listening = True
                    backoff.reset()
                    self._wake()  # for what came while nobody listened
                async for notification in connection.notifies(timeout=self._probe_seconds):
                    if notification.payload in self._queues:
                        self._wake()
        finally:
            self._health.listening = False
            await connection.close()
