"""Migrate and roll back: under the lock, in order, with retries."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import errors

from wfstore.errors import MigrationError
from wfstore.migrate import failures, files, state
from wfstore.migrate.files import MigrationFile
from wfstore.migrate.statements import statements
from wfstore.resources import MIGRATIONS

if TYPE_CHECKING:
    from yoyo.migrations import Migration

    from wfstore.migrate.backend import Backend

Report = Callable[[str], None]
Sleep = Callable[[float], None]

TRIES = 8
_LONGEST_PAUSE = 8.0  # seconds between tries
_RETRIED = (errors.LockNotAvailable, errors.DeadlockDetected)


def silent(message: str) -> None:
    """Report nothing."""


def migrate(
    url: str,
    *,
    to: str | None = None,
    folder: Path = MIGRATIONS,
    report: Report = silent,
    sleep: Sleep = time.sleep,
) -> list[str]:
    """Apply what is pending, up to and with `to`, and return the ids of what was applied."""
    known = files.known(folder)
    with _session(url, known, folder, report, sleep) as session:
        session.backend.prepare()
        done = state.applied(session.connection)
        state.refuse(known, done)
        wanted = state.pending(known, done, to)
        session.tell_of_yoyo()
        recorded = session.backend.record()
        if recorded:
            report(f"Recorded the content of what was applied without `wfstore migrate`: {', '.join(recorded)}.")
        session.each(wanted, "apply")
    return wanted


def rollback(
    url: str,
    *,
    to: str | None = None,
    everything: bool = False,
    expected: Sequence[str] | None = None,
    folder: Path = MIGRATIONS,
    report: Report = silent,
    sleep: Sleep = time.sleep,
) -> list[str]:
    """Roll the last migration back, or all after `to`, or everything; return their ids, the newest first.

    With `expected`, what somebody agreed to, anything else is refused: others may have migrated meanwhile.
    """
    known = files.known(folder)
    with _session(url, known, folder, report, sleep) as session:
        wanted = state.to_roll_back(known, state.applied(session.connection), to=to, everything=everything)
        if expected is not None and list(expected) != wanted:
            raise MigrationError("somebody else has migrated meanwhile; nothing was rolled back", hint="Look again.")
        if wanted:
            session.tell_of_yoyo()
        session.each(wanted, "rollback")
    return wanted


@contextmanager
def _session(
    url: str, known: Sequence[MigrationFile], folder: Path, report: Report, sleep: Sleep
) -> Iterator[_Session]:
    """Hold the migration lock of the database; raise what goes wrong as errors that say what to do."""
    from wfstore.migrate.backend import Backend  # yoyo takes a while to import

    with failures.connecting():
        backend = Backend(url, known)
    with closing(backend.connection):
        session = _Session(backend, known, folder, report, sleep)
        try:
            session.lock()
            yield session
            session.unlock()
        except psycopg.Error as error:
            raise session.explained(error) from error


class _Session:
    def __init__(
        self, backend: Backend, known: Sequence[MigrationFile], folder: Path, report: Report, sleep: Sleep
    ) -> None:
        self.backend = backend
        self._files = {file.id: file for file in known}
        self._folder = folder
        self._report = report
        self._sleep = sleep
        self._doing: MigrationFile | None = None

    @property
    def connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = self.backend.connection
        return connection

    def lock(self) -> None:
        """Take the migration lock, however long another migration takes.

        Asking again instead of waiting inside the server: a session that waits there has a snapshot, and
        CREATE INDEX CONCURRENTLY in the session that holds the lock would wait for it, for ever.
        """
        from wfstore.migrate.backend import LOCK_KEY

        statements.end_with_client(self.connection)
        pause = 0.05
        while not statements.lock(self.connection, key=LOCK_KEY):
            if pause == 0.05:
                holder = statements.lock_holder(self.connection, key=LOCK_KEY)
                self._report(
                    f"Another migration of this database is running (server process {holder}); waiting for it."
                )
            self._sleep(pause)
            pause = min(pause * 2, 1.0)

    def unlock(self) -> None:
        from wfstore.migrate.backend import LOCK_KEY

        statements.unlock(self.connection, key=LOCK_KEY)

    def tell_of_yoyo(self) -> None:
        """Tell of a lock row of plain yoyo's; it does not stop us, and does stop yoyo."""
        process = statements.yoyo_lock_holder(self.connection)
        if process is not None:
            self._report(
                f"Plain yoyo (process {process}) runs here or was killed. If it was, `yoyo break-lock` removes what it "
                "left; only plain yoyo needs that."
            )

    def each(self, ids: Sequence[str], direction: Literal["apply", "rollback"]) -> None:
        from yoyo import read_migrations

        migrations = {migration.id: migration for migration in read_migrations(glob.escape(str(self._folder)))}
        done = {"apply": "applied", "rollback": "rolled back"}[direction]
        for migration_id in ids:
            self._doing = self._files[migration_id]
            started = time.monotonic()
            self._tried(migrations[migration_id], direction)
            self._report(f"{migration_id} {done} in {time.monotonic() - started:.2f} s")
        self._doing = None

    def _tried(self, migration: Migration, direction: Literal["apply", "rollback"]) -> None:
        """Run a migration; while others lock its tables, let them go on and try again."""
        run = self.backend.apply_one if direction == "apply" else self.backend.rollback_one
        for attempt in range(1, TRIES + 1):
            try:
                if direction == "apply":
                    self._drop_leftovers(migration)
                run(migration)
            except _RETRIED:
                if attempt == TRIES:
                    raise
                pause = min(0.25 * 2 ** (attempt - 1), _LONGEST_PAUSE)
                self._report(f"{migration.id}: others lock its tables; try {attempt + 1} of {TRIES} in {pause:g} s")
                self._sleep(pause)
            else:
                return

    def _drop_leftovers(self, migration: Migration) -> None:
        for statement in self.backend.leftovers(migration):
            self._report(f"{migration.id}: {statement}, which a failed run left behind, invalid")
            self.connection.execute(statement)

    def explained(self, error: psycopg.Error) -> Exception:
        """Return the error that says what happened to which migration."""
        progress = self.backend.progress
        file = self._doing
        if file is None:
            return failures.explain(error, "preparing to migrate")
        places = (failures.place(path, progress.failed, error) for path in (file.path, file.rollback_path))
        where = next((found for found in places if found), None)
        return failures.explain(error, file.id, committing=progress.committing, whole=file.transactional, where=where)
