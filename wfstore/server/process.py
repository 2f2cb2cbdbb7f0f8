"""The server's processes: which are alive, how they are started and ended.

Two witnesses. Each process of the server holds `server.lock`, inherited from the postmaster: when the lock is
free, all of them are gone, whoever killed them, whatever process id was given to another program since. And
postmaster.pid names a process, which is our server if it is alive, no zombie, a postgres, and works in our data
folder: that also finds a server which somebody started by hand.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

from wfstore.server.account import Account

# sh leaves the server as an orphan, which init adopts: not our child, it cannot become our zombie
_DETACH = '"$@" &'


def postmaster(data: Path) -> int | None:
    """The process id of the living server on `data`, or None."""
    pid = _named(data)
    return pid if pid is not None and _works_in(pid, data) else None


def forget_dead(data: Path) -> None:
    """Remove a postmaster.pid that names a zombie, or another program; only when no server can be alive.

    PostgreSQL would take either for a living server. An id that nobody has it sees through by itself, and then
    also looks for shared memory in use, so that file stays.
    """
    pid = _named(data)
    if pid is not None and import_module("psutil").pid_exists(pid):
        (data / "postmaster.pid").unlink()


def ask_to_stop(pid: int) -> None:
    """Ask for a fast shutdown: roll back, disconnect, write a checkpoint."""
    with suppress(ProcessLookupError):  # gone meanwhile: that is what was wanted
        os.kill(pid, signal.SIGINT)


def end_orphans(data: Path) -> None:
    """Ask processes that outlived their postmaster to leave at once; its death made them useless already.

    Most notice it by themselves. One that is busy computing would go on until its statement ends.
    """
    if postmaster(data) is not None:
        return
    for pid in import_module("psutil").pids():
        # only children change their title; a postmaster that is just starting is called by its path
        if _works_in(pid, data, title="postgres:"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)


def end_removed(data: Path) -> bool:
    """End a server whose folder was removed while it ran; True if there is none, or no more.

    It notices within a minute, and then removes its socket: by name, which would be its successor's by now.
    """
    gone = True
    for pid in import_module("psutil").pids():
        with suppress(OSError):  # ended meanwhile, or another user's; where there is no /proc, nothing is found
            folder = Path(f"/proc/{pid}/cwd").readlink()
            # in another container the same path is another folder
            if str(folder) == f"{data} (deleted)" and _mounts(pid) == _mounts(os.getpid()) and _is_postgres(pid):
                os.kill(pid, signal.SIGQUIT)
                gone = False
    return gone


def _mounts(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/mnt").readlink()


def ready(data: Path) -> bool:
    """Whether the server has said that it is ready for connections."""
    try:
        return (data / "postmaster.pid").read_text(errors="replace").rstrip().endswith("\nready")
    except FileNotFoundError:
        return False


def _named(data: Path) -> int | None:
    """The process that postmaster.pid names."""
    try:
        return int((data / "postmaster.pid").read_text(errors="replace").partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _works_in(pid: int, data: Path, title: str = "") -> bool:
    """Whether `pid` is a living postgres whose working folder is `data`."""
    psutil = import_module("psutil")  # of the extra `embedded`: a store on another server does without
    try:
        process = psutil.Process(pid)
        if not _is_postgres(pid) or not "".join(process.cmdline()).startswith(title):
            return False
        # not by name alone: in another container the same path is another folder
        here = Path(f"/proc/{pid}/cwd") if sys.platform == "linux" else Path(process.cwd())
        return bool(here.samefile(data))
    except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, PermissionError):
        return False  # gone, or of another user: not our server


def _is_postgres(pid: int) -> bool:
    """Whether `pid` is a living process of PostgreSQL's."""
    psutil = import_module("psutil")
    try:
        process = psutil.Process(pid)
        return bool(process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def spawn(command: Sequence[str], account: Account, *, output: IO[bytes], keep: int) -> None:
    """Start the server, independent of us: in its own session, without our terminal, holding `keep` open."""
    subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=(keep,),
        cwd="/",
        env=environment(),
        user=account.user,
        group=account.group,
        extra_groups=account.groups,
        umask=0o077,
        check=True,
        timeout=20,
    )


def environment() -> dict[str, str]:
    """What PostgreSQL's programs get to see: no PG* variables, and messages in English, which we read."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
