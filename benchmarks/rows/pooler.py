"""Durable node results through PgBouncer in transaction mode, against the same without it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks import leases, measuring, writers
from benchmarks.bench import Bench
from benchmarks.leases import Nodes
from benchmarks.model import Measure, NotRun, Opened, Row, Sample, Subject, group, prepared
from benchmarks.payload import documents
from wfstore import Role
from wfstore.aio import AsyncStore, connect
from wfstore.server.account import service_account

POOLED, PLAIN = Subject("wfstore through PgBouncer", 200), Subject("wfstore without it", 200)
_TASKS = 200
_POOL = 8
_PORT = 6432  # only a part of its socket's name
_PATIENCE = 10.0  # seconds


@contextmanager
def pgbouncer(bench: Bench, database: str) -> Iterator[str]:
    """Run PgBouncer before a database in transaction mode; yields the worker's URL through it."""
    program = shutil.which("pgbouncer")
    if program is None:
        raise NotRun("pgbouncer is not installed")
    if bench.home is None:
        raise NotRun("it needs a server of its own, where it may log in as the worker")
    account = service_account(bench.home / "data")
    if not account.is_us:  # as root neither of the two runs: both do as the server's user, who must be let in
        _admit(bench, account.name)
    folder = bench.folder / "pgbouncer"
    folder.mkdir()
    values = conninfo_to_dict(database)
    settings = _settings(folder, str(values["host"]), str(values["dbname"]), str(values.get("port") or 5432))
    (folder / "pgbouncer.ini").write_text(settings, encoding="utf-8")
    if not account.is_us:
        shutil.chown(folder, account.uid, account.gid)
    process = subprocess.Popen(
        [program, "--quiet", str(folder / "pgbouncer.ini")],
        user=account.user,
        group=account.group,
        extra_groups=account.groups,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        host = quote(str(folder), safe="")
        url = f"postgresql://wfstore_worker@/{values['dbname']}?host={host}&port={_PORT}"
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _settings(folder: Path, host: str, database: str, port: str) -> str:
    lines = [
        "[databases]",
        f"{database} = host={host} port={port} dbname={database} user=wfstore_worker",
        "[pgbouncer]",
        "pool_mode = transaction",
        "auth_type = any",
        "listen_addr =",
        f"listen_port = {_PORT}",
        f"unix_socket_dir = {folder}",
        f"logfile = {folder / 'log'}",
        "ignore_startup_parameters = extra_float_digits",
        "server_reset_query =",
        f"default_pool_size = {_POOL}",
    ]
    return "\n".join(lines) + "\n"


def _admit(bench: Bench, name: str) -> None:
    """Let the server's own system user log in to our throw-away server as any role."""
    if bench.home is None:
        raise NotRun("it needs a server of its own")
    with (bench.home / "conf" / "ident.conf").open("a", encoding="utf-8") as file:
        file.write(f'wfstore "{name}" all\n')
    with closing(psycopg.connect(bench.admin_url, autocommit=True)) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url, prepare_threshold=None).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotRun(f"pgbouncer does not answer: {error}") from None
            time.sleep(0.05)
        else:
            return


async def _record(store: AsyncStore, walks: Sequence[Nodes], seconds: float) -> Sample:
    async with writers.async_writer(store) as writer:
        return await measuring.crowd([partial(_write, writer, walk) for walk in walks], seconds)


async def _write(writer: writers.AsyncWriter, walk: Nodes) -> None:
    await writer.record(walk.next())


class _Stage:
    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        self._stack = stack
        self._database = stack.enter_context(bench.database())
        self._runner = stack.enter_context(measuring.runner())
        held = leases.claimed(bench, self._database, _TASKS)
        self._walks = [Nodes(lease, *documents(2)) for lease in held]
        self.handlers = {PLAIN.name: self._plain, POOLED.name: self._pooled}

    def _plain(self, _at: int) -> Measure:
        store = self._runner.run(connect(self._bench.url(self._database, Role.WORKER), role=Role.WORKER))
        return self._measure(store)

    def _pooled(self, _at: int) -> Measure:
        url = self._stack.enter_context(pgbouncer(self._bench, self._database))
        return self._measure(self._runner.run(connect(url, role=Role.WORKER, prepare_threshold=None)))

    def _measure(self, store: AsyncStore) -> Measure:
        self._stack.callback(lambda: self._runner.run(store.close()))
        return lambda: self._runner.run(_record(store, self._walks, self._bench.sizes.seconds))


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare leases, and the pooler."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


GROUP = group(
    "pooler",
    "Durable node results per second through PgBouncer, transaction mode, nothing prepared",
    "/s",
    [
        Row(
            "grouped",
            POOLED,
            (PLAIN,),
            note="prepare_threshold=None: PgBouncer before 1.21 knows no prepared statements",
        )
    ],
    opening,
)
