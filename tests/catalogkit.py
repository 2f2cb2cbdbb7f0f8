"""What the tests of the schema ask the catalog: tables of ours, their constraints, their indexes."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from tests.databasekit import Row, rows

Catalog = psycopg.Connection[Any]

# Tables of ours; yoyo's own are as yoyo makes them. A partition is as its parent, and is looked at apart.
OURS = r"""
    t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p')
    AND t.relname NOT LIKE '\_yoyo\_%' AND t.relname <> 'yoyo_lock'
"""
HAS_TENANT = "EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.oid AND attname = 'tenant_id' AND NOT attisdropped)"


def tables(catalog: Catalog, condition: str = "true") -> list[str]:
    query = f"SELECT t.relname::text AS name FROM pg_class AS t WHERE {OURS} AND {condition} ORDER BY 1"
    return [row["name"] for row in rows(catalog, query)]


def of_tables(catalog: Catalog, columns: str, source: str, condition: str = "true") -> list[Row]:
    """Rows about tables; `source` joins to pg_class AS t."""
    query = f"SELECT t.relname::text AS table, t.relispartition AS is_partition, {columns} FROM pg_class AS t {source}"
    return rows(catalog, f"{query} WHERE {OURS} AND {condition} ORDER BY 1, 3")


def constraints(catalog: Catalog, condition: str = "true") -> list[Row]:
    columns = """
        c.conname::text AS name, c.contype AS kind, c.confrelid::regclass::text AS refers_to,
        c.confdeltype AS on_delete, c.confupdtype AS on_update, c.condeferrable AS deferrable,
        c.convalidated AS validated, pg_get_constraintdef(c.oid) AS text,
        ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY k.place) AS columns
    """
    return of_tables(catalog, columns, "JOIN pg_constraint AS c ON c.conrelid = t.oid", condition)


def indexes(catalog: Catalog, condition: str = "true") -> list[Row]:
    columns = """
        i.indexrelid::regclass::text AS name, i.indisunique AS is_unique, i.indisvalid AS is_valid,
        i.indpred IS NOT NULL AS is_partial, inherits.inhparent::regclass::text AS parent,
        ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.num ORDER BY k.place) AS columns
    """
    source = (
        "JOIN pg_index AS i ON i.indrelid = t.oid LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = i.indexrelid"
    )
    return of_tables(catalog, columns, source, condition)


def parent_of(table: str) -> str:
    return re.sub(r"_p\d{8}$", "", table)
