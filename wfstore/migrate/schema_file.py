"""Generate `sql/schema.sql` from the migrations: `python -m wfstore.migrate.schema_file [--check]`.

For developers and CI. A throw-away embedded PostgreSQL is migrated and dumped with its own pg_dump, less what
changes from day to day or that older versions do not know.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from wfstore.errors import MigrationError
from wfstore.migrate.files import known, read
from wfstore.migrate.runner import migrate
from wfstore.resources import SQL
from wfstore.server import EmbeddedServer, Role

# What is as good as schema: without these rows nothing works, or everything seems to be pending.
_ROWS = ("_yoyo_migration", "_yoyo_version", "wfstore_migrations", "retention_policies", "tenants")
_DATED = ("workflow_executions_p*", "node_executions_p*")
_TEMPLATE = Path(__file__).with_name("schema.template.sql")

_ENTRY = re.compile(r"\n*^--\n-- (?:Data for )?Name: .*\n--\n\n", re.MULTILINE)
_END = re.compile(r"\n+--\n-- PostgreSQL database dump complete\n--\n[\s\S]*\Z")
_DEFAULTS = re.compile(r"^SET default_(?:tablespace = ''|table_access_method = heap);\n\n", re.MULTILINE)
_COMMENTS = re.compile(r"^(COMMENT ON .*;\n)\n(?=COMMENT ON )", re.MULTILINE)
_MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(\+00)?'")


def generate(url: str, pg_dump: str) -> str:
    """Return the text of `schema.sql` for an empty database at `url`, which is migrated for it."""
    migrate(url)
    dated = [f"--exclude-table={pattern}" for pattern in _DATED]
    wanted = [f"--table={table}" for table in _ROWS]
    parts = {
        "roles": read(known()[0].path).rstrip(),
        "tables": _section(_dump(url, pg_dump, "--section=pre-data", *dated)),
        "rows": _rows(_dump(url, pg_dump, "--section=data", "--column-inserts", *wanted)),
        "rest": _section(_dump(url, pg_dump, "--section=post-data", *dated)),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], text)


def _dump(url: str, pg_dump: str, *options: str) -> str:
    """Run pg_dump; owners are left out, as the file is loaded as the one owner of everything."""
    done = subprocess.run(
        [pg_dump, "--no-owner", "--no-password", *options, url],
        env={**os.environ, "PGTZ": "UTC", "PGCLIENTENCODING": "UTF8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise MigrationError(f"pg_dump failed: {' '.join(done.stderr.split())}")
    return done.stdout


def _section(dump: str) -> str:
    """What the dump defines, without its settings and its headings, of which each version has others."""
    start = _ENTRY.search(dump)
    body = _END.sub("", dump[start.start() :] if start else "")
    return _COMMENTS.sub(r"\1", _DEFAULTS.sub("", _ENTRY.sub("\n\n", body))).strip()


def _rows(dump: str) -> str:
    """INSERT statements in an order of their own, with the moment of loading for every moment."""
    inserts = re.split(r"^(?=INSERT INTO )", _section(dump), flags=re.MULTILINE)
    moment = {None: "(now() AT TIME ZONE 'UTC')", "+00": "now()"}
    return "\n".join(
        sorted(_MOMENT.sub(lambda match: moment[match[1]], insert.strip()) for insert in inserts if insert)
    )


def main(
    check: Annotated[bool, typer.Option("--check", help="Only compare, and exit with 1 where it is stale.")] = False,
    output: Annotated[Path, typer.Option("--output", help="The file.")] = SQL / "schema.sql",
) -> None:
    """Generate sql/schema.sql from the migrations."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # as root, the server runs as somebody else, who must get to its home in there
        server = EmbeddedServer(Path(folder) / "server", settings={"fsync": "off"})
        try:
            server.start()
            fresh = generate(server.url(Role.ADMIN), server.program("pg_dump"))
        finally:
            server.destroy()
    if not check:
        output.write_text(fresh, encoding="utf-8")
        return
    stored = output.read_text(encoding="utf-8") if output.exists() else ""
    if stored != fresh:
        lines = difflib.unified_diff(
            stored.splitlines(keepends=True), fresh.splitlines(keepends=True), str(output), "generated"
        )
        sys.stdout.writelines(lines)
        sys.stderr.write(f"{output} is stale; run: python -m wfstore.migrate.schema_file\n")
        raise typer.Exit(1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
