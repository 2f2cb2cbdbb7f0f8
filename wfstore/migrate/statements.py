"""The statements of `queries/migrations.sql`, until `wfstore.queries` is there."""

from __future__ import annotations

from typing import Any

import aiosql
from psycopg import Connection
from pydantic import BaseModel

from wfstore.models.migrations import AppliedMigration, TableSize
from wfstore.resources import QUERIES

_loaded: Any = aiosql.from_path(QUERIES / "migrations.sql", "psycopg")
_MODELS: dict[str, type[BaseModel]] = {
    "applied": AppliedMigration,
    "applied_unrecorded": AppliedMigration,
    "sizes": TableSize,
}


class _Statements:
    def __getattr__(self, name: str) -> Any:
        query = getattr(_loaded, name)
        model = _MODELS.get(name)

        def call(connection: Connection[Any], **parameters: Any) -> Any:
            result = query(connection, **parameters)
            if not hasattr(result, "__next__"):
                return result
            if model is None:
                return [row[0] for row in result]
            return [model(**dict(zip(model.model_fields, row, strict=True))) for row in result]

        return call


statements: Any = _Statements()
