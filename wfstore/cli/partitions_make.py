"""`wfstore partitions make`: partitions of history for any time."""

from __future__ import annotations

from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DatabaseUrl, Json

_MANY = 50
"""Queries that name no ids look at every partition: beyond so many it is felt."""
_DAY = ["%Y-%m-%d"]

From = Annotated[
    datetime,
    typer.Option("--from", formats=_DAY, metavar="DAY", show_default=False, help="The first day, in UTC: 2026-01-31."),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until", formats=_DAY, metavar="DAY", show_default=False, help="The last day; without it only the first."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which periods there would be.")]


def make(
    since: From, until: Until = None, dry_run: DryRun = False, json: Json = False, database_url: DatabaseUrl = None
) -> None:
    """Make the partitions of history for some days, as the owner of the tables.

    Writes make those within 35 days of now themselves; an import of older history needs them made before. Periods
    that are there stay as they are, and writers wait for nothing.

    **Examples**

    - `wfstore partitions make --from 2024-01-01 --until 2025-12-31`
    """
    from wfstore.partitions import maintainer

    first = since.replace(tzinfo=UTC)
    end = (until.replace(tzinfo=UTC) if until else first) + timedelta(days=1)
    if end <= first:
        raise typer.BadParameter("it lies before --from", param_hint="--until")
    with maintainer(database_url) as owner, output.progress() as bar:
        starts = owner.spans(first, end)
        if len(starts) > _MANY:
            output.note(
                f"These are {len(starts)} periods; beyond some {_MANY} in all, queries that name no ids become slow."
            )
        task = bar.add_task("making", total=len(starts))
        suffixes = [] if dry_run else owner.make_range(first, end, lambda _: bar.advance(task))
    if json:
        output.print_json({"would_make" if dry_run else "there": starts if dry_run else suffixes})
    elif dry_run:
        typer.echo(f"{_periods(starts)}, from {starts[0]:%Y-%m-%d} to that of {starts[-1]:%Y-%m-%d}")
    else:
        typer.echo(f"There: {_periods(suffixes)}, from {suffixes[0]} to {suffixes[-1]}")


def _periods(counted: Sized) -> str:
    return "1 period" if len(counted) == 1 else f"{len(counted)} periods"
