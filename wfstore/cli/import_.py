"""`wfstore import`: bring other people's workflows in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of

if TYPE_CHECKING:
    from wfstore.imports.report import ImportReport

_LISTED = 20

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="JSON files, gzipped or not; folders; - for standard input."),
]


def wfformat(
    files: Files, database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False
) -> None:
    """Import WfFormat 1.5 traces: a task becomes a node, a dependency a connection, durations are kept.

    A trace that was imported before and has changed makes a new version of its workflow. What cannot be read
    is refused with its file and reason, the rest goes on, and the exit code is 1.
    """
    from wfstore.imports.report import Imported, Outcome
    from wfstore.imports.wfformat import import_traces
    from wfstore.sync.connecting import connect
    from wfstore.wfformat import sources

    found = list(sources(files))
    with connect(database_url, tenant=tenant_of(tenant)) as store, output.progress() as bar:
        task = bar.add_task("importing", total=len(found))

        def report_each(entry: Imported) -> None:
            bar.advance(task)
            if entry.outcome is Outcome.REFUSED:
                output.note(f"refused {entry.source}: {entry.reason}")
            for warning in entry.warnings:
                output.note(f"warning {entry.source}: {warning}")

        report = import_traces(store, found, report_each)
    if json:
        output.print_json(report.as_json())
    else:
        _print_report(report)
    if report.count(Outcome.REFUSED):
        raise typer.Exit(1)


def _print_report(report: ImportReport) -> None:
    """Say what became of the sources, and, of those few that are still read, what their workflows are called."""
    from wfstore.imports.report import Outcome

    imported = [entry for entry in report.entries if entry.workflow_id is not None]
    if 0 < len(imported) <= _LISTED:
        output.table(
            "Workflows",
            ["outcome", "id", "name", "nodes"],
            [[entry.outcome, entry.workflow_id, entry.name, entry.nodes] for entry in imported],
        )
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    typer.echo(f"{len(report.entries)} read: {counts}")
    if len(imported) > _LISTED:
        typer.echo("--json lists the workflows with their ids.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Import workflows of other formats.", no_args_is_help=True)
    group.command("wfformat")(wfformat)
    # A group of one command would otherwise swallow the command's name.
    group.callback()(lambda: None)
    app.add_typer(group, name="import")
