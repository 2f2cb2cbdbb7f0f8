"""Throw-away PostgreSQL servers: the embedded one, and the oldest supported one where Debian's is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from wfstore.server import EmbeddedServer, Role

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
VERSIONS = ["18", *(["15"] if DEBIAN_15.is_dir() else [])]


@dataclass(frozen=True)
class Server:
    folder: Path
    bin: Path

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}&port=5432"

    def yoyo_url(self, database: str, user: str = "postgres") -> str:
        return self.url(database, user).replace("postgresql://", "postgresql+psycopg://")

    def create(self, *, owner: str = "postgres") -> str:
        """Make an empty database and return its name."""
        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} OWNER "{owner}"')
        return name

    def run(self, program: str, *arguments: str) -> str:
        """Run one of this version's programs and return what it said."""
        done = subprocess.run([str(self.bin / program), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dump(self, database: str) -> str:
        """The schema as pg_dump writes it, less its random key."""
        text = self.run("pg_dump", "--schema-only", self.url(database))
        return "".join(line for line in text.splitlines(True) if not line.startswith(("\\restrict", "\\unrestrict")))


@contextlib.contextmanager
def serve(version: str) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="wfstore-test-"))
    folder.chmod(0o755)  # as root, the server runs as somebody else
    try:
        with _embedded(folder) if version == "18" else _debian(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[Server]:
    server = EmbeddedServer(folder / "home", settings={"fsync": "off"})
    try:
        server.start()
        socket = server.url(Role.ADMIN).partition("host=")[2].partition("&")[0]
        yield Server(Path(socket), Path(server.program("psql")).parent)
    finally:
        server.destroy()


@contextlib.contextmanager
def _debian(folder: Path) -> Iterator[Server]:
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(DEBIAN_15 / program), "-D", str(data), *arguments]
        subprocess.run(command, user=user, cwd="/", check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-A", "trust", "-U", "postgres", "-N", "--encoding=UTF8", "--locale=C")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield Server(folder, DEBIAN_15)
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
