"""The embedded server, with real servers: whose folder it takes, who may connect, what is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import platformdirs
import psycopg
import pytest

from tests import serverkit
from tests.serverkit import FAST, NOBODY, ROOT, TIMEOUT, as_root, connect, pid_of, program, snapshot
from wfstore.errors import ServerError
from wfstore.server import EmbeddedServer, Role, default_home, embedded, home
from wfstore.server.account import Account, first_closed, service_account
from wfstore.server.binaries import Binaries, installed

folder, server = serverkit.folder, serverkit.server  # fixtures
psutil: Any = pytest.importorskip("psutil")


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
