"""Where it is measured: a server with fsync on, databases that were migrated, and how much is done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from benchmarks.model import NotRun
from wfstore import Role
from wfstore.compatibility import no_connection
from wfstore.errors import InvalidInput
from wfstore.migrate import migrate
from wfstore.server import EmbeddedServer, resolve

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "min_wal_size": "4GB",
    "max_connections": "300",
    "checkpoint_timeout": "15min",
}
"""Of the server that a run makes for itself."""


@dataclass(frozen=True)
class Sizes:
    """How much is done."""

    seconds: float
    """For which each rate is taken, each round."""
    rounds: int
    executions: int
    """That are claimed and finished, each round."""
    history: int
    """Executions in the largest history."""
    churn: float
    """Seconds of work under an open snapshot."""
    log_files: int
    """Files of the write-ahead log, 16 MB each, that are there to be used again, as on a server that has worked."""

    @classmethod
    def of(cls, *, quick: bool, history: int | None, tiny: bool = False) -> Sizes:
        """The usual ones, or smaller ones; `history` None: as much as the disk has room for."""
        if tiny:
            return cls(seconds=0.1, rounds=1, executions=200, history=history or 20_000, churn=0.1, log_files=0)
        if quick:
            return cls(seconds=0.8, rounds=3, executions=20_000, history=history or 100_000, churn=2, log_files=128)
        return cls(seconds=4.0, rounds=5, executions=20_000, history=history or _affordable(), churn=30, log_files=256)


@dataclass
class Bench:
    """A server for one run."""

    sizes: Sizes
    admin_url: str
    """A superuser's, of a database that always is there."""
    home: Path | None
    """Of the server, if it is our own."""
    folder: Path
    """For files; removed at the end."""
    mark: str = field(default_factory=lambda: uuid4().hex[:12])
    """Part of the names of this run's databases."""
    _made: int = 0
    _template: str = ""

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """Make a database and drop it at the end; yields a superuser's URL of it."""
        name = self._create(self._migrated() if migrated else "template0")
        try:
            yield in_database(self.admin_url, name)
        finally:
            self._drop(name)

    def url(self, database_url: str, role: Role) -> str:
        """The URL by which a role works on a database."""
        name = str(conninfo_to_dict(database_url)["dbname"])
        if self.home is not None:
            return EmbeddedServer(self.home).url(role, name)
        return resolve(database_url, role)

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs: of the embedded server, or else from PATH."""
        if self.home is not None:
            return EmbeddedServer(self.home).program(name)
        found = shutil.which(name)
        if found is None:
            raise NotRun(f"{name} is not installed")
        return found

    def settings(self) -> dict[str, str]:
        """What the server says of itself."""
        names = ["server_version", *SETTINGS]
        with closing(psycopg.connect(self.admin_url)) as connection:
            found = connection.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [names])
            return dict(found.fetchall())

    def checkpoint(self) -> None:
        """Write out what is dirty, so that nobody pays for what was done before, and free files of the log."""
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            connection.execute("CHECKPOINT")

    def _migrated(self) -> str:
        if not self._template:
            self._template = self._create("template0")
            migrate(in_database(self.admin_url, self._template))
        return self._template

    def _create(self, template: str) -> str:
        self._made += 1
        name = f"wfstore_bench_{self.mark}_{self._made}"
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _drop(self, name: str) -> None:
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Drop what outlives the groups."""
        if self._template:
            self._drop(self._template)


@contextmanager
def opened(sizes: Sizes, database_url: str | None) -> Iterator[Bench]:
    """Make a server in a temporary folder, or take that of a superuser's URL; nothing is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="wfstore-bench-"))
    folder.chmod(0o755)  # as root, the server runs as somebody else
    server = None
    try:
        if database_url is None:
            server = EmbeddedServer(folder / "home", settings=SETTINGS)
            server.start()
            url = server.url(Role.ADMIN, "postgres")
            _fill_log(url, sizes.log_files)
        else:
            url = _superusers(resolve(database_url, Role.ADMIN))
        bench = Bench(sizes, url, None if server is None else server.home, folder)
        try:
            yield bench
        finally:
            bench.close()
    finally:
        if server is not None:
            server.destroy()
        shutil.rmtree(folder)


def _fill_log(url: str, files: int) -> None:
    """Write so many files of the log: a checkpoint frees them, and a new one would be filled with zeros before."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for _ in range(files):
            connection.execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")


def _superusers(url: str) -> str:
    """Return the URL if it is a superuser's of a server that answers."""
    try:
        with closing(psycopg.connect(url)) as connection:
            found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.OperationalError as error:
        raise no_connection(error) from error
    if found != (True,):
        raise InvalidInput(
            "the user of the database URL is no superuser", hint="Histories are made with triggers switched off."
        )
    return url


def in_database(url: str, name: str) -> str:
    """Return the same server's URL for another database."""
    return _built({**conninfo_to_dict(url), "dbname": name})


def with_option(url: str, option: str) -> str:
    """Return the URL with one more option for the server, such as `-c name=value`."""
    values = conninfo_to_dict(url)
    return _built({**values, "options": f"{values.get('options') or ''} {option}".strip()})


def _built(values: dict[str, Any]) -> str:
    given = {key: quote(str(value), safe="") for key, value in values.items() if value is not None}
    name, user = given.pop("dbname"), given.pop("user", None)
    place = f"{'' if user is None else f'{user}@'}/{name}"  # where all that read URLs look for them
    return f"postgresql://{place}?" + "&".join(f"{key}={value}" for key, value in given.items())


def _affordable() -> int:
    """Ten million executions take some 15 GB with their node results, and their log as much for a while."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return 10_000_000 if free > 40e9 else 1_000_000


def load() -> tuple[float, float, float]:
    """How busy the machine is: processes that ran, on average of 1, 5 and 15 minutes."""
    return os.getloadavg()
