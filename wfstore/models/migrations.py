"""What the database knows of migrations."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class AppliedMigration(BaseModel):
    """A migration that is marked as applied."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    migration_id: str
    applied_at: datetime
    content_hash: str | None
    breaking: bool


class TableSize(BaseModel):
    """How much a table holds; the number of rows is an estimate."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    table_name: str
    bytes: int
    live_rows: int
