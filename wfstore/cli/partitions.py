"""`wfstore partitions`: the periods that history is kept in."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DatabaseUrl, Json
from wfstore.cli.partitions_make import make

group = typer.Typer(no_args_is_help=True)


@group.callback()
def options() -> None:
    """The periods that history is kept in: list them, make them, drop those that have expired."""


group.command()(make)


@group.command("list")
def list_(json: Json = False, database_url: DatabaseUrl = None) -> None:
    """List the periods, oldest first, with what they take on disk, partitions of node results included."""
    from wfstore import retention

    with retention.maintainer(database_url) as connection:
        found = retention.periods(connection)
        expired = {period.suffix for period in retention.expired(connection, datetime.now(UTC))}
    if json:
        output.print_json([{**each.model_dump(), "expired": each.suffix in expired} for each in found])
        return
    lines = [
        (
            each.suffix,
            f"{each.since:%Y-%m-%d}",
            f"{each.until:%Y-%m-%d}",
            each.executions_estimate,
            output.size(each.total_bytes),
            "yes" if each.suffix in expired else "no",
        )
        for each in found
    ]
    headings = ("period", "from (UTC)", "until", "executions, estimated", "size", "expired")
    output.table("Periods of history", headings, lines)


@group.command()
def drop(
    *,
    expired: Annotated[bool, typer.Option("--expired", help="What the retention policy no longer keeps.")] = False,
    before: Annotated[
        datetime | None,
        typer.Option("--before", formats=["%Y-%m-%d"], metavar="DATE", help="What ended by this day (UTC)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Drop periods with all their executions and node results.

    A period of which an execution has not ended is refused. Writers never wait for it for long: it asks for its locks
    for 200 ms at a time. What referred to the executions (counts, signals, dead letters, keys) goes afterwards.

    **Examples**

    - `wfstore partitions drop --expired --dry-run`
    - `wfstore partitions drop --before 2026-01-01 --yes`
    """
    from wfstore import retention

    if expired == (before is not None):
        raise typer.BadParameter("say which: --expired, or --before DATE", param_hint="--expired")
    if not (yes or dry_run or sys.stdin.isatty()):
        raise typer.BadParameter("history would go, and nobody is here to be asked; add --yes", param_hint="--yes")
    dropped, removed = [], 0
    with retention.maintainer(database_url) as connection:
        wanted = (
            retention.expired(connection, datetime.now(UTC))
            if before is None
            else retention.before(connection, before.replace(tzinfo=UTC))
        )
        names = ", ".join(period.suffix for period in wanted)
        if wanted and not (yes or dry_run):
            typer.confirm(f"Drop {names} with all their executions?", abort=True, err=True)
        with output.progress() as progress:
            task = progress.add_task("dropping", total=len(wanted))
            for period in [] if dry_run else wanted:
                removed += retention.drop(connection, period, report=output.note)
                dropped.append(period.suffix)
                progress.advance(task)
    if json:
        listed = [period.suffix for period in wanted]
        output.print_json({"would_drop": listed} if dry_run else {"dropped": dropped, "rows_removed": removed})
    elif dry_run:
        typer.echo(f"would drop {names}" if wanted else "nothing to drop")
    else:
        typer.echo(f"dropped {', '.join(dropped)}" if dropped else "nothing to drop")


@group.command()
def analyze(database_url: DatabaseUrl = None) -> None:
    """Gather the planner's statistics of history: autovacuum never looks at partitioned tables themselves."""
    from wfstore import retention

    with retention.maintainer(database_url) as connection:
        retention.analyze(connection)
    typer.echo("analyzed")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="partitions")
