"""Which system user runs the server, and what that user can reach.

PostgreSQL refuses to run as root. When we are root, it runs as an unprivileged user that exists already; we make
no users. Whatever this user cannot reach is told, never opened up.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from wfstore.errors import ServerError

OS_USER_VARIABLE = "WFSTORE_OS_USER"
_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The system user that runs the server."""

    name: str
    uid: int
    gid: int
    is_us: bool

    @property
    def user(self) -> int | None:
        """For subprocess: the user to switch to, or None to stay."""
        return None if self.is_us else self.uid

    @property
    def group(self) -> int | None:
        """For subprocess: the group to switch to, or None to stay."""
        return None if self.is_us else self.gid

    @property
    def groups(self) -> list[int] | None:
        """For subprocess: no groups of root's are taken along."""
        return None if self.is_us else []


def our_name() -> str:
    """The name of the system user that this process runs as: what peer authentication will see."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ServerError(
            f"the system user {os.geteuid()} has no name, and PostgreSQL does not run without one",
            hint="Add the user to the system's user database (/etc/passwd), or set DATABASE_URL to another server.",
        ) from None


def name_of(uid: int) -> str:
    """A user's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def service_account(data: Path) -> Account:
    """The user that runs the server on `data`, which need not exist yet."""
    if os.geteuid() != 0:
        return Account(our_name(), os.geteuid(), os.getegid(), is_us=True)
    wanted = os.environ.get(OS_USER_VARIABLE)
    if data.is_dir():
        return _owner_of(data, wanted)
    names = (wanted,) if wanted else _CANDIDATES
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_us=False)
    raise ServerError(
        f"PostgreSQL does not run as root, and there is no other system user named {' or '.join(names)}",
        hint=f"Set {OS_USER_VARIABLE} to an existing system user other than root; wfstore creates none.",
    )


def _owner_of(data: Path, wanted: str | None) -> Account:
    """Once there is data, its owner runs the server: users that come later must not change that."""
    owner = data.stat().st_uid
    try:
        entry = pwd.getpwuid(owner)
    except KeyError:
        raise ServerError(
            f"{data} belongs to user {owner}, which this system does not have",
            hint="Was the folder brought from another machine? Create that user, or choose another WFSTORE_HOME.",
        ) from None
    if owner == 0 or wanted not in (None, "", entry.pw_name):
        raise ServerError(
            f"{data} belongs to {entry.pw_name}" + (f", but {OS_USER_VARIABLE} says {wanted}" if wanted else ""),
            hint=f"PostgreSQL runs as the owner of its data. Unset {OS_USER_VARIABLE}, or choose another WFSTORE_HOME.",
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_us=False)


def first_closed(path: Path, account: Account) -> Path | None:
    """The first folder on the way to `path` (itself included) that `account` may not search, or None.

    Mode bits only: an access list may grant more, or less, than they say. Then the start of the server itself
    says what is missing.
    """
    path = path.resolve()
    for step in [*reversed(path.parents), path]:
        if not _granted(step.stat(), account) & stat.S_IXOTH:
            return step
    return None


def _granted(status: os.stat_result, account: Account) -> int:
    """The rwx bits of the one class (owner, group or others) that holds for `account`."""
    if status.st_uid == account.uid:
        return status.st_mode >> 6 & 0o7
    if status.st_gid == account.gid:
        return status.st_mode >> 3 & 0o7
    return status.st_mode & 0o7
