"""`wfstore import`: bring other people's workflows in, and executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from wfstore.cli import output
from wfstore.cli.import_history import history
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, tenant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wfstore.documents.findings import Finding
    from wfstore.imports.report import Imported, ImportReport

_LISTED = 20
_SENTENCES = 2

Traces = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="JSON files, gzipped or not; folders; - for standard input."),
]
Definitions = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help=".json files with an export or a list of them, .jsonl files with one a line, either gzipped; folders; "
        "- for standard input.",
    ),
]
Workflow = Annotated[
    UUID | None,
    typer.Option("--workflow", metavar="ID", help="Save the one definition as the next version of this workflow."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no warnings, only what is refused.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every warning.")]


def wfformat(
    files: Traces, database_url: DatabaseUrl = None, tenant: Tenant = DEFAULT_TENANT_SLUG, json: Json = False
) -> None:
    """Import WfFormat 1.5 traces: a task becomes a node, a dependency a connection, durations are kept.

    A trace that was imported before and has changed makes a new version of its workflow. What cannot be read
    is refused with its file and reason, the rest goes on, and the exit code is 1.
    """
    from wfstore.imports.sources import sources
    from wfstore.imports.wfformat import import_traces
    from wfstore.sync.connecting import connect

    found = list(sources(files))
    with connect(database_url, tenant=tenant_of(tenant)) as store, output.progress() as bar:
        task = bar.add_task("importing", total=len(found))
        teller = _Teller(lambda: bar.advance(task))
        report = import_traces(store, found, teller)
    _finish(report, teller, json=json)


def n8n(
    files: Definitions,
    workflow: Workflow = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Import n8n exports as workflows; `wfstore export n8n` gives them back as they were.

    A definition that was imported before and has changed makes a new version of its workflow; one that is the
    same writes nothing. What cannot be read is refused with its file, line and reason, the rest goes on, and
    the exit code is 1. What has no rows (canvas notes, edges to nodes that are not there) is kept in the
    document, with a warning.

    **Examples**

    - `wfstore import n8n flow.json`
    - `wfstore import n8n flows/ more.jsonl.gz`
    - `curl -s https://example.org/flow.json | wfstore import n8n -`
    - `wfstore import n8n edited.json --workflow 0198c0de-...`
    """
    from wfstore.documents.limits import MAX_BYTES
    from wfstore.imports.n8n import import_definitions
    from wfstore.imports.sources import Form, texts
    from wfstore.imports.sources import files as files_of
    from wfstore.sync.connecting import connect

    found = list(files_of(files))
    total = len(found) if all(file.form is Form.TEXT for file in found) else None
    with connect(database_url, tenant=tenant_of(tenant)) as store, output.progress() as bar:
        task = bar.add_task("importing", total=total)
        teller = _Teller(lambda: bar.advance(task), quiet=quiet, verbose=verbose)
        report = import_definitions(store, texts(found, MAX_BYTES), teller, workflow)
    _finish(report, teller, json=json)


class _Teller:
    """Tells the person at the terminal what becomes of each source: refusals all, warnings in few words."""

    def __init__(self, advance: Callable[[], None], *, quiet: bool = False, verbose: bool = False) -> None:
        self._advance = advance
        self._quiet = quiet
        self._verbose = verbose
        self._told = 0
        self.untold = 0
        """Sources whose warnings were not shown."""

    def __call__(self, entry: Imported) -> None:
        self._advance()
        if entry.reason is not None:
            output.note(f"refused {entry.place}: {entry.reason}")
        if not entry.warnings or self._quiet:
            return
        if self._verbose:
            for warning in entry.warnings:
                output.note(f"warning {entry.place}: {warning}")
        elif self._told < _LISTED:
            self._told += 1
            output.note(f"warning {entry.place}: {_summary(entry.warnings)}")
        else:
            self.untold += 1


def _summary(warnings: Sequence[Finding]) -> str:
    """Say the first of each kind of warning, of few kinds, and how many more there are."""
    first = list({warning.code: warning for warning in reversed(warnings)}.values())[::-1][:_SENTENCES]
    more = len(warnings) - len(first)
    return "; ".join(map(str, first)) + (f" (and {more} more)" if more else "")


def _finish(report: ImportReport, teller: _Teller, *, json: bool) -> None:
    """Print the report; the exit code says whether anything was refused."""
    from wfstore.imports.report import Outcome

    if teller.untold:
        output.note(f"{teller.untold:,} more with warnings; --verbose shows them all")
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
            ["outcome", "id", "name", "revision", "nodes"],
            [[entry.outcome, entry.workflow_id, entry.name, entry.revision, entry.nodes] for entry in imported],
        )
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    typer.echo(f"{len(report.entries)} read: {counts}; {report.warned} with warnings")
    if len(imported) > _LISTED:
        typer.echo("--json lists the workflows with their ids.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Import workflows of other formats, and executions.", no_args_is_help=True)
    group.command("wfformat")(wfformat)
    group.command("n8n")(n8n)
    group.command("history")(history)
    app.add_typer(group, name="import")
