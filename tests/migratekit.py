"""What the tests of migrations share: scratch folders of migrations, looks into the database, a gate."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.servers_tmp import Server
from wfstore import migrate
from wfstore.migrate import files
from wfstore.resources import MIGRATIONS

REAL = [file.id for file in files.known()]
GATE = 4711  # an advisory lock at which a migration of a test waits
WAIT_AT_GATE = f"SET LOCAL lock_timeout = 0;\nSELECT pg_advisory_xact_lock({GATE});\n"


def scratch(parent: Path) -> Path:
    """A folder with the first two real migrations: the roles, and the book of what was applied."""
    target = parent / "migrations [of a test]"  # a name that is a pattern, too
    target.mkdir()
    for path in MIGRATIONS.glob("000[12].*.sql"):
        shutil.copy(path, target)
    return target


def add(folder: Path, name: str, up: str, down: str = "SELECT 1;\n", *, head: str = "") -> str:
    before = files.known(folder)[-1].id
    (folder / f"{name}.sql").write_text(f"{head}-- depends: {before}\n{up}")
    (folder / f"{name}.rollback.sql").write_text(down)
    return name


def query(server: Server, database: str, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        cursor = connection.execute(text, parameters)
        return cursor.fetchall() if cursor.description else []


def tables(server: Server, database: str) -> set[str]:
    return {row[0] for row in query(server, database, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")}


def states(server: Server, database: str, folder: Path) -> dict[str, tuple[str, str | None]]:
    return {line.migration: (line.state, line.content) for line in migrate.status(server.url(database), folder=folder)}


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def at_gate(server: Server, database: str) -> bool:
    """Whether a session stands at the gate."""
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    return bool(query(server, database, waiting, GATE))


def yoyo(server: Server, database: str, folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "yoyo", *arguments, "--batch", "-d", server.yoyo_url(database)]
    plain = folder.with_name("plain")
    shutil.copytree(folder, plain, dirs_exist_ok=True)  # plain yoyo takes the folder's name for a pattern
    done = subprocess.run(
        [*command, str(plain)], env={**os.environ, "PYTHONWARNINGS": "ignore"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
