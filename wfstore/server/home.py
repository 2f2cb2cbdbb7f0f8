"""The folder that holds the embedded server: whose it is, what lies in it, what is refused.

    .wfstore         says that the folder is ours; the first thing written
    lock             held by who creates, starts or stops the server (see locks.py)
    server.lock      held by the server's processes themselves
    data/            PostgreSQL's data; of the user that runs the server, nobody else can look in
    run/             its socket
    log/             its log, a file for each day of the week
    conf/            who may log in; the server can read it, not write it
    new-*            what is being made, and is renamed when complete; a left-over one is removed
    postgresql-*     the programs, copied only where the user that runs the server cannot reach the installed ones

Nothing outside this folder is changed, with one exception: where its path is too long for a socket's name, the
socket lies in a new folder of a short name, which is remembered in `socket-folder`.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs

from wfstore.errors import ServerError
from wfstore.server.account import OS_USER_VARIABLE, Account, first_closed, name_of, service_account
from wfstore.server.urls import PORT

HOME_VARIABLE = "WFSTORE_HOME"
MARKER = ".wfstore"
FOR_ROOT = Path("/var/lib/wfstore")
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103  # bytes of sockaddr_un.sun_path, less the NUL
_OURS = (MARKER, "lock", "server.lock", "socket-folder", "data", "run", "log", "conf")
_OURS_BY_PREFIX = ("new-", "postgresql-")


def default_home() -> Path:
    """WFSTORE_HOME, or the user's data folder.

    As root the server runs as another user, who often cannot enter /root; then it is /var/lib/wfstore. Data that
    exists decides: a later change of a folder's mode must not make it vanish.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    usual = platformdirs.user_data_path("wfstore").resolve()
    if os.geteuid() != 0 or (usual / MARKER).exists():
        return usual
    if (FOR_ROOT / MARKER).exists():
        return FOR_ROOT
    return FOR_ROOT if first_closed(_existing(usual), service_account(usual / "data")) else usual


class Home:
    """The folder of one embedded server."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.data = self.path / "data"
        self.log = self.path / "log"
        self.conf = self.path / "conf"
        self.lock = self.path / "lock"
        self.server_lock = self.path / "server.lock"
        self._remembered = self.path / "socket-folder"

    def exists(self) -> bool:
        """Whether a server's home is here already; refuses a folder that is somebody else's."""
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(status.st_mode):
            raise self._refused("is not a folder")
        if status.st_uid != os.geteuid():
            raise self._refused(f"belongs to {name_of(status.st_uid)}, not to {name_of(os.geteuid())}")
        if status.st_mode & stat.S_IWOTH:
            raise self._refused("can be written by every user of this machine")
        if not any(self.path.iterdir()):
            return False
        if not self._is_marked():
            raise self._refused("is not empty and was not made by wfstore")
        return True

    def _is_marked(self) -> bool:
        try:
            status = (self.path / MARKER).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()

    def _refused(self, why: str) -> ServerError:
        return ServerError(
            f"{self.path} {why}; it was left as it is",
            hint=f"Set {HOME_VARIABLE} to a folder that does not exist yet, or to an empty one of your own.",
        )

    def claim(self, account: Account) -> None:
        """Make the folder, or take an empty one; ours already is fine. Refuses before it writes."""
        known = self.exists()
        self._require_way_for(account)
        if not known:
            self._make_parents(account)
            self.path.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(self.path / MARKER, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        if not account.is_us:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & 0o011 != 0o011:
                self.path.chmod(mode | 0o011)  # to pass through, not to look around

    def _require_way_for(self, account: Account) -> None:
        closed = None if account.is_us else first_closed(_existing(self.path.parent), account)
        if closed is not None:
            raise ServerError(
                f"{self.path} cannot be used: the server runs as {account.name}, who may not enter {closed}",
                hint=f"Set {HOME_VARIABLE} to a folder that {account.name} can reach, such as {FOR_ROOT}, "
                f"or {OS_USER_VARIABLE} to a user that may enter; wfstore does not change who may enter {closed}.",
            )

    def _make_parents(self, account: Account) -> None:
        missing = [parent for parent in reversed(self.path.parents) if not parent.exists()]
        for parent in missing:
            parent.mkdir(mode=0o700, exist_ok=True)
            if not account.is_us:
                parent.chmod(0o711)  # made by us just now

    def prepare(self, account: Account) -> None:
        """Make what the server needs to start, apart from its data; under the lock."""
        for left in self.path.glob("new-*"):
            shutil.rmtree(left)
        self.folder(self.log, account)
        self._remember_socket_folder(account)
        for left in self.socket_folder().glob(f"{_SOCKET_NAME}*"):
            left.unlink()  # a zombie's, or another program's, process id in it would stop the server

    def folder(self, path: Path, account: Account) -> None:
        """Make a folder that belongs to the user that runs the server; nobody else can look in."""
        path.mkdir(mode=0o700, exist_ok=True)
        if not account.is_us:
            os.chown(path, account.uid, account.gid)

    def socket_folder(self) -> Path:
        """Where the server's socket is."""
        usual = self.path / "run"
        if _fits(usual) or not self._remembered.exists():
            return usual
        return Path(os.fsdecode(self._remembered.read_bytes()))

    def _remember_socket_folder(self, account: Account) -> None:
        if _fits(self.path / "run"):
            self.folder(self.path / "run", account)
            return
        if self._is_private(self.socket_folder(), account):
            return
        for base in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108 - mkdtemp makes a new one, 0700
            short = Path(tempfile.mkdtemp(prefix="wfstore-", dir=base)).resolve()
            if _fits(short) and (account.is_us or first_closed(short.parent, account) is None):
                self.folder(short, account)
                self._remembered.write_bytes(os.fsencode(short))
                return
            short.rmdir()
        raise ServerError(
            f"the path {self.path} is too long for a socket, and no folder of a short name could be made",
            hint=f"Set {HOME_VARIABLE} to a shorter path.",
        )

    def _is_private(self, folder: Path, account: Account) -> bool:
        """Whether a remembered folder is still the one we made: in /tmp another user could make its successor."""
        try:
            status = folder.lstat()
        except FileNotFoundError:
            return False
        return _fits(folder) and (stat.S_IFMT(status.st_mode), status.st_uid, stat.S_IMODE(status.st_mode)) == (
            stat.S_IFDIR,
            account.uid,
            0o700,
        )

    def trusts_socket_folder(self, account: Account) -> bool:
        """Whether what listens in the socket's folder can only be our server."""
        return self._is_private(self.socket_folder(), account)

    def remove(self) -> None:
        """Remove what wfstore made, the lock last; the folder too, unless something else lies in it."""
        outside = self.socket_folder()
        if outside.parent != self.path and outside.is_dir():
            shutil.rmtree(outside)
        entries = [
            entry for entry in self.path.iterdir() if entry.name in _OURS or entry.name.startswith(_OURS_BY_PREFIX)
        ]
        for entry in sorted(entries, key=lambda entry: (entry == self.lock, entry.name == MARKER)):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        if not any(self.path.iterdir()):
            self.path.rmdir()


def _fits(folder: Path) -> bool:
    """Whether a socket can lie in `folder`; a comma would separate two hosts in a URL."""
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT and "," not in str(folder)


def _existing(path: Path) -> Path:
    """The path, or the nearest of its parents that exists."""
    return next(step for step in (path, *path.parents) if step.exists())
