"""`wfstore up`, `down` and `url`, and the URLs they print."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import typer
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner
from yoyo.connections import get_backend, parse_uri

from wfstore.cli import server as commands
from wfstore.errors import InvalidInput, ServerError
from wfstore.server import EmbeddedServer, Role, mask_password, resolve, yoyo_url
from wfstore.server.urls import socket_url

app = typer.Typer()
commands.register(app)
run = CliRunner().invoke
SECRET = "postgresql://ada:s3cret@db.example:5433/prod"


@pytest.fixture(autouse=True)
def without_a_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wfstore-test-")).resolve()
    folder.chmod(0o711)
    monkeypatch.setenv("WFSTORE_HOME", str(folder / "home"))
    yield folder / "home"
    EmbeddedServer(folder / "home").destroy()
    shutil.rmtree(folder)


# --- URLs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ada@h/d", "postgresql://ada@h/d?options=-c%20role%3Dwfstore_app"),
        ("postgres://", "postgres://?options=-c%20role%3Dwfstore_app"),
        ("postgresql://h?sslmode=require", "postgresql://h?sslmode=require&options=-c%20role%3Dwfstore_app"),
        (
            "postgresql://h/d?options=-c%20work_mem%3D8MB&sslmode=require",
            "postgresql://h/d?sslmode=require&options=-c%20work_mem%3D8MB%20-c%20role%3Dwfstore_app",
        ),
        ("postgresql://wfstore_app:x@h/d", "postgresql://wfstore_app:x@h/d"),
        ("postgresql:///d?user=wfstore_app", "postgresql:///d?user=wfstore_app"),
        ("postgresql://a:p?w@h1:1,h2:2/d", "postgresql://a:p?w@h1:1,h2:2/d?options=-c%20role%3Dwfstore_app"),
        ("postgresql://a@[::1]:5432/d", "postgresql://a@[::1]:5432/d?options=-c%20role%3Dwfstore_app"),
    ],
)
def test_a_url_for_a_role(url: str, expected: str) -> None:
    found = resolve(url, Role.APP)
    assert found == expected
    assert resolve(found, Role.APP) == found
    given, got = conninfo_to_dict(url), conninfo_to_dict(found)
    assert {**got, "options": None} == {**given, "options": None}


def test_the_administrator_gets_the_url_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{SECRET}?options=-c%20geqo%3Doff")
    assert resolve(None, Role.ADMIN) == f"{SECRET}?options=-c%20geqo%3Doff"
    assert resolve("postgresql://other", Role.ADMIN) == "postgresql://other"
    assert resolve(None, Role.WORKER).endswith("%20-c%20role%3Dwfstore_worker")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is empty"),
        ("host=h dbname=d", "is not a URL"),
        ("postgresql+psycopg://ada:s3cret@h/d", "begins with postgresql\\+psycopg://"),
        ("mysql://ada:s3cret@h/d", "begins with mysql://"),
        ("postgresql://ada:s3cret@[::1/d", r"URL postgresql://ada:\*\*\*@\[::1/d cannot be read$"),
        ("postgresql://ada:s3%cret@h/d", "cannot be read$"),
        ("postgresql://h/d?nonsense=1", "nonsense"),
    ],
)
def test_what_is_no_libpq_url_is_refused_without_its_password(url: str, message: str) -> None:
    for role in Role.APP, Role.ADMIN:
        with pytest.raises(InvalidInput, match=message) as told:
            resolve(url, role)
        assert "cret" not in str(told.value)
        assert told.value.hint
        assert told.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://ada@h/d", "postgresql://ada@h/d"),
        ("postgresql://ada:s3cret@h/d?a=b", "postgresql://ada:***@h/d?a=b"),
        ("postgresql://ada:s3:cr?et@h/d", "postgresql://ada:***@h/d"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        (
            "postgresql:///d?password=s3cret&host=h&sslpass%77ord=x",
            "postgresql:///d?password=***&host=h&sslpass%77ord=***",
        ),
    ],
)
def test_the_password_is_masked(url: str, masked: str) -> None:
    assert mask_password(url) == masked


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s%40c%2Fr%25et@db.Example:5433/prod?sslmode=require&options=-c%20role%3Dx%20-c%20geqo%3Doff",
        "postgresql://%2Frun%2FPostgres/d",
        "postgresql://h1:1,h2:2/d?target_session_attrs=primary",
        "postgresql://ada@[::1]:5432/d",
        "postgresql:///my%20db%2B%23?host=/a%20b/%2B%26%3D%23%3F&user=a%3Ab&password=%2B%5B%5D",
        "postgres://",
        socket_url(Path("/a 'b' & c=d"), "postgres", "wfstore", role="wfstore_owner"),
    ],
)
def test_yoyo_reads_what_libpq_reads(url: str) -> None:
    parsed = parse_uri(yoyo_url(url))
    assert parsed.scheme == "postgresql+psycopg"
    # as yoyo.backends.core.postgresql hands it to psycopg
    seen = {"dbname": parsed.database or None, **parsed.args}
    seen |= {
        key: value for key, value in (("user", parsed.username), ("password", parsed.password)) if value is not None
    }
    assert (parsed.hostname, parsed.port) == (None, None)
    assert {key: value for key, value in seen.items() if value} == conninfo_to_dict(url)


# --- commands -----------------------------------------------------------------------------------------------


def test_up_url_down(home: Path) -> None:
    first = run(app, ["up"])
    assert first.exit_code == 0
    assert f"PostgreSQL was started; its data is in {home}" in first.stdout
    assert "wfstore migrate" in first.stdout
    assert '"$(wfstore url)"' in first.stdout
    assert "is running already" in run(app, ["up"]).stdout
    told = json.loads(run(app, ["up", "--json"]).stdout)
    assert told == {"home": str(home), "url": EmbeddedServer(home).url(Role.APP), "started": False}
    assert run(app, ["url"]).stdout == told["url"] + "\n"

    admin = run(app, ["url", "--role", "admin"]).stdout.strip()
    psql = [EmbeddedServer(home).program("psql"), "-XAtc", "select current_user", admin]
    assert subprocess.run(psql, capture_output=True, text=True, check=True).stdout == "postgres\n"
    with get_backend(run(app, ["url", "--role", "admin", "--yoyo"]).stdout.strip()).connection as connection:
        assert connection.info.dbname == "wfstore"

    assert run(app, ["down"]).stdout == "PostgreSQL was stopped.\n"
    second = run(app, ["down"])
    assert second.exit_code == 0
    assert second.stdout == f"PostgreSQL was not running in {home}.\n"


def test_url_starts_the_server(home: Path) -> None:
    psycopg.connect(run(app, ["url", "--role", "admin"]).stdout.strip()).close()
    assert EmbeddedServer(home).running()


def test_down_destroy(home: Path) -> None:
    run(app, ["up"])
    refused = run(app, ["down", "--destroy"])
    assert isinstance(refused.exception, InvalidInput)
    assert EmbeddedServer(home).running()
    done = run(app, ["down", "--destroy", "--yes", "--json"])
    assert json.loads(done.stdout) == {"home": str(home), "stopped": True, "destroyed": True}
    assert not home.exists()


def test_a_foreign_folder_ends_every_command(home: Path) -> None:
    home.mkdir()
    (home / "notes").touch()
    for command in (["up"], ["down"], ["url"], ["down", "--destroy", "--yes"]):
        refused = run(app, command)
        assert refused.exit_code != 0
        assert isinstance(refused.exception, ServerError)
    (home / "notes").unlink()
    home.rmdir()


def test_with_another_server_up_and_down_say_whom_they_concern(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", SECRET)
    told = run(app, ["down"])
    assert "`wfstore down` concerns only the embedded one" in told.stderr
    assert not home.exists()
    assert run(app, ["url", "--role", "admin"]).stdout == f"{SECRET}\n"  # not a terminal
    assert run(app, ["url", "--role", "admin", "--database-url", "postgres://h"]).stdout == "postgres://h\n"


def _on_a_terminal(*arguments: str) -> str:
    """What `wfstore url` shows when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    code = "import typer; from wfstore.cli import server; app = typer.Typer(); server.register(app); app()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, "url", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path]),
                "COLUMNS": "20",
            },
            check=True,
            timeout=60,
        )
        assert done.stderr == b""
        return os.read(ours, 4096).decode().strip()
    finally:
        os.close(theirs)
        os.close(ours)


def test_a_terminal_does_not_get_the_password_unless_asked() -> None:
    given = ("--database-url", SECRET, "--role", "admin")
    assert _on_a_terminal(*given) == SECRET.replace("s3cret", "***")
    assert _on_a_terminal(*given, "--show-password") == SECRET
    assert _on_a_terminal(*given, "--yoyo").startswith("postgresql+psycopg://ada:***@/prod?")
