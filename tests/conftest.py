"""One server for the whole run, one migrated template, and a database cloned from it for each test.

The server is that of DATABASE_URL (which must be a superuser's), or an embedded one in a scratch folder. It
is started once, by the process that starts pytest; the workers of pytest-xdist find it in the environment.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import wfstore
from wfstore import Role, Store
from wfstore.migrate import migrate
from wfstore.server import EmbeddedServer, resolve

_SERVER = "WFSTORE_TESTS_SERVER"
_TEMPLATE = "WFSTORE_TESTS_TEMPLATE"
_started: list[EmbeddedServer] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the server and migrate the template, once."""
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    url = os.environ.pop("DATABASE_URL", None)
    if url is None:
        # Not below pytest's own folder: as root the server is another user, who may not enter it.
        server = EmbeddedServer(Path(tempfile.mkdtemp(prefix="wfstore-tests-")), settings={"fsync": "off"})
        server.start()
        _started.append(server)
        url = server.url(Role.ADMIN, "postgres")
    template = f"wfstore_template_{uuid4().hex[:8]}"
    _on(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
    migrate(in_database(url, template))
    os.environ |= {_SERVER: url, _TEMPLATE: template}


def pytest_unconfigure(config: pytest.Config) -> None:
    """Look whether a test wrote into the template, and leave nothing behind."""
    if hasattr(config, "workerinput") or _TEMPLATE not in os.environ:
        return
    url, template = os.environ[_SERVER], os.environ[_TEMPLATE]
    with closing(psycopg.connect(in_database(url, template))) as connection:
        [rows] = connection.execute("SELECT count(*) FROM workflows").fetchone() or [0]
    _on(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(template)))
    for server in _started:
        server.destroy()
    if rows:
        raise pytest.UsageError(f"a test wrote {rows} workflows into the template database")


def in_database(url: str, name: str) -> str:
    """Return the same server's URL for another database."""
    values = {key: quote(str(value), safe="") for key, value in conninfo_to_dict(url).items() if value is not None}
    values["dbname"] = quote(name, safe="")
    return "postgresql://?" + "&".join(f"{key}={value}" for key, value in values.items())


def _on(url: str, statement: sql.Composed) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def server_url() -> str:
    """A superuser's URL of the server, for its database postgres."""
    return os.environ[_SERVER]


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    """A superuser's URL of a new database with nothing in it."""
    name = f"wfstore_test_{uuid4().hex}"
    _on(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield in_database(server_url, name)
    _on(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(server_url: str) -> Iterator[str]:
    """A superuser's URL of a database of this test's own, cloned from the migrated template."""
    name = f"wfstore_test_{uuid4().hex}"
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _on(server_url, clone.format(sql.Identifier(name), sql.Identifier(os.environ[_TEMPLATE])))
    yield in_database(server_url, name)
    _on(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def admin(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection, in autocommit: to look behind the store's back."""
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        yield connection


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """The default tenant's store, as wfstore_app."""
    with wfstore.connect(database) as opened:
        yield opened


@pytest.fixture
def worker(database: str) -> Iterator[Store]:
    """The default tenant's store, as wfstore_worker."""
    with wfstore.connect(database, role=Role.WORKER) as opened:
        yield opened


@pytest.fixture
def other_tenant(admin: psycopg.Connection[Any]) -> UUID:
    """A second tenant."""
    identifier = wfstore.uuid7()
    admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, 'other', 'Other')", [identifier])
    return identifier


def as_role(database: str, role: Role) -> str:
    """Return the URL by which a role works on a database."""
    return resolve(database, role)
