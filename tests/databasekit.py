"""What tests share that look at one database from many sides: a clone for a whole module, sessions of any role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.conftest import in_database

Row = dict[str, Any]


@contextmanager
def cloned(server_url: str) -> Iterator[str]:
    """A superuser's URL of a database cloned from the migrated template, dropped at the end."""
    name, template = f"wfstore_test_{uuid4().hex}", os.environ["WFSTORE_TESTS_TEMPLATE"]
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with closing(psycopg.connect(server_url, autocommit=True)) as server:
        server.execute(create)
        try:
            yield in_database(server_url, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def session(url: str, role: str, tenants: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection in autocommit that is `role`, whether or not it may log in; `tenants` None: never set."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        if tenants is not None:
            connection.execute("SELECT set_config('wfstore.tenant_id', %s, false)", [tenants])
        yield connection


def rows(connection: psycopg.Connection[Any], query: LiteralString, *arguments: Any) -> list[Row]:
    """All rows of a query, by column name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, arguments or None).fetchall()
