"""What the database knows of migrations."""

from __future__ import annotations

from datetime import datetime

from wfstore.models.row import Row


class AppliedMigration(Row):
    """A migration that is marked as applied."""

    migration_id: str
    applied_at: datetime
    content_hash: str | None
    breaking: bool


class TableSize(Row):
    """How much a table holds; the number of rows is an estimate."""

    table_name: str
    bytes: int
    live_rows: int
