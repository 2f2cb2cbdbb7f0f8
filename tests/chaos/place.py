"""Where it happens: a server of its own that can be restarted, or a new database on one that is named."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import in_database
from wfstore.migrate import migrate
from wfstore.server import EmbeddedServer, Role, process


class Place:
    """A migrated database; fsync is on where the server is our own, so that what was acknowledged is durable."""

    def __init__(self, database_url: str | None) -> None:
        self._server: EmbeddedServer | None = None
        self._others = database_url
        self.folder = Path(tempfile.mkdtemp(prefix="wfstore-chaos-"))
        self.url = ""

    @property
    def may_restart(self) -> bool:
        """Whether the server is our own."""
        return self._server is not None

    def __enter__(self) -> Place:
        if self._others is None:
            self.folder.chmod(0o711)  # as root the server is another user
            self._server = EmbeddedServer(self.folder / "home")
            self._server.start()
            self.url = self._server.url(Role.ADMIN)
        else:
            name = f"wfstore_chaos_{uuid4().hex}"
            with psycopg.connect(self._others, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            self.url = in_database(self._others, name)
        migrate(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.destroy()
        elif self._others is not None:
            name = conninfo_to_dict(self.url)["dbname"]
            with psycopg.connect(self._others, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(self.folder)

    def restart(self) -> float:
        """What `pg_ctl restart -m immediate` does; returns after how many seconds the server answered again."""
        assert self._server is not None
        begin = time.monotonic()
        postmaster = process.postmaster(self._server.home / "data")
        assert postmaster is not None
        os.kill(postmaster, signal.SIGQUIT)
        while process.postmaster(self._server.home / "data") is not None:
            time.sleep(0.005)
        self._server.start()
        return time.monotonic() - begin

    def deadlocks(self) -> int | None:
        """How often the server's log tells of a deadlock; None: its log is not ours to read."""
        if self._server is None:
            return None
        logs = self._server.home.rglob("*.log")
        return sum(log.read_text(errors="replace").count("deadlock detected") for log in logs if log.is_file())
