"""The command line in processes of its own.

Each starts anew (`start`), or is forked from one that has imported what takes long (`run`): a third of a second
less for each of some hundred commands.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.executionkit import ROOT

_FORKING = multiprocessing.get_context("forkserver")
# Not wfstore.cli: what it writes to, and how wide, is decided when it is imported.
_FORKING.set_forkserver_preload(
    ["wfstore", "wfstore.sync.connecting", "wfstore.migrate", "typer.rich_utils", "rich.progress", "rich.table"]
)


def environment(database: str | None, **variables: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    fixed = {"PYTHONPATH": path, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    found = {**os.environ, **fixed, **variables}
    found.pop("DATABASE_URL", None)
    return found if database is None else found | {"DATABASE_URL": database}


def start(database: str | None, *arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    given: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": environment(database),
    }
    return subprocess.Popen([sys.executable, "-m", "wfstore.cli.main", *map(str, arguments)], **given | options)


def run(
    database: str | None,
    *arguments: str | Path,
    text: str | bytes | None = None,
    timeout: float = 60,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    command = ["wfstore", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("in", "out", "err")]
        files[0].write_bytes(text.encode() if isinstance(text, str) else text or b"")
        how = (command, environment(database) if env is None else env, str(cwd or Path.cwd()), list(map(str, files)))
        process = _FORKING.Process(target=_command, args=how)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, timeout)
        # as a text stream reads it
        written = [path.read_bytes().decode().replace("\r\n", "\n") if path.exists() else "" for path in files[1:]]
        code = process.exitcode
        process.close()
    return subprocess.CompletedProcess(command, code, *written)


def _command(command: list[str], variables: dict[str, str], folder: str, files: list[str]) -> None:
    """Become the command, in the process that was forked for it."""
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.argv = command
    for number, (name, flags) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(name, flags | os.O_CREAT), number)
    encoding, _, errors = variables.get("PYTHONIOENCODING", "utf-8").partition(":")
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's own
    sys.stdout = open(1, "w", encoding=encoding, errors=errors or None, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, errors=errors or None, closefd=False, buffering=1)  # noqa: SIM115
    from wfstore.cli.main import run as wfstore

    wfstore()
