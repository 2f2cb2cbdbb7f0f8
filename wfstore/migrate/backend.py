"""yoyo's backend, made safe: steps, log, mark and content hash commit together or not at all."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.migrations import Migration, default_migration_table

from wfstore.errors import MigrationError
from wfstore.migrate.files import MigrationFile
from wfstore.migrate.state import BOOK
from wfstore.migrate.statements import statements

LOCK_KEY = 0x77_6673_746F_7265  # "wfstore": the advisory lock of migrations, in each database its own
LOCK_TIMEOUT = "2s"


@dataclass
class Progress:
    """How far the backend is; what an error means depends on it."""

    failed: object = None
    """The last statement that failed."""
    committing: bool = False


class StepCursor(psycopg.Cursor[Any]):
    """Remembers what failed, and has no rows to show: yoyo would print those to standard output."""

    def __init__(self, connection: psycopg.Connection[Any], progress: Progress) -> None:
        super().__init__(connection)
        self._progress = progress

    def execute(self, query: Any, params: Any = None, **options: Any) -> StepCursor:
        """Run a statement."""
        try:
            super().execute(query, params, **options)
        except psycopg.Error:
            self._progress.failed = query
            raise
        return self

    @property
    def description(self) -> None:
        """Nothing to print."""
        return


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """One session that holds the migration lock, migrates in it, and marks what it did.

    The lock is the session's, so it lasts exactly as long as the statements that it guards: when a client is
    killed, the next one waits until the server is done with it.
    """

    def __init__(self, url: str, files: Sequence[MigrationFile]) -> None:
        self.progress = Progress()
        self._files: Mapping[str, MigrationFile] = {file.id: file for file in files}
        super().__init__(url, default_migration_table)

    def connect(self, dburi: str) -> psycopg.Connection[Any]:
        """Connect by a libpq URL."""
        return psycopg.connect(
            dburi, autocommit=True, prepare_threshold=None, fallback_application_name="wfstore migrate"
        )

    def cursor(self) -> StepCursor:
        """Return a cursor for the statements of yoyo and of migrations."""
        return StepCursor(self.connection, self.progress)

    def list_tables(self, **_kwargs: Any) -> list[str]:
        """Name the tables that are there; the information schema hides those that one may not read."""
        return list(statements.tables(self.connection))

    def prepare(self) -> None:
        """Make yoyo's own tables where they are missing."""
        if self.lock_table not in self.list_tables():
            self.execute(self.format_sql(self.create_lock_table_sql))
        self.ensure_internal_schema_updated()

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Do nothing: yoyo's lock is a row that a killed run leaves behind; the session holds a better one."""
        yield

    @contextmanager
    def disable_transactions(self) -> Iterator[None]:
        """Run without a transaction, as the session does by itself."""
        yield

    def commit(self) -> None:
        """Commit; if the connection breaks in this moment, nobody knows the outcome."""
        self.progress.committing = True
        try:
            super().commit()
        finally:
            self._in_transaction = False  # a COMMIT that fails ends it, too
        self.progress.committing = False

    def rollback(self) -> None:
        """Roll back; over a broken connection the server has done so itself."""
        if self.connection.closed:
            self._in_transaction = False
        else:
            super().rollback()

    def savepoint_rollback(self, id: str) -> None:
        """Roll back to a savepoint; over a broken connection there is none."""
        if not self.connection.closed:
            super().savepoint_rollback(id)

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        """Apply a migration and mark it."""
        self._run(migration, "apply", self._marked)

    def rollback_one(self, migration: Migration, force: bool = False) -> None:
        """Roll a migration back and remove its mark."""
        self._run(migration, "rollback", self._unmarked)

    def leftovers(self, migration: Migration) -> list[str]:
        """Statements that drop what failed builds of this migration's indexes left behind.

        IF NOT EXISTS would take such an index, which serves no query, for the finished one.
        """
        file = self._files[migration.id]
        return [] if file.transactional else statements.invalid_indexes(self.connection, names=file.indexes_built())

    def record(self) -> list[str]:
        """Record the content of applied migrations where it is not, and name them."""
        if BOOK not in self.list_tables():
            return []
        hashes = {file.id: file.content_hash for file in self._files.values()}
        recorded: list[str] = statements.record(
            self.connection, content_hashes=list(hashes.values()), migration_ids=list(hashes)
        )
        return sorted(recorded)

    def get_log_data(self, migration: Migration | None = None, operation: str = "apply") -> dict[str, Any]:
        """Tell yoyo's log who did it, without asking the DNS, and where the user has no name."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a container may run as a number
            user = str(os.geteuid())
        return {
            "id": str(uuid.uuid1()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def _run(self, migration: Migration, direction: str, mark: Callable[[Migration], None]) -> None:
        migration.load()
        self.progress.committing = False
        if migration.use_transactions:
            with self.transaction():
                self._hold()
                statements.set_lock_timeout(self.connection, timeout=LOCK_TIMEOUT)
                migration.process_steps(self, direction)
                mark(migration)
            return
        # No lock timeout here: building CONCURRENTLY waits for readers without stopping anybody.
        try:
            migration.process_steps(self, direction)
        finally:
            if self.connection.info.transaction_status == self.TRANSACTION_STATUS_IDLE:
                statements.reset_settings(self.connection)
                statements.reset_role(self.connection)
                statements.end_with_client(self.connection)
        with self.transaction():
            self._hold()
            mark(migration)

    def _hold(self) -> None:
        """Make sure that nobody else migrates, even if a pooler gave us a session that has not our lock."""
        if not statements.hold_in_transaction(self.connection, key=LOCK_KEY):
            raise MigrationError(
                "another session holds the migration lock that this one took",
                hint="A pooler shares sessions between clients; migrate over a direct connection to the server.",
            )

    def _marked(self, migration: Migration) -> None:
        statements.reset_role(self.connection)
        self.log_migration(migration, "apply")
        self.mark_one(migration, log=False)
        self.record()

    def _unmarked(self, migration: Migration) -> None:
        statements.reset_role(self.connection)
        self.log_migration(migration, "rollback")
        self.unmark_one(migration, log=False)
        if BOOK in self.list_tables():
            statements.forget(self.connection, migration_id=migration.id)
