"""What `wfstore check` reads from the catalog."""

from __future__ import annotations

from wfstore.models.row import Row


class CatalogColumn(Row):
    """A column of a table or view."""

    name: str
    not_null: bool
    type: str
    """As pg_type spells it: `text`, `_uuid` (an array), `timestamptz`."""


class CatalogFunction(Row):
    """All functions of a name taken together; all False where there is none."""

    builtin: bool
    """Every one is PostgreSQL's own."""
    strict: bool
    """Every one is NULL where an argument is."""
    aggregate: bool
    """One of them is an aggregate."""
    returns_set: bool
    """One of them returns rows."""


class CatalogOperator(Row):
    """All operators of a name taken together; all False where there is none."""

    builtin: bool
    strict: bool


class CatalogType(Row):
    """A type."""

    name: str
    kind: str
    """b base, c composite, d domain, e enum, m multirange, p pseudo, r range."""
    element: int | None
    """Of an array: the type of its elements."""
    base: int | None
    """Of a domain: the type that it narrows."""
