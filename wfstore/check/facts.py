"""What the server's catalog knows that decides about NULL: columns, functions, operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from wfstore.catalogue import CATALOGUE
from wfstore.models import CatalogColumn, CatalogFunction, CatalogOperator
from wfstore.sync.calling import call


@dataclass
class Facts:
    """The catalog, asked when needed and remembered: make a new one after the schema has changed."""

    connection: psycopg.Connection[Any]
    _columns: dict[str, list[CatalogColumn]] = field(default_factory=dict)
    _functions: dict[tuple[str, ...], CatalogFunction] = field(default_factory=dict)
    _operators: dict[str, CatalogOperator] = field(default_factory=dict)

    def columns(self, name: str, schema: str | None = None) -> list[CatalogColumn]:
        """Return the columns of a table or view in their order; none where there is nothing of this name."""
        path = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name) if part)
        if path not in self._columns:
            self._columns[path] = call(CATALOGUE["checks.columns"], self.connection, {"table_name": path})
        return self._columns[path]

    def function(self, name: Sequence[str]) -> CatalogFunction:
        """Return what holds for all functions of a name, which may have a schema before it."""
        key = tuple(name)
        if key not in self._functions:
            arguments = {"name": key[-1], "schema_name": key[-2] if len(key) > 1 else None}
            self._functions[key] = call(CATALOGUE["checks.function"], self.connection, arguments)
        return self._functions[key]

    def operator(self, name: str) -> CatalogOperator:
        """Return what holds for all operators of a name."""
        if name not in self._operators:
            self._operators[name] = call(CATALOGUE["checks.operator"], self.connection, {"name": name})
        return self._operators[name]
