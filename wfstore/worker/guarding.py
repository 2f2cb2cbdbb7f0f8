"""Connections that do not wait for ever: a server that says nothing for too long is taken for gone.

A half-open socket looks alive: what is written goes into the kernel's buffer, and no answer ever comes. TCP's own
keepalives notice a silent host, but not a proxy that keeps the connection and has lost what is behind it. So each wait
for an answer has a time limit here, on this side, after which the socket is shut down: the call under way then meets a
lost connection, which everything above knows how to handle.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote
from weakref import WeakSet

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

T = TypeVar("T")


class GuardedConnection(AsyncConnection[Any]):
    """A connection whose every wait for the server has an end; `guarded` makes a class of these."""

    answer_timeout: ClassVar[float]
    siblings: ClassVar[WeakSet[GuardedConnection]]
    _heard_at: float

    async def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Wait as psycopg does, at most `answer_timeout` seconds."""
        self.siblings.add(self)
        begin = time.monotonic()
        cutting = asyncio.get_running_loop().call_later(self.answer_timeout, self._cut_all, begin)
        try:
            result = await super().wait(gen, *arguments, **options)
        finally:
            cutting.cancel()
        self._heard_at = time.monotonic()
        return result

    def _cut_all(self, begin: float) -> None:
        """Cut this one, and those from which nothing was heard since either: they lead the same way."""
        for each in list(self.siblings):
            if each is self or getattr(each, "_heard_at", 0.0) < begin:
                each.cut()

    def cut(self) -> None:
        """Shut the socket down, so that whoever waits on it meets its end at once."""
        shut_down(self)


def guarded(answer_timeout: float) -> type[GuardedConnection]:
    """Return a class of connections for one pool, which give a server that long to answer, in seconds."""
    facts = {"answer_timeout": answer_timeout, "siblings": WeakSet()}
    return type("GuardedConnection", (GuardedConnection,), facts)


def shut_down(connection: AsyncConnection[Any]) -> None:
    """Shut a connection's socket down; psycopg closes it when it meets the end."""
    if connection.pgconn.status != 0:  # closed already
        return
    with suppress(OSError):  # or the peer has closed it in this very moment
        end = socket.socket(fileno=os.dup(connection.pgconn.socket))
        with end:
            end.shutdown(socket.SHUT_RDWR)


def watched(url: str, answer_timeout: float) -> str:
    """Return a URL that also has the kernel watch the peer; what the URL says itself is left as it is."""
    seconds = max(2, round(answer_timeout))
    wanted = {
        "connect_timeout": seconds,
        "keepalives_idle": seconds,
        "keepalives_interval": max(1, seconds // 3),
        "keepalives_count": 3,
        "tcp_user_timeout": seconds * 1000,
    }
    given = conninfo_to_dict(url)
    pairs = [f"{key}={quote(str(value))}" for key, value in wanted.items() if key not in given]
    if not pairs:
        return url
    separator = "&" if "?" in url and not url.endswith("?") else "" if url.endswith("?") else "?"
    return url + separator + "&".join(pairs)
