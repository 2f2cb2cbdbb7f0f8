"""Throw-away embedded servers for the tests of them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from wfstore.server import EmbeddedServer, Role, home, process

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
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
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
