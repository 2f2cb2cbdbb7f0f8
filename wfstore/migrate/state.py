"""What is applied, what is pending, and what speaks against going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from wfstore.errors import MigrationError
from wfstore.migrate import files
from wfstore.migrate.files import MigrationFile
from wfstore.migrate.statements import statements
from wfstore.models.migrations import AppliedMigration

MARKS = "_yoyo_migration"
BOOK = "wfstore_migrations"


@dataclass(frozen=True, slots=True)
class Status:
    """One line of `wfstore migrate --status`."""

    migration: str
    state: Literal["applied", "pending", "unknown"]
    """`unknown`: applied, and no file of this release; a newer one has it."""
    applied_at: datetime | None
    content: Literal["recorded", "unrecorded", "edited"] | None
    breaking: bool


def applied(connection: psycopg.Connection[Any]) -> list[AppliedMigration]:
    """Every migration of wfstore that is applied, in order; others' migrations in the same table are passed by."""
    if not statements.has_table(connection, name=MARKS):
        return []
    recording = statements.has_table(connection, name=BOOK)
    rows: list[AppliedMigration] = (statements.applied if recording else statements.applied_unrecorded)(connection)
    return [row for row in rows if files.number_of(row.migration_id) is not None]


def status(known: Sequence[MigrationFile], done: Sequence[AppliedMigration]) -> list[Status]:
    """How each migration stands, those of newer releases last."""
    by_id = {row.migration_id: row for row in done}
    lines = [_line(file, by_id.get(file.id)) for file in known]
    ours = {file.id for file in known}
    lines += [
        Status(
            row.migration_id, "unknown", row.applied_at, "recorded" if row.content_hash else "unrecorded", row.breaking
        )
        for row in done
        if row.migration_id not in ours
    ]
    return lines


def refuse(known: Sequence[MigrationFile], done: Sequence[AppliedMigration]) -> None:
    """Raise where what was applied is not what the files say."""
    edited = [line.migration for line in status(known, done) if line.content == "edited"]
    if edited:
        were = "was" if len(edited) == 1 else "were"
        raise MigrationError(
            f"{' and '.join(edited)} {were} edited after being applied; nothing was done",
            hint="Bring back the text as it was applied, and write a new migration for the change. On a database "
            "that may lose its data: `wfstore rollback --to` the one before, then migrate.",
        )
    ours = {file.id for file in known}
    for row in done:
        if row.migration_id not in ours and (files.number_of(row.migration_id) or 0) <= known[-1].number:
            raise MigrationError(
                f"{row.migration_id} is applied, and this release has another migration of that number, or none",
                hint="Released migrations keep their names; bring the file back.",
            )


def pending(known: Sequence[MigrationFile], done: Sequence[AppliedMigration], to: str | None) -> list[str]:
    """What to apply, up to and with `to`."""
    last = files.find(to, known).number if to is not None else known[-1].number
    ids = {row.migration_id for row in done}
    return [file.id for file in known if file.id not in ids and file.number <= last]


def to_roll_back(
    known: Sequence[MigrationFile], done: Sequence[AppliedMigration], *, to: str | None, everything: bool
) -> list[str]:
    """What to roll back, the newest first: the last one, or all after `to`, or everything."""
    newer = [line.migration for line in status(known, done) if line.state == "unknown"]
    if newer:
        raise MigrationError(
            f"{newer[-1]} is applied, and not a migration of this release",
            hint="Roll it back with the release that has it.",
        )
    ids = {row.migration_id for row in done}
    newest_first = [file for file in reversed(known) if file.id in ids]
    if everything:
        return [file.id for file in newest_first]
    if to is None:
        return [file.id for file in newest_first[:1]]
    target = files.find(to, known)
    if target.id not in ids:
        raise MigrationError(f"{target.id} is not applied, so nothing can be rolled back to it")
    return [file.id for file in newest_first if file.number > target.number]


def _line(file: MigrationFile, row: AppliedMigration | None) -> Status:
    if row is None:
        return Status(file.id, "pending", None, None, breaking=False)
    content: Literal["recorded", "unrecorded", "edited"] = "unrecorded"
    if row.content_hash is not None:
        content = "recorded" if row.content_hash == file.content_hash else "edited"
    return Status(file.id, "applied", row.applied_at, content, row.breaking)
