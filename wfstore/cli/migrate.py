"""`wfstore migrate` and `wfstore rollback`: the schema, forward and back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from wfstore import migrate as migrations
from wfstore.cli import output
from wfstore.cli.options import DatabaseUrl, Json
from wfstore.migrate import Loss, Status
from wfstore.server import Role, resolve

To = Annotated[str | None, typer.Option("--to", metavar="ID", show_default=False, help="An id, or its number.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def migrate(
    *,
    to: To = None,
    dry_run: DryRun = False,
    status: Annotated[bool, typer.Option("--status", help="Only show what is applied and what is pending.")] = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the schema up to date, or up to and with the migration that `--to` names.

    Each migration and its mark commit together: whatever happens, none is ever half applied, and running it again
    goes on where it ended. Two at once are no danger: one waits. Needs a superuser, or a role with CREATEROLE that
    owns the database.
    """
    if status and (dry_run or to is not None):
        raise typer.BadParameter("it shows everything, and takes neither --to nor --dry-run", param_hint="--status")
    url = resolve(database_url, Role.ADMIN)
    if status:
        _show_status(migrations.status(url), json)
    elif dry_run:
        _show_plan(migrations.plan(url, to=to), "apply", json)
    else:
        done = migrations.migrate(url, to=to, report=output.note)
        if json:
            output.print_json({"applied": done})
        else:
            typer.echo(f"{_count(done)} applied. {_where(migrations.status(url), to)}")


def rollback(
    *,
    to: To = None,
    everything: Annotated[bool, typer.Option("--all", help="Roll everything back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Roll the last migration back, or all that came after the one that `--to` names, which stays.

    The tables that those migrations made go with all their rows; what goes is listed before the question.
    """
    if everything and to is not None:
        raise typer.BadParameter("it goes without --to", param_hint="--all")
    if not (yes or dry_run or _can_ask()):
        raise typer.BadParameter("data may be lost, and nobody is here to be asked; add --yes", param_hint="--yes")
    url = resolve(database_url, Role.ADMIN)
    wanted = migrations.plan_rollback(url, to=to, everything=everything)
    loss = migrations.loss(url, wanted)
    if dry_run:
        _show_plan(wanted, "roll back", json, loss)
        return
    if wanted and not yes:
        _tell_loss(loss)
        typer.confirm(f"Roll back {', '.join(wanted)}?", abort=True, err=True)
    if wanted:
        migrations.rollback(url, to=to, everything=everything, expected=wanted, report=output.note)
    if json:
        output.print_json({"rolled_back": wanted})
    else:
        typer.echo(f"{_count(wanted)} rolled back. {_where(migrations.status(url))}")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (migrate, rollback):
        app.command()(command)


def _can_ask() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _show_status(lines: Sequence[Status], json: bool) -> None:
    if json:
        output.print_json(lines)
        return
    rows = [
        (line.migration, line.state, line.applied_at and f"{line.applied_at:%Y-%m-%d %H:%M:%S}", line.content)
        for line in lines
    ]
    output.table("Migrations", ("migration", "state", "applied at (UTC)", "content"), rows)
    for line in lines:
        if line.content == "edited":
            output.note(f"{line.migration} was edited after being applied; `wfstore migrate` refuses to go on.")
        if line.state == "unknown":
            breaking = ", which breaks this one" if line.breaking else ""
            output.note(f"{line.migration} was applied by another release{breaking}.")


def _show_plan(ids: Sequence[str], verb: str, json: bool, loss: Loss | None = None) -> None:
    if json:
        lost = {} if loss is None else {"tables": loss.tables, "columns": loss.columns}
        output.print_json({f"would_{verb.replace(' ', '_')}": ids, **lost})
        return
    for migration in ids:
        typer.echo(f"would {verb} {migration}")
    if not ids:
        typer.echo(f"nothing to {verb}")
    if loss is not None:
        _tell_loss(loss)


def _tell_loss(loss: Loss) -> None:
    for table in loss.tables:
        output.note(f"table {table.table_name} goes: about {table.live_rows:,} rows, {table.bytes / 1024:,.0f} kB")
    for column in loss.columns:
        output.note(f"column {column} goes with its values")


def _count(ids: Sequence[str]) -> str:
    return f"{len(ids)} migration was" if len(ids) == 1 else f"{len(ids) or 'No'} migrations were"


def _where(lines: Sequence[Status], to: str | None = None) -> str:
    """Say where the schema is now, and how to get to where `--to` wanted it if that lies behind."""
    applied = [line.migration for line in lines if line.state != "pending"]
    pending = len(lines) - len(applied)
    if not applied:
        return "The database has no wfstore schema."
    where = f"The schema is at {applied[-1]}{f', {pending} pending' if pending else ''}."
    if to is None:
        return where
    target = migrations.find(to, migrations.known()).id
    return where if target == applied[-1] else f"{where} To go back: wfstore rollback --to {target}"
