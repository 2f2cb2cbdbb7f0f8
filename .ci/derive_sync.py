"""Derive the sync face from the async one: `python .ci/derive_sync.py [--check]`.

Every module of `wfstore/aio` but the two that are async by nature becomes one of `wfstore/sync`, by
replacing names (unasync) and formatting (ruff). `--check` writes nothing and exits with 1 if any differs.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "wfstore" / "aio"
TARGET = ROOT / "wfstore" / "sync"
BY_HAND = {"__init__.py", "waiting.py", "group_commit.py"}
NOTE = "# Derived from wfstore/aio by .ci/derive_sync.py: change it there.\n"
NAMES = {
    "aio": "sync",
    "AsyncConnection": "Connection",
    "AsyncCursor": "Cursor",
    "AsyncClientCursor": "ClientCursor",
    "AsyncConnectionPool": "ConnectionPool",
    "asynccontextmanager": "contextmanager",
    "AsyncIterator": "Iterator",
}


def derived(folder: Path) -> dict[str, str]:
    """Return the text of each derived module, made in a scratch folder."""
    source, target = folder / "aio", folder / "sync"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    files = [path for path in sorted(source.glob("*.py")) if path.name not in BY_HAND]
    rule = unasync.Rule(f"{source}/", f"{target}/", additional_replacements=NAMES)
    unasync.unasync_files([str(path) for path in files], rules=[rule])
    for path in target.glob("*.py"):
        text = path.read_text(encoding="utf-8").replace("async with ", "with ").replace("async for ", "for ")
        text = text.replace("Awaitable[T]", "T").replace("Awaitable, ", "").replace("await ", "")
        text = re.sub(r"\bSync(?=[A-Z])", "", text)  # unasync's prefix; the sync face is the plain one
        path.write_text(NOTE + text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
    subprocess.run([*ruff[:3], "check", *ruff[3:], "--select", "I", "--fix", str(target)], check=True)
    subprocess.run([*ruff[:3], "format", *ruff[3:], str(target)], check=True)
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(target.glob("*.py"))}


def main() -> int:
    """Write the derived modules, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a module is stale")
    check = parser.parse_args().check
    stale = False
    with tempfile.TemporaryDirectory() as folder:
        modules = derived(Path(folder))
    for name, text in modules.items():
        path = TARGET / name
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == present:
            continue
        stale = True
        if check:
            lines = difflib.unified_diff(
                present.splitlines(), text.splitlines(), f"{path.name}", "derived", lineterm=""
            )
            sys.stdout.write("\n".join(lines) + "\n")
        else:
            path.write_text(text, encoding="utf-8")
    for path in TARGET.glob("*.py"):
        if path.name not in modules and path.name not in BY_HAND:
            stale = True
            sys.stdout.write(f"{path.name} is derived from nothing\n")
    return int(check and stale)


if __name__ == "__main__":
    sys.exit(main())
