"""`wfstore export history`: executions that have ended."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, connected

_DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

From = Annotated[
    datetime | None, typer.Option("--from", formats=_DAY, metavar="TIME", help="From this day or time on, in UTC.")
]
Before = Annotated[
    datetime | None, typer.Option("--before", formats=_DAY, metavar="TIME", help="To before this day or time, in UTC.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="A file; gzipped if it ends in .gz.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


def history(
    since: From = None,
    before: Before = None,
    to: Output = None,
    force: Force = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Export executions that have ended, with the runs of their nodes: JSON Lines, as `wfstore import history` reads.

    By the time of their ids, the latest first; those that have not ended are left out. They go to standard output, or
    with `--output` into a file, which `--json` tells of.

    **Examples**

    - `wfstore export history --from 2026-01-01 --before 2026-02-01 --output january.jsonl.gz`
    - `wfstore export history | wfstore import history - --database-url postgresql://...`
    """
    if json and to is None:
        raise typer.BadParameter("standard output has the executions; name a file with --output", param_hint="--json")
    from wfstore.exports.history import lines

    count = 0
    with connected(database_url, tenant) as store, _target(to, force) as stream, output.progress() as bar:
        task = bar.add_task("exporting", total=None)
        for line in lines(store, _utc(since), _utc(before)):
            stream.write(line)
            count += 1
            bar.update(task, completed=count)
    if json:
        output.print_json({"executions": count, "file": str(to)})
    else:
        output.note(f"{count:,} executions exported")


@contextmanager
def _target(path: Path | None, force: bool) -> Iterator[BinaryIO]:
    from wfstore.exports.history import opened

    if path is not None:
        with opened(path, force=force) as stream:
            yield stream
    else:
        # As bytes: what is UTF-8 in a file is so whatever the terminal's encoding.
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
