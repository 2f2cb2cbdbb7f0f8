"""The embedded PostgreSQL: one server for one folder, shared by all processes of its user."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import psycopg

from wfstore.errors import ServerError
from wfstore.server import cluster, failure, process
from wfstore.server.account import Account, service_account
from wfstore.server.binaries import installed, reachable
from wfstore.server.home import Home
from wfstore.server.locks import is_free, locked, poll, try_lock
from wfstore.server.urls import Role, socket_url

DATABASE = "wfstore"
_START = _STOP = 60.0  # seconds
_LOCK = 150.0  # longer than what its holder may take: creating the data, then starting
_LEAVE = 3.0  # seconds that processes of a dead server get to notice it


class EmbeddedServer:
    """A PostgreSQL with its data under `home`; `settings` are for throw-away servers (`{"fsync": "off"}`)."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self._home = Home(home)
        self._settings = dict(settings or {})

    @property
    def home(self) -> Path:
        """The folder, absolute."""
        return self._home.path

    def url(self, role: Role, database: str = DATABASE) -> str:
        """The libpq URL for `role`; it starts nothing."""
        folder = self._home.socket_folder()
        if role is Role.OWNER:  # cannot log in; the administrator works as it
            return socket_url(folder, cluster.SUPERUSER, database, role=role.database_role)
        return socket_url(folder, role.database_role or cluster.SUPERUSER, database)

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs, such as psql."""
        return installed().program(name)

    def running(self) -> bool:
        """Whether the server is alive and answers."""
        if not self._home.exists() or process.postmaster(self._home.data) is None:
            return False
        return psycopg.pq.PGconn.ping(self._conninfo("postgres").encode()) == psycopg.pq.Ping.OK

    def start(self) -> bool:
        """Make sure that the server runs and has its database; True if this call started it.

        The server does not depend on this process: it stays up until `stop`.
        """
        with failure.told_in_one_sentence("Starting the embedded PostgreSQL", self.home):
            known = self._home.exists()
            account = service_account(self._home.data)
            if known and self._home.trusts_socket_folder(account) and self._accepts(DATABASE):
                return False
            installed()  # else nothing is made
            self._home.claim(account)
            with locked(self._home.lock, _LOCK) as lock:
                hold = self._take_over()
                if hold is not None:
                    self._launch(account, lock, hold)
                self._require_database()
                return hold is not None

    def stop(self) -> bool:
        """Stop the server, its connections with it; False if it was not running."""
        with failure.told_in_one_sentence("Stopping the embedded PostgreSQL", self.home):
            if not self._home.exists():
                return False
            with locked(self._home.lock, _LOCK):
                return self._stop()

    def destroy(self) -> None:
        """Stop the server and remove its folder with all data."""
        with failure.told_in_one_sentence("Removing the embedded PostgreSQL", self.home):
            if not self._home.exists():
                return
            with locked(self._home.lock, _LOCK):
                self._stop()
                self._wait_for_orphans()
                self._home.remove()

    # --- under the lock -------------------------------------------------------------------------------------

    def _take_over(self) -> int | None:
        """Get hold of the server's own lock, so that we may start one; None if a server lives and answers."""
        found: list[int] = []

        def settled() -> bool:
            living = process.postmaster(self._home.data)
            if living is not None:
                return self._accepts("postgres") or self._has_no_socket(living)
            hold = try_lock(self._home.server_lock)
            if hold is not None:
                found.append(hold)
            return hold is not None

        if not poll(settled, _LEAVE):
            process.end_orphans(self._home.data)
            if not poll(settled, _START):
                raise self._stuck()
        return found[0] if found else None

    def _has_no_socket(self, living: int) -> bool:
        """False; refuses a server that nobody can reach any more, instead of waiting for it."""
        folder = self._home.socket_folder()
        if process.ready(self._home.data) and not any(folder.glob(".s.PGSQL.*")):
            raise ServerError(
                f"the embedded PostgreSQL (process {living}) runs, but its socket in {folder} was removed",
                hint="wfstore down ends it, and wfstore up starts it with a new one.",
            )
        return False

    def _stuck(self) -> ServerError:
        living = process.postmaster(self._home.data)
        log = self._home.log
        if living is None:
            return ServerError(
                f"processes of an earlier server still hold {self._home.server_lock}",
                hint="Does another container use the same folder? Only one may; end those processes otherwise.",
            )
        return ServerError(
            f"the embedded PostgreSQL (process {living}) does not answer",
            hint=f"It may be recovering after a crash: wait, and look at {log}. Otherwise: wfstore down, wfstore up.",
        )

    def _launch(self, account: Account, lock: int, hold: int) -> None:
        """Start a server, making its data first where there is none; `hold` is handed to it."""
        try:
            poll(lambda: process.end_removed(self._home.data), _LEAVE)
            self._home.prepare(account)
            binaries = reachable(installed(), account, self.home)
            if self._home.data.exists():
                cluster.require_major(self._home, binaries)
                process.forget_dead(self._home.data)  # we hold the server's lock
            else:
                cluster.create(self._home, account, binaries, lock, self._settings)
            cluster.write_access(self._home, account)
            logged = self._log_sizes()
            output = _memory_file()
            with output:
                command = cluster.server_command(self._home, binaries, self._settings)
                process.spawn(command, account, output=output, keep=hold)
                os.close(hold)
                hold = -1
                self._wait_until_up(output, logged)
        finally:
            if hold >= 0:
                os.close(hold)

    def _wait_until_up(self, output: IO[bytes], logged: Mapping[Path, int]) -> None:
        def settled() -> bool:
            return self._accepts("postgres") or is_free(self._home.server_lock)

        in_time = poll(settled, _START)
        if self._accepts("postgres"):
            return
        output.seek(0)
        said = output.read().decode(errors="replace") + self._logged_since(logged)
        if in_time:
            raise failure.explain("Starting the embedded PostgreSQL", said, self.home, self._home.log)
        raise ServerError(
            f"the embedded PostgreSQL was started, but does not answer after {_START:.0f} seconds",
            hint=f"It may be recovering after a crash: wait, look at {self._home.log}, and run the command again.",
        )

    def _require_database(self) -> None:
        """Make the database if it is not there; a starter that was killed may not have come to it."""
        if self._accepts(DATABASE):
            return
        done = subprocess.run(
            [
                self.program("createdb"),
                *(f"--host={self._home.socket_folder()}", "--username=postgres", "--no-password"),
                *("--maintenance-db=postgres", DATABASE),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=process.environment(),
            errors="replace",
            check=False,
            timeout=_START,
        )
        if done.returncode != 0 and not self._accepts(DATABASE):
            raise failure.explain("Creating the database", done.stdout, self.home, self._home.log)

    def _stop(self) -> bool:
        living = process.postmaster(self._home.data)
        if living is None:
            return False
        process.ask_to_stop(living)

        def gone() -> bool:
            return process.postmaster(self._home.data) is None and is_free(self._home.server_lock)

        if not poll(gone, _STOP):
            raise ServerError(
                f"the embedded PostgreSQL (process {living}) has not ended after {_STOP:.0f} seconds",
                hint=f"It may still be writing its last checkpoint: wait, and look at {self._home.log}.",
            )
        return True

    def _wait_for_orphans(self) -> None:
        if poll(lambda: is_free(self._home.server_lock), _LEAVE):
            return
        process.end_orphans(self._home.data)
        if not poll(lambda: is_free(self._home.server_lock), _STOP):
            raise self._stuck()

    # --- questions ------------------------------------------------------------------------------------------

    def _conninfo(self, database: str) -> str:
        return f"{self.url(Role.ADMIN, database)}&connect_timeout=5"

    def _accepts(self, database: str) -> bool:
        try:
            psycopg.connect(self._conninfo(database), autocommit=True).close()
        except psycopg.OperationalError:
            return False  # why is asked by those who need to know; here it is an answer
        return True

    def _log_sizes(self) -> dict[Path, int]:
        return {file: file.stat().st_size for file in self._home.log.glob("*.log")}

    def _logged_since(self, sizes: Mapping[Path, int]) -> str:
        """What was logged after `sizes` were taken; what clients did wrong before is not why we failed."""
        texts = []
        for file in sorted(self._home.log.glob("*.log"), key=lambda file: file.stat().st_mtime):
            size, before = file.stat().st_size, sizes.get(file, 0)
            with file.open("rb") as log:
                log.seek(before if before <= size else 0)
                texts.append(log.read(1 << 20).decode(errors="replace"))
        return "".join(texts)


def _memory_file() -> IO[bytes]:
    """Where the server writes until its log is open; in memory if possible, as the disk may be what is wrong."""
    if hasattr(os, "memfd_create"):
        return cast("IO[bytes]", os.fdopen(os.memfd_create("wfstore-start"), "w+b"))
    return cast("IO[bytes]", tempfile.TemporaryFile())
