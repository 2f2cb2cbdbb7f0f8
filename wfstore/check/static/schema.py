"""What the rules need to know of the database: read once, from the live catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

TENANT = "tenant_id"

_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid),
    array_agg(a.attname::text ORDER BY a.attnum),
    array_agg(pg_catalog.format_type(a.atttypid, NULL) ORDER BY a.attnum), c.relkind = 'p'
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg_toast%'
GROUP BY c.oid, n.nspname, c.relname, c.relkind
"""
_KEYS = """
SELECT n.nspname, c.relname, array_agg(a.attname::text)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey[:i.indnkeyatts - 1])
WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND n.nspname NOT LIKE 'pg_toast%'
GROUP BY i.indexrelid, n.nspname, c.relname
"""
_FUNCTIONS = """
SELECT proname, bool_and(proleakproof), bool_and(provolatile = 'v'), bool_and(prokind = 'a')
FROM pg_catalog.pg_proc
GROUP BY proname
"""
_OPERATORS = """
SELECT o.oprname, pg_catalog.format_type(o.oprleft, NULL)
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
WHERE p.proleakproof
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    name: str
    columns: Mapping[str, str]
    """Type by name, in the order of the table."""
    keys: tuple[frozenset[str], ...] = ()
    """The columns of each unique index that is neither partial nor over expressions."""
    of_system: bool = False
    """Whether it is the server's own: that grows with the schema, not with what users do."""
    partitioned: bool = False

    @property
    def of_tenants(self) -> bool:
        """Whether each row belongs to a tenant."""
        return TENANT in self.columns


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables by name, and what is known of functions and operators."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    """By name for those on the search path, and by `schema.name` for all."""
    leakproof_functions: frozenset[str] = frozenset()
    leakproof_operators: frozenset[tuple[str, str]] = frozenset()
    """Sign and type of the left side."""
    volatile_functions: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()

    def leakproof(self, sign: str, column_type: str) -> bool:
        """Whether an operator may see a row before the policies have."""
        # varchar has no operators of its own; its values are seen as text
        seen_as = {"character varying": "text"}.get(column_type, column_type)
        return (sign, seen_as) in self.leakproof_operators


def read_schema(connection: Connection[Any]) -> Schema:
    """Read the catalog."""
    keys: dict[tuple[str, str], list[frozenset[str]]] = {}
    for namespace, name, columns in connection.execute(_KEYS):
        keys.setdefault((namespace, name), []).append(frozenset(columns))
    tables: dict[str, Table] = {}
    for namespace, name, visible, columns, types, partitioned in connection.execute(_TABLES):
        found = tuple(keys.get((namespace, name), ()))
        system = namespace in ("pg_catalog", "information_schema")
        table = Table(name, dict(zip(columns, types, strict=True)), found, system, partitioned)
        tables[f"{namespace}.{name}"] = table
        if visible:
            tables[name] = table
    functions = connection.execute(_FUNCTIONS).fetchall()
    return Schema(
        tables=tables,
        leakproof_functions=frozenset(name for name, leakproof, _, _ in functions if leakproof),
        leakproof_operators=frozenset((sign, left) for sign, left in connection.execute(_OPERATORS)),
        volatile_functions=frozenset(name for name, _, volatile, _ in functions if volatile),
        aggregates=frozenset(name for name, _, _, aggregate in functions if aggregate),
    )
